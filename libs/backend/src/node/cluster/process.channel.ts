/** A channel between two processes, as a worker's `process` and a `ChildProcess` have it. */
export interface ProcessChannel {
  readonly connected: boolean;
  /** @param sent called when the message has left, with an error if it has not */
  send?(message: unknown, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  off(event: 'message', listener: (message: unknown) => void): unknown;
  off(event: 'disconnect', listener: () => void): unknown;
}

/** Distinguishes messages of the backplane from those of the application, and one version of them from another. */
const KEY = 'linnetBackplane1';

/** A message of a worker: runs a function of a node. */
export interface NodeCall {
  readonly node: string;
  /** Counts the calls of a node. */
  readonly call: number;
  readonly run: string;
  readonly args: readonly unknown[];
}

/** A message of the primary process to a node: the result of a call, a frame, or that frames were lost. */
export type NodeMessage =
  | { readonly node: string; readonly type: 'done'; readonly call: number; readonly result: unknown }
  | {
      readonly node: string;
      readonly type: 'failed';
      readonly call: number;
      readonly failure: string;
      readonly message: string;
    }
  | {
      readonly node: string;
      readonly type: 'frame';
      readonly topic: string | undefined;
      readonly frame: Uint8Array;
    }
  | { readonly node: string; readonly type: 'missed' };

/** Sends a message. @param sent called when it has left, or cannot */
export function sendOver(
  channel: ProcessChannel,
  message: NodeCall | NodeMessage,
  sent: (error: Error | null) => void,
): void {
  const noChannel = new Error('The process has no channel to the other one.');
  if (!channel.send || !channel.connected) return sent(noChannel);
  channel.send({ [KEY]: message }, sent);
}

/** The message of the backplane in one of the channel; `undefined` if it is another one's. */
export function readMessage(message: unknown): Readonly<Record<string, unknown>> | undefined {
  const found = (message as Readonly<Record<string, unknown>> | null)?.[KEY];
  return typeof found === 'object' && found !== null
    ? (found as Readonly<Record<string, unknown>>)
    : undefined;
}
