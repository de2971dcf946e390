import { wireNameOf } from '../../base/error.name.js';
import { DeadlineError, rebuildError } from '../../error/backend.error.js';
import { newId } from '../../base/random.id.js';
import { settle, notifyAll } from '../../base/settle.js';
import { onAbort, throwIfAborted } from '../../base/abort.js';
import { later } from '../../base/timer.js';
import { defaultIpcLimits, limitsFrom } from '../../base/limits.js';
import type { IpcConnector } from '../wire/transport.js';
import { isRepeatable, REPLY_MARK, wireChannel } from '../channel/channel.js';
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
import { prepareInvoke, prepareSend } from '../message/outgoing.message.js';
import { PersistentConnection } from './persistent.connection.js';
import type { IpcConnectionState } from './connection.state.js';
import { IpcClosedError } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import { IpcMessageType } from '../message/message.js';
import type { IpcMessage } from '../message/message.js';
import { makeProxy } from '../channel/proxy.js';
import type { IpcProxy } from '../channel/proxy.js';

/** How often a call that can be repeated is sent again after its session was lost. */
const MAX_REPETITIONS = 4;

interface Pending {
  resolve: (data: unknown) => void;
  reject: (reason: unknown) => void;
  /** The session is over: rejects, or sends the call again. */
  lost: (error: IpcClosedError) => void;
}

/** The frontend of IPC: one backend, and one session at a time. Two of them in a page do not affect each other. */
export class IpcFrontend {
  readonly #connection: PersistentConnection;
  readonly #timeoutMs: number;
  readonly #rebuild: (members: object) => unknown;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new IpcListeners<IpcFrontendListener>();
  /** By channel: removes the handler. */
  readonly #handlers = new Map<string, () => void>();
  #lastRequest = 0;

  constructor(connect: IpcConnector, options: IpcFrontendOptions = {}) {
    const { invokeTimeoutMs = 60_000, reconnect = true, reconnectMs = [] } = options;
    const { connectTimeoutMs = 10_000, heartbeatMs = 30_000 } = options;
    const limits = limitsFrom(defaultIpcLimits, options.limits);
    this.#timeoutMs = invokeTimeoutMs;
    const { mapError = (error) => error } = options;
    this.#rebuild = (members) => mapError(rebuildError(members));
    this.#connection = new PersistentConnection(
      connect,
      { limits, reconnect, reconnectMs, connectTimeoutMs, heartbeatMs },
      (message) => this.#receive(message),
      (closure) => this.#lost(closure),
    );
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
    this.#connection.send(prepareSend(wireChannel(channel), args));
  }

  /** Calls a channel. @returns the answer as it is; that of a handler has an envelope */
  invoke(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return this.call(wireChannel(channel), method, args, {}, isRepeatable(channel, method));
  }

  /** Calls a method of the handler of a channel; rejects with the error that it throws. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return unwrapEnvelope(await this.invoke(channel, method, ...args), this.#rebuild);
  }

  /** The methods of the handler of a channel in the backend, as methods of an object here. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike, options?: IpcInvokeOptions): IpcProxy<T> {
    const name = wireChannel(channel);
    return makeProxy(async (method, args) =>
      unwrapEnvelope(
        await this.call(name, method, args, options, isRepeatable(channel, method)),
        this.#rebuild,
      ),
    );
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
    const name = wireChannel(channel);
    this.#handlers.get(name)?.();
    const remove = this.#listeners.add(name, (_event, reply: unknown, ...args: unknown[]) => {
      if (typeof reply !== 'string' || !reply.includes(REPLY_MARK)) return;
      settle(
        () => handler(...args),
        (value) => this.#reply(reply, value ?? null),
        (error) => this.#reply(reply, { error: serializeThrown(error) }),
      );
    });
    this.#handlers.set(name, remove);
    return remove;
  }

  /**
   * Calls a channel by its name on the wire.
   *
   * @param repeatable whether the call is sent again in the next session where its own is lost
   * @throws IpcClosedError (rejection) when the session is lost before; DeadlineError; the signal's reason
   */
  call(
    wireName: string,
    method: string,
    args: unknown[],
    options: IpcInvokeOptions = {},
    repeatable = false,
  ): Promise<unknown> {
    const { signal, timeoutMs: given = this.#timeoutMs, activityId = newId() } = options;
    // An endless timeout has no number on the wire.
    const timeoutMs = Number.isFinite(given) ? given : 0;
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const message = prepareInvoke(wireName, method, request, args, { activityId, timeoutMs });
      const late = () => this.#abandon(request, new DeadlineError(timeoutMs));
      const timer = later(timeoutMs, late);
      const done = () => {
        clearTimeout(timer);
        leave();
        this.#pending.delete(request);
      };
      const leave = onAbort(signal, (reason) => this.#abandon(request, reason));
      const send = () => {
        try {
          this.#connection.send(message);
        } catch (error) {
          this.#pending.get(request)?.reject(error);
        }
      };
      let repetitions = repeatable ? MAX_REPETITIONS : 0;
      this.#pending.set(request, {
        resolve: (data) => (done(), resolve(data)),
        reject: (reason) => (done(), reject(reason)),
        lost: (error) => {
          if (repetitions-- > 0 && this.state !== 'closed') send();
          else this.#pending.get(request)?.reject(error);
        },
      });
      send();
    });
  }

  /** Ends the session, and this frontend with it. */
  close(): void {
    this.#connection.close();
  }

  #abandon(request: number, reason: unknown): void {
    const pending = this.#pending.get(request);
    if (!pending) return;
    pending.reject(reason);
    this.#connection.cancel(request);
  }

  #reply(channel: string, value: unknown): void {
    // The caller is gone with the session.
    if (!this.isValid) return;
    try {
      this.#connection.send(prepareSend(channel, [value]));
    } catch (error) {
      // The error is text, which can be sent.
      this.#connection.send(prepareSend(channel, [{ error: serializeThrown(error) }]));
    }
  }

  #receive(message: IpcMessage): void {
    switch (message.type) {
      case IpcMessageType.Response: {
        const pending = this.#pending.get(message.request);
        if (message.refusal) pending?.reject(message.refusal);
        else pending?.resolve(message.data[0]);
        break;
      }
      case IpcMessageType.Push: {
        const { channel, data, refusal } = message;
        if (refusal) console.error(refusal);
        else notifyAll(this.#listeners.of(channel), (listener) => listener({}, ...data));
        break;
      }
      default:
      // Backends send no other types.
    }
  }

  #lost(closure: IpcClosure): void {
    const error = new IpcClosedError(closure);
    for (const { lost } of this.#pending.values()) lost(error);
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
