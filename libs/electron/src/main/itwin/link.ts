import { IModelError, IpcClosedError } from '@linnet/common';
import type { ConnectionWire, IpcClosure, IpcFrame, IpcLimits, IpcTransport } from '@linnet/common';
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
import type { IpcLinkEvents, IpcServerLink, OutgoingMessage, SerializedReply } from '@linnet/common/internal';
import { ITwinRequests } from './requests.js';

/** The channel of byte strings of RPC, both ways. Requests and replies have the channel of `SerializedRpc`. */
export const DATA_CHANNEL = 'itwin.rpc.data';

/** A message to the page: the channel, and the arguments of its listeners. */
export type PageMessage = readonly [channel: string, ...args: unknown[]];

/** Settles a call of the page. */
interface CallReply {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A message from the page. A call comes with the functions that settle it. */
export type ITwinFrame =
  | readonly [kind: 'send', channel: string, args: unknown[]]
  | readonly [kind: 'invoke', channel: string, args: unknown[], reply: CallReply];

/** A call of the page without an answer yet. */
interface Waiting {
  /** Answers it. @throws NumberedError if the value cannot be sent */
  answer(message: OutgoingMessage): void;
  /** It cannot be answered any more. */
  fail(error: Error): void;
}

/**
 * The wire of core-electron.
 *
 * @param isRaw whether the calls of a channel are answered with bare values
 */
export function itwinWire(isRaw: (channel: string) => boolean): ConnectionWire {
  return {
    kind: 'connection',
    openLink: (transport, limits, events) => new ITwinLink(transport, limits, events, isRaw),
  };
}

/**
 * The session of one page on the wire of core-electron: calls and messages over channels of Electron, and RPC over two of
 * them. Messages have no numbers, because Electron keeps the order, and are not acknowledged.
 */
class ITwinLink implements IpcServerLink {
  /** See `backpressure`. */
  readonly unsentBytes = 0;
  #closure: IpcClosure | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #requests: ITwinRequests;
  #last = 0;

  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    private readonly events: IpcLinkEvents,
    private readonly isRaw: (channel: string) => boolean,
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

  send(message: OutgoingMessage): Promise<void> {
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (message.type === IpcMessageType.Push) {
      const { value } = copyOf(message.data);
      this.#write([message.channel, ...(value as unknown[])]);
    } else if (message.type === IpcMessageType.Response) {
      this.#waiting.get(message.request)?.answer(message);
      this.#waiting.delete(message.request);
    }
    return sent;
  }

  backpressure(): undefined {
    // Electron takes everything at once, and does not report when the page has it.
  }

  receive(frame: IpcFrame): void {
    const message = frame as ITwinFrame;
    if (message[0] === 'invoke') this.#invoke(message[1], message[2], message[3]);
    else this.#receive(message[1], message[2]);
  }

  #receive(channel: string, args: unknown[]): void {
    if (this.#closure) return;
    try {
      if (channel === SERIALIZED_RPC_CHANNEL) this.#requests.take(args[0]);
      else if (channel === DATA_CHANNEL) this.#requests.takeData(args[0]);
      else this.#notify(channel, this.#copied(args));
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      // The log is the only place for the error of a message without an answer.
      if (error.code === 1007) this.#notify(channel, [], error);
      else this.close(error.code, error.message);
    }
  }

  /** Receives a call of the page. It rejects if a handler without the envelope of handlers fails. */
  #invoke(channel: string, args: unknown[], { resolve, reject }: CallReply): void {
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
    const rejects = channel !== RPC_CHANNEL && this.isRaw(channel);
    const answer = ({ data }: OutgoingMessage) => {
      const { value } = copyOf(data);
      if (rejects && data.envelope === 'error') reject(new Error(messageOf(data.value)));
      else resolve(value);
    };
    this.#waiting.set(++this.#last, { answer, fail: (error) => resolve(failed(error)) });
    const [method, ...data] = copied;
    this.#deliverCall(channel, method, data);
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.ended({ code, reason, initiator: 'local' });
    this.transport.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.#requests.close();
    for (const waiting of this.#waiting.values()) waiting.fail(new IpcClosedError(closure));
    this.#waiting.clear();
    this.events.ended(closure);
  }

  #call(request: object): void {
    // Without its arguments, which only the call needs.
    const { id, operation } = request as { id?: unknown; operation?: unknown };
    const refuse = (error: unknown) => this.#reply(refusedReply({ id, operation }, error));
    this.#waiting.set(++this.#last, {
      answer: ({ data: { envelope, value } }) =>
        envelope === 'error' ? refuse(value) : this.#reply(value as SerializedReply),
      fail: ({ name, message }) => refuse({ name, message }),
    });
    this.#deliverCall(SERIALIZED_RPC_CHANNEL, 'request', [request]);
  }

  #reply({ result: { objects, data }, ...reply }: SerializedReply): void {
    const chunks = data.length > 0 && { chunks: data.length };
    this.#write([SERIALIZED_RPC_CHANNEL, { ...reply, result: { objects, data: [], ...chunks } }]);
    for (const [index, bytes] of data.entries())
      this.#write([DATA_CHANNEL, { id: reply.id, index, data: bytes }]);
  }

  #write(message: PageMessage): void {
    this.transport.write(message);
  }

  #copied(args: unknown[]): unknown[] {
    // Two levels of a message would be around them.
    return copyReceived(args, { ...this.limits, depth: this.limits.depth - 1 }).value as unknown[];
  }

  #deliverCall(channel: string, method: unknown, data: unknown[]): void {
    this.events.receive({
      type: IpcMessageType.Invoke,
      channel,
      method,
      data,
      request: this.#last,
      refusal: undefined,
      activityId: undefined,
      timeoutMs: undefined,
      isCancellable: false,
      slots: [],
    });
  }

  #notify(channel: string, data: unknown[], error?: Error): void {
    const refusal = error && new IModelError(GENERAL_ERROR, error.message);
    this.events.receive({ type: IpcMessageType.Send, channel, data, refusal });
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
