import type { Activity } from '../../call/activity.js';
import { later } from '../../base/timer.js';
import { channelName, wireChannel, REPLY_MARK } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { unwrapEnvelope } from '../channel/envelope.js';
import { rebuildFrontendError } from './error.codec.js';
import { IpcListeners } from '../channel/listeners.js';
import type { IpcSessionLink } from '../message/link.js';
import { IpcClosedError, isCloseCode } from '../message/message.js';
import type { IpcClosure, IpcMessage } from '../message/message.js';
import { preparePush } from '../message/outgoing.message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import { makeProxy } from '../channel/proxy.js';
import type { IpcNotifier, IpcProxy } from '../channel/proxy.js';

/** Who is on the other side, as it was found out before the session began. */
export interface IpcIdentity {
  /** Visible as `user` of the session and of every activity in it. */
  readonly user?: unknown;
  /** The credentials, visible as `accessToken`; empty if there are none. */
  readonly accessToken?: string;
  /** Names the frontend itself, so that it is known again after a reload; see `IpcTicketService`. */
  readonly frontend?: string;
}

/** What listeners and raw handlers are told of the message. */
export interface IpcEvent {
  /** Where it came from. */
  readonly session: IpcSession;
  /** What it is part of. */
  readonly activity: Activity;
}

/** A listener for messages without an answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a message carries is up to its channel
export type IpcListener = (event: IpcEvent, ...args: any[]) => unknown;

/** A call of the frontend's that waits for its reply. */
interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** How a session begins. */
export interface IpcSessionProps extends IpcIdentity {
  /** Unique among the sessions of the server. */
  readonly id: string;
  /**
   * For whom it counts where users share the memory and the places of the server: equal for all sessions of one user.
   * Default: for itself.
   */
  readonly owner?: string;
  /** The request that opened the connection, where it was one; its headers are those of the handshake. */
  readonly request?: { readonly headers: Readonly<Record<string, string | string[] | undefined>> };
  /** The address of the frontend, behind proxies that the application trusts; absent without a network. */
  readonly ip?: string | undefined;
}

/**
 * One frontend, paired with this backend for as long as its connection lives. A handler that injects it gets
 * an instance of its own for each session.
 */
export class IpcSession {
  /** Unique; on every activity of the session. */
  readonly id: string;
  readonly #user: unknown;
  #accessToken: string;
  #ip: string | undefined;
  /** Names the frontend across its sessions, where its ticket did. */
  readonly frontend: string | undefined;
  /** @internal Whose it is, where users share what there is. */
  readonly owner: string;
  /** The request that opened the connection, where it was one. */
  readonly request: IpcSessionProps['request'];
  /** Resolves when the session is over, whoever ended it. */
  readonly closed: Promise<IpcClosure>;
  #resolveClosed!: (closure: IpcClosure) => void;
  #abort: AbortController | undefined;
  readonly #listeners = new IpcListeners<IpcListener>();
  readonly #replies = new Map<string, Waiting>();
  #lastReply = 0;

  /** @param invokeTimeoutMs how long calls of the frontend may take, in milliseconds; 0: for ever */
  constructor(
    private readonly link: Pick<IpcSessionLink, 'send' | 'close' | 'closure'>,
    props: IpcSessionProps,
    private readonly invokeTimeoutMs: number,
  ) {
    this.id = props.id;
    this.#user = props.user;
    this.#accessToken = props.accessToken ?? '';
    this.#ip = props.ip;
    this.frontend = props.frontend;
    this.owner = props.owner ?? props.id;
    this.request = props.request;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  /**
   * The user, as `authorize`, a ticket or a guard of the upgrade found out; `undefined` where nobody asked.
   * It cannot be set: a guard of a call writes to the request of that call.
   */
  get user(): unknown {
    return this.#user;
  }

  /**
   * The address of the frontend, as `request.ip` of the application's framework says it of the last upgrade; `undefined`
   * without a network.
   */
  get ip(): string | undefined {
    return this.#ip;
  }

  /** The credentials of the upgrade by which the frontend is connected, or was last: a session that is resumed has new ones. */
  get accessToken(): string {
    return this.#accessToken;
  }

  /** The headers of the first handshake. */
  get headers(): Readonly<Record<string, string | string[] | undefined>> {
    return this.request?.headers ?? {};
  }

  /** Whether messages can be sent: `false` from the moment it ends, or has lost its connection for good. */
  get isOpen(): boolean {
    return this.link.closure === undefined;
  }

  /** Aborted when the session is over. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.link.closure && !this.#abort.signal.aborted)
      this.#abort.abort(new IpcClosedError(this.link.closure));
    return this.#abort.signal;
  }

  /**
   * Sends a message to this frontend.
   *
   * @returns resolves when the frontend keeps up with what is sent to it; rejects with an `IpcClosedError`
   * @throws NumberedError for a value that cannot be sent
   */
  send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return this.push(preparePush(wireChannel(channel), args));
  }

  /**
   * Typed notifications over a channel.
   *
   * ```ts
   * session.notifications(robotChannel).moved(id, position);
   * ```
   */
  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeProxy((method, args) => this.send(channel, method, ...args));
  }

  /**
   * Calls the frontend's handler of a channel (`IpcApp.handle`), as iTwin.js 5.12 does
   * (docs/wire.md#37-calls-from-the-backend).
   *
   * @returns what the frontend replied
   * @throws IpcClosedError (rejection) when the session ends before; Error when the deadline passes
   */
  async invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown> {
    const { closure } = this.link;
    if (closure) throw new IpcClosedError(closure);
    const name = wireChannel(channel);
    const reply = `${name}${REPLY_MARK}${++this.#lastReply}`;
    const message = preparePush(name, [reply, ...args]);
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#replies.delete(reply);
        reject(
          new Error(
            `The frontend did not answer on "${channelName(channel)}" within ${this.invokeTimeoutMs} ms.`,
          ),
        );
      };
      const timer = later(this.invokeTimeoutMs, late);
      this.#replies.set(reply, { resolve, reject, timer });
      try {
        // It may end the session, which settles the call.
        void this.push(message);
      } catch (error) {
        clearTimeout(timer);
        this.#replies.delete(reply);
        reject(error);
      }
    });
  }

  /** Calls a method of the frontend's `IpcHandler` for a channel; rejects with what it throws. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return unwrapEnvelope(await this.invoke(channel, method, ...args), rebuildFrontendError);
  }

  /** The methods of the frontend's `IpcHandler` for a channel, to be called as if they were here. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T> {
    return makeProxy((method, args) => this.callIpcChannel(channel, method, ...args));
  }

  /**
   * Listens to messages of this frontend's without an answer.
   *
   * @returns stops listening
   */
  addListener(channel: IpcChannelLike, listener: IpcListener): () => void {
    return this.#listeners.add(wireChannel(channel), listener);
  }

  /** Ends what {@link addListener} began, for the same listener. */
  removeListener(channel: IpcChannelLike, listener: IpcListener): void {
    this.#listeners.remove(wireChannel(channel), listener);
  }

  /**
   * Ends the session.
   *
   * @param code of WebSocket's: 1000, or 3000 to 4999 for reasons of the application's own
   * @param reason for the frontend; at most 123 bytes of UTF-8 reach it
   * @throws RangeError for a code that WebSocket does not have, or that none is sent with
   */
  close(code = 1000, reason = ''): void {
    // Before anything ends: the connection could not be told.
    if (!isCloseCode(code)) throw new RangeError(`A session cannot be closed with the code ${code}.`);
    this.link.close(code, reason);
  }

  /** @internal Sends a message that may be for several sessions. */
  push(message: OutgoingMessage): Promise<void> {
    return this.link.send(message);
  }

  /** @internal The frontend is connected anew, and was authorized as the same user. */
  renew({ accessToken = '', ip }: IpcIdentity & Pick<IpcSessionProps, 'ip'>): void {
    this.#accessToken = accessToken;
    this.#ip = ip;
  }

  /** @internal The listeners of a channel. */
  listenersOf(wireName: string): ReadonlySet<IpcListener> {
    return this.#listeners.of(wireName);
  }

  /** @internal Takes a message for the reply that it may be. */
  takeReply(wireName: string, { data, refusal }: Pick<IpcMessage, 'data' | 'refusal'>): boolean {
    const waiting = this.#replies.get(wireName);
    if (!waiting) return false;
    this.#replies.delete(wireName);
    clearTimeout(waiting.timer);
    if (refusal) waiting.reject(refusal);
    else waiting.resolve(data[0]);
    return true;
  }

  /** @internal The link under the session is over. */
  ended(closure: IpcClosure): void {
    const error = new IpcClosedError(closure);
    this.#abort?.abort(error);
    for (const { reject, timer } of this.#replies.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#replies.clear();
    this.#listeners.clear();
    this.#resolveClosed(closure);
  }
}
