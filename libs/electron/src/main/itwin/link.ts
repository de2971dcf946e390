import { IModelError, IpcClosedError } from '@linnet/common';
import type { IpcClosure, IpcLimits } from '@linnet/common';
import {
  copyOf,
  copyReceived,
  GENERAL_ERROR,
  IpcMessageType,
  IpcProtocolError,
  refusedReply,
  sent,
  unwatched,
  RPC_CHANNEL,
  SERIALIZED_RPC_CHANNEL,
} from '@linnet/common/internal';
import type { IpcMessage, IpcServerLink, OutgoingMessage, SerializedReply } from '@linnet/common/internal';
import { ITwinRequests } from './requests.js';

/** The channel of byte strings of RPC, both ways; those of requests and replies is that of {@link SerializedRpc}. */
export const DATA_CHANNEL = 'itwin.rpc.data';

/** The page at the other end. */
export interface ITwinPage {
  /** Sends to what listens to a channel. Never throws. */
  send(channel: string, ...args: unknown[]): void;
  /** Whether the calls of a channel are answered with bare values. */
  isRaw(channel: string): boolean;
}

/** A call of the page that is not answered yet. */
interface Waiting {
  /** Answers it. @throws NumberedError for a value that cannot be sent */
  answer(message: OutgoingMessage): void;
  /** It cannot be answered any more. */
  fail(error: Error): void;
}

/**
 * The session of one page on the wire of core-electron: calls and messages by channels of Electron's ipc, and RPC by two
 * of them. Nothing is numbered, as Electron keeps the order; nor acknowledged, so that nothing can be waited for.
 */
export class ITwinLink implements IpcServerLink {
  #closure: IpcClosure | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #requests: ITwinRequests;
  #last = 0;

  constructor(
    private readonly page: ITwinPage,
    private readonly limits: IpcLimits,
    private readonly deliver: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
  ) {
    this.#requests = new ITwinRequests(
      limits,
      (request) => this.#call(request),
      (request, message) => this.#reply(refusedReply(request, { message })),
    );
  }

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /** @throws NumberedError for a value that cannot be sent */
  send(message: OutgoingMessage): Promise<void> {
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (message.type === IpcMessageType.Push) {
      const { value } = copyOf(message.data);
      this.page.send(message.channel, ...(value as unknown[]));
    } else {
      this.#waiting.get(message.request!)?.answer(message);
      this.#waiting.delete(message.request!);
    }
    return sent;
  }

  room(): undefined {
    // Electron takes everything at once, and does not tell when the page has it.
  }

  /** Takes what the page has sent: the channel, and what was sent on it. Never throws. */
  receive(frame: unknown): void {
    const [channel, ...args] = frame as [string, ...unknown[]];
    if (this.#closure) return;
    try {
      if (channel === SERIALIZED_RPC_CHANNEL) this.#requests.take(args[0]);
      else if (channel === DATA_CHANNEL) this.#requests.takeData(args[0]);
      else this.#deliver(IpcMessageType.Send, channel, undefined, this.#copied(args), 0);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      // Nobody could be told that it was left out, but the log.
      if (error.code === 1007) this.#deliver(IpcMessageType.Send, channel, undefined, [], 0, error);
      else this.close(error.code, error.message);
    }
  }

  /**
   * Takes a call of the page.
   *
   * @returns what it is answered with. Rejects where a handler without the envelope of handlers failed
   */
  invoke(channel: string, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closure) {
        resolve(failed(new IpcClosedError(this.#closure)));
        return;
      }
      let copied: unknown[];
      try {
        copied = this.#copied(args);
      } catch (error) {
        resolve(failed(error as Error));
        return;
      }
      const rejects = channel !== RPC_CHANNEL && this.page.isRaw(channel);
      const answer = ({ data }: OutgoingMessage) => {
        const { value } = copyOf(data);
        if (rejects && data.envelope === 'error') reject(new Error(messageOf(data.value)));
        else resolve(value);
      };
      this.#waiting.set(++this.#last, { answer, fail: (error) => resolve(failed(error)) });
      const [method, ...data] = copied;
      this.#deliver(IpcMessageType.Invoke, channel, method, data, this.#last);
    });
  }

  close(code: number, reason: string): void {
    this.ended({ code, reason });
  }

  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.#requests.close();
    for (const waiting of this.#waiting.values()) waiting.fail(new IpcClosedError(closure));
    this.#waiting.clear();
    this.onEnd(closure);
  }

  #call(request: object): void {
    // Not its arguments: they are the call's alone.
    const { id, operation } = request as { id?: unknown; operation?: unknown };
    const refuse = (error: unknown) => this.#reply(refusedReply({ id, operation }, error));
    this.#waiting.set(++this.#last, {
      answer: ({ data: { envelope, value } }) =>
        envelope === 'error' ? refuse(value) : this.#reply(value as SerializedReply),
      fail: ({ name, message }) => refuse({ name, message }),
    });
    this.#deliver(IpcMessageType.Invoke, SERIALIZED_RPC_CHANNEL, 'request', [request], this.#last);
  }

  #reply({ result: { objects, data }, ...reply }: SerializedReply): void {
    const chunks = data.length > 0 && { chunks: data.length };
    this.page.send(SERIALIZED_RPC_CHANNEL, { ...reply, result: { objects, data: [], ...chunks } });
    for (const [index, bytes] of data.entries())
      this.page.send(DATA_CHANNEL, { id: reply.id, index, data: bytes });
  }

  #copied(args: unknown[]): unknown[] {
    // Around them there would be a message, which has two levels.
    return copyReceived(args, { ...this.limits, depth: this.limits.depth - 1 }).value as unknown[];
  }

  #deliver(
    type: number,
    channel: string,
    method: unknown,
    data: unknown[],
    request: number,
    error?: Error,
  ): void {
    const refusal = error && new IModelError(GENERAL_ERROR, error.message);
    const unknown = { activityId: undefined, timeoutMs: undefined, sequence: 0 };
    this.deliver({ type, channel, method, data, request, refusal, ...unknown });
  }
}

/** An answer in the envelope of handlers. */
export function failed({ name, message }: Error): unknown {
  return { error: { name, message } };
}

function messageOf(error: unknown): string {
  const { message = error } = Object(error) as { message?: unknown };
  return String(message);
}
