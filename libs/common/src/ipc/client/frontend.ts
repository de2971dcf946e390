import { wireNameOf } from '../../base/error.name.js';
import { rebuildError } from '../../error/backend.error.js';
import { sentNotice } from '../../base/observer.js';
import { newId } from '../../base/random.id.js';
import { notifyAll } from '../../base/settle.js';
import { defaultIpcLimits, limitsFrom } from '../../base/limits.js';
import type { IpcConnector } from '../wire/connector.js';
import { channelName, isRepeatable, isStreaming, REPLY_MARK, wireChannel } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { unwrapEnvelope } from '../channel/envelope.js';
import type {
  IpcAddListener,
  IpcFrontendHandler,
  IpcFrontendListener,
  IpcFrontendOptions,
  IpcInvokeOptions,
} from './frontend.options.js';
import { IpcListeners } from '../channel/listeners.js';
import { prepareSend } from '../message/outgoing.message.js';
import { StreamResult } from '../../stream/stream.js';
import { lazyStream } from '../../stream/lazy.stream.js';
import { splitSources } from '../../stream/stream.source.js';
import { FrontendCalls } from './frontend.calls.js';
import { deliverPush, observedCall, settleAnswer, watchSessions } from './observed.frontend.js';
import type { ReceivedEvent } from './observed.frontend.js';
import { PersistentConnection } from './persistent.connection.js';
import type { IpcConnectionState } from './connection.state.js';
import type { IpcClosure } from '../channel/closure.js';
import { IpcMessageType } from '../message/message.js';
import type { IpcMessage } from '../message/message.js';
import { makeProxy } from '../channel/proxy.js';
import type { IpcProxy } from '../channel/proxy.js';

/** The frontend of IPC: one backend, and one session at a time. Two of them in a page do not affect each other. */
export class IpcFrontend {
  readonly #connection: PersistentConnection;
  readonly #rebuild: (members: object) => unknown;
  /** @internal Whether observers see its calls. */
  readonly isObserved: boolean;
  /** @internal The calls that are not answered yet. */
  readonly calls: FrontendCalls;
  readonly #listeners = new IpcListeners<IpcFrontendListener>();
  /** By channel: removes the handler. */
  readonly #handlers = new Map<string, () => void>();

  constructor(
    private readonly connect: IpcConnector,
    options: IpcFrontendOptions = {},
  ) {
    const { invokeTimeoutMs = 60_000, reconnect = true, reconnectMs = [] } = options;
    const { connectTimeoutMs = 10_000, heartbeatMs = 30_000 } = options;
    const limits = limitsFrom(defaultIpcLimits, options.limits);
    const { mapError = (error) => error } = options;
    this.#rebuild = (members) => mapError(rebuildError(members));
    this.calls = new FrontendCalls(() => this.#connection, invokeTimeoutMs, limits, this.#rebuild);
    this.#connection = new PersistentConnection(
      connect,
      { limits, reconnect, reconnectMs, connectTimeoutMs, heartbeatMs },
      (message) => this.#receive(message),
      (closure) => this.calls.lost(closure),
      (message, error) => this.calls.unsendable(message, error),
    );
    this.isObserved = options.isObserved ?? true;
    if (this.isObserved) watchSessions(this.#connection);
  }

  /** @internal The URL of the backend, if the connector has one. */
  get address(): string | undefined {
    return this.connect.address;
  }

  /** Resolves when a session has begun; rejects when this frontend is closed before. */
  get ready(): Promise<void> {
    return this.#connection.ready;
  }

  /** Whether a session is open. */
  get isValid(): boolean {
    return this.#connection.isPaired;
  }

  /**
   * Whether this is a native app: the backend of the session, or of the last, has said that both are on one computer. It
   * says so over message ports, in memory, and over WebSocket where it is `native`; never on the compatible wire.
   */
  get isNative(): boolean {
    return this.#connection.isNative;
  }

  /** The state of the connection: messages are sent, kept for the next session, or refused. */
  get state(): IpcConnectionState {
    return this.#connection.state;
  }

  /** Calls a listener at every change of {@link state}. @returns a function that removes the listener */
  onStateChange(listener: (state: IpcConnectionState, closure: IpcClosure | undefined) => void): () => void {
    return this.#connection.onStateChange(listener);
  }

  /** Connects at once if it waits to reconnect, for instance because the network is back. */
  connectNow(): void {
    this.#connection.connectNow();
  }

  /**
   * Sends a message without an answer, now or as soon as a session begins.
   *
   * @throws IpcClosedError when there never will be one, or too much waits for it; NumberedError for a value that cannot
   * be sent
   */
  send(channel: IpcChannelLike, ...args: unknown[]): void {
    const trace = sentNotice(channelName(channel));
    this.#connection.send(prepareSend(wireChannel(channel), args, trace));
  }

  /** Calls a channel. @returns the answer as it is; that of a handler has an envelope */
  invoke(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return this.#call(channel, method, args);
  }

  /** Calls a method of the handler of a channel; rejects with the error that it throws. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return unwrapEnvelope(await this.invoke(channel, method, ...args), this.#rebuild);
  }

  /** The methods of the handler of a channel in the backend, as methods of an object here. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike, options?: IpcInvokeOptions): IpcProxy<T> {
    return makeProxy((method, args) =>
      isStreaming(channel, method)
        ? this.#stream(channel, method, args, options)
        : this.#call(channel, method, args, options).then((answer) => unwrapEnvelope(answer, this.#rebuild)),
    );
  }

  async #call(
    channel: IpcChannelLike,
    method: string,
    args: unknown[],
    options?: IpcInvokeOptions,
    stream = false,
  ): Promise<unknown> {
    const { values, sources } = splitSources(args);
    // A stream would begin anew, behind the items that its reader has.
    const repeatable = !stream && sources.size === 0 && isRepeatable(channel, method);
    const activityId = options?.activityId ?? newId();
    return observedCall(channel, method, this, activityId, (watch) => {
      const repeated = watch && (() => watch.step({ kind: 'retry', reason: 'The session was lost.' }));
      const traits = { repeatable, stream, sources, trace: watch?.trace, repeated };
      return this.calls.call(wireChannel(channel), method, values, { ...options, activityId }, traits);
    });
  }

  /** Calls a method whose result is a stream, when its first item is read. */
  #stream(
    channel: IpcChannelLike,
    method: string,
    args: unknown[],
    options: IpcInvokeOptions = {},
  ): AsyncIterable<unknown> {
    return lazyStream(async (leaving) => {
      const answer = await this.#call(channel, method, args, { ...options, signal: leaving }, true);
      if (answer instanceof StreamResult) return answer.items;
      unwrapEnvelope(answer, this.#rebuild);
      throw new Error(`${channelName(channel)}.${method} did not answer with a stream.`);
    }, options.signal);
  }

  /**
   * Listens to messages from the backend. A typed channel has its notifications:
   * `(event, name, ...arguments)`.
   *
   * @returns a function that removes the listener
   */
  readonly addListener: IpcAddListener = (channel: IpcChannelLike, listener: IpcFrontendListener) =>
    this.#listeners.add(wireChannel(channel), listener);

  /** Removes a listener that {@link addListener} added. */
  removeListener(channel: IpcChannelLike, listener: IpcFrontendListener): void {
    this.#listeners.remove(wireChannel(channel), listener);
  }

  /**
   * Answers calls from the backend over a channel (`IpcSession.invoke`) with the handler's bare value, or `{ error }`
   * (docs/wire.md#37-calls-from-the-backend). The handler replaces an earlier one of this channel.
   *
   * @returns a function that removes the handler
   */
  handle(channel: IpcChannelLike, handler: IpcFrontendHandler): () => void {
    const wireName = wireChannel(channel);
    this.#handlers.get(wireName)?.();
    const remove = this.#listeners.add(
      wireName,
      (event: ReceivedEvent, reply: unknown, ...args: unknown[]) => {
        if (typeof reply !== 'string' || !reply.includes(REPLY_MARK)) return;
        settleAnswer(
          channel,
          event,
          () => handler(...args),
          (value) => this.#reply(reply, value ?? null, channel),
          (error) => this.#reply(reply, { error: serializeThrown(error) }, channel),
        );
      },
    );
    this.#handlers.set(wireName, remove);
    return remove;
  }

  /** Ends the session, and this frontend with it. */
  close(): void {
    this.#connection.close();
  }

  #reply(to: string, value: unknown, channel: IpcChannelLike): void {
    // The caller is gone with the session.
    if (!this.isValid) return;
    try {
      this.#connection.send(prepareSend(to, [value], undefined, channelName(channel)));
    } catch (error) {
      // The error is text, which can be sent.
      this.#connection.send(prepareSend(to, [{ error: serializeThrown(error) }]));
    }
  }

  #receive(message: IpcMessage): void {
    switch (message.type) {
      case IpcMessageType.Push: {
        const { channel, data, refusal } = message;
        const listeners = this.#listeners.of(channel);
        if (refusal) console.error(refusal);
        // An observer sees only channels that the application has named.
        else if (listeners.size > 0)
          deliverPush(message, (event) => notifyAll(listeners, (listener) => listener(event, ...data)));
        break;
      }
      default:
        this.calls.receive(message);
    }
  }
}

/** A thrown value as text. */
function serializeThrown(error: unknown): { message: string; name?: string } {
  try {
    if (!(error instanceof Error)) return { message: String(error) };
    // The members may have values of any kind.
    const { message, name } = error as { message: unknown; name: unknown };
    return { message: String(message), name: String(wireNameOf(error, name)) };
  } catch {
    return { message: 'unknown error' };
  }
}
