import type { IpcClosure } from '../channel/closure.js';
import type { IpcLimits } from '../../base/limits.js';
import type { IpcFrame, IpcMessage } from './message.js';
import type { OutgoingItem, OutgoingMessage } from './outgoing.message.js';
import type { KeptBytes } from './session.bytes.js';
import type { IpcTransport } from './transport.js';

/** The owner of a link. */
export interface IpcLinkEvents {
  /** Called with every message of the peer, in the order of sending. */
  receive(message: IpcMessage): void;
  /** Called once when the link is over, whichever side ended it. */
  ended(closure: IpcClosure): void;
}

/** Sends the items of streams over a link. */
export interface ItemLink {
  /** Sends an item. @returns its bytes @throws NumberedError if it cannot be sent */
  send(message: OutgoingItem): number;
  /** Too much is on its way for another item: resolves when the peer has taken it, or the link is over. Never rejects. */
  backpressure(): Promise<void> | undefined;
}

/** Sends and receives the messages of one session at the end of the backend. */
export interface IpcServerLink {
  /** How the link ended; `undefined` while it is open. */
  readonly closure: IpcClosure | undefined;
  /**
   * Sends a message.
   *
   * @returns resolves at once, or when the peer has taken the bytes on their way; rejects when the link is over
   * @throws NumberedError if a value cannot be sent
   */
  send(message: OutgoingMessage): Promise<void>;
  /** Bytes that were sent, and that the peer has not taken or acknowledged. */
  readonly unsentBytes: number;
  /** Too much is on its way: resolves when the peer has taken it, or the link is over. */
  backpressure(): Promise<void> | undefined;
  /** Resolves when another node could go on with the session; `undefined` if none could anyway. Never rejects. */
  settled?(): Promise<void> | undefined;
  /** Sends items of streams. Absent on a wire without streams. */
  readonly items?: ItemLink;
  /** Receives a frame of the peer, and owns its memory from then on. Never throws. */
  receive(frame: IpcFrame): void;
  /** Ends the link from this side. */
  close(code: number, reason: string): void;
  /** The connection has ended. The link ends when it has delivered the frames that came before. */
  ended(closure: IpcClosure): void;
}

/** Sends and receives the messages of one session at the end of the frontend. */
export interface IpcSessionLink extends IpcServerLink {
  /** Cancels a call, if the wire has a message for it. */
  cancel(request: number): void;
}

/** Makes the link of a session over its one connection; `kept` counts the bytes that wait for the peer. */
export type OpenLink<Link extends IpcServerLink> = (
  transport: IpcTransport,
  limits: IpcLimits,
  events: IpcLinkEvents,
  kept: KeptBytes | undefined,
) => Link;

/** Above this many buffered bytes senders wait. */
export const HIGH_WATER = 1024 * 1024;

/** The promise of a message that its sender need not wait for. */
export const sent = Promise.resolve();

/** Marks a rejection as handled: most senders do not wait, and a session may end at any time. */
export function unwatched(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
