import { throwIfAborted } from '../../base/abort.js';
import { sentNotice, watched } from '../../base/observer.js';
import type { CallWatch, TraceFields } from '../../base/observer.js';
import { channelName, fromWireChannel, isStreaming, wireChannel, REPLY_MARK } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { IpcClosedError, isCloseCode } from '../channel/closure.js';
import type { IpcClosure } from '../channel/closure.js';
import { endByEnvelope } from '../channel/envelope.js';
import { IpcListeners } from '../channel/listeners.js';
import { makeNotifier } from '../channel/notifier.js';
import { makeProxy } from '../channel/proxy.js';
import type { IpcNotifier, IpcProxy } from '../channel/proxy.js';
import { IpcSession } from '../channel/session.js';
import type { IpcIdentity, IpcListener, IpcSessionRequest } from '../channel/session.js';
import type { IpcServerLink } from '../message/link.js';
import type { NoticeMessage } from '../message/message.js';
import { preparePush } from '../message/outgoing.message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import { frontendAnswer } from './frontend.answer.js';
import { FrontendReplies } from './frontend.replies.js';
import type { SessionRooms } from './session.rooms.js';

/** A notification to topics, with its place among those of its node. */
export interface SentNotification {
  readonly topics: readonly string[];
  readonly from: string;
  readonly seq: number;
}

/** The frontend of a connection: its user, and how it is connected. */
export interface IpcPeer extends IpcIdentity {
  /**
   * Names the user to count memory and places by: equal for all sessions of one user. Default: each session counts
   * alone.
   */
  readonly owner?: string | undefined;
  /** The upgrade request. */
  readonly request?: IpcSessionRequest;
  /** The address of the frontend, behind trusted proxies; absent without a network. */
  readonly ip?: string | undefined;
}

/** Sends and ends; a link is open until it has a closure. */
type SessionLink = Pick<IpcServerLink, 'send' | 'close' | 'closure' | 'settled'>;

/** A session, with the parts that only the library uses. */
export class ServerSession extends IpcSession {
  readonly #user: unknown;
  #accessToken: string;
  #ip: string | undefined;
  readonly frontend: string | undefined;
  /** Names the user to count memory and places by. */
  readonly owner: string;
  readonly request: IpcSessionRequest | undefined;
  readonly closed: Promise<IpcClosure>;
  #resolveClosed!: (closure: IpcClosure) => void;
  #abort: AbortController | undefined;
  readonly #listeners = new IpcListeners<IpcListener>();
  readonly #replies = new FrontendReplies();
  #lastReply = 0;
  /** Whether the session goes on at another node: it ends here, and is not over for others. */
  hasMoved = false;
  /** Whether the backplane has a copy, which decides which node has the session. */
  isReplicated = false;
  /** Called when the session has joined a room, or left it. */
  topicsChanged: (() => void) | undefined;
  /** Called before the session gets a notification to topics. */
  delivered: ((notification: SentNotification) => void) | undefined;
  /** Distinguishes the calls of this node from those of the node that had the session before. */
  replyMark = '';

  /**
   * @param invokeTimeoutMs how long calls to the frontend may take, in milliseconds; 0: for ever
   * @param roomsOf returns the rooms of the server, if it has any
   */
  constructor(
    readonly id: string,
    private readonly link: SessionLink,
    peer: IpcPeer,
    private readonly invokeTimeoutMs: number,
    private readonly roomsOf: () => SessionRooms | undefined,
  ) {
    super();
    this.#user = peer.user;
    this.#accessToken = peer.accessToken ?? '';
    this.#ip = peer.ip;
    this.frontend = peer.frontend;
    this.owner = peer.owner ?? id;
    this.request = peer.request;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  get user(): unknown {
    return this.#user;
  }

  get ip(): string | undefined {
    return this.#ip;
  }

  get accessToken(): string {
    return this.#accessToken;
  }

  get headers(): IpcSessionRequest['headers'] {
    return this.request?.headers ?? {};
  }

  get isOpen(): boolean {
    return this.link.closure === undefined;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.link.closure && !this.#abort.signal.aborted)
      this.#abort.abort(new IpcClosedError(this.link.closure));
    return this.#abort.signal;
  }

  send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return this.sendRaw(wireChannel(channel), args);
  }

  /** Sends a message; see {@link send}. @param name the channel, by its name on the wire */
  sendRaw(name: string, args: unknown[]): Promise<void> {
    return this.push(preparePush(name, args, sentNotice(fromWireChannel(name), this.id)));
  }

  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeNotifier(channel, (...args) => this.send(channel, ...args));
  }

  invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown> {
    return this.invokeRaw(wireChannel(channel), args);
  }

  /**
   * Calls the frontend; see {@link invoke}.
   *
   * @param name the channel, by its name on the wire
   * @param timeoutMs how long the call may take, in milliseconds; 0: for ever
   * @param signal ends the wait: the frontend does not learn it
   */
  invokeRaw(name: string, args: unknown[], timeoutMs?: number, signal?: AbortSignal): Promise<unknown> {
    return this.#observed(fromWireChannel(name), name, args, timeoutMs, undefined, signal);
  }

  /**
   * @param called names the call for observers
   * @param settled see {@link watched}
   */
  #observed(
    called: string,
    name: string,
    args: unknown[],
    timeoutMs = this.invokeTimeoutMs,
    settled?: (answer: unknown, watch: CallWatch) => unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const call = { side: 'client', kind: 'ipc', transport: 'ipc', activityId: '' } as const;
    return watched(
      () => ({ ...call, name: called, sessionId: this.id }),
      (watch) => this.passInvoke(name, args, timeoutMs, watch?.trace, signal),
      settled,
    );
  }

  /** Calls the frontend as {@link invokeRaw}, for a caller that observers follow already. @param trace travels with the call */
  async passInvoke(
    name: string,
    args: unknown[],
    timeoutMs: number,
    trace: TraceFields | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    throwIfAborted(signal);
    const { closure } = this.link;
    if (closure) throw new IpcClosedError(closure);
    const reply = `${name}${REPLY_MARK}${this.replyMark}${++this.#lastReply}`;
    const message = preparePush(name, [reply, ...args], trace);
    // It may end the session, which settles the call.
    return this.#replies.wait(reply, name, timeoutMs, signal, () => void this.push(message));
  }

  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    const called = `${channelName(channel)}/${method}`;
    const answer = await this.#observed(
      called,
      wireChannel(channel),
      [method, ...args],
      undefined,
      endByEnvelope,
    );
    return frontendAnswer(channel, method, answer);
  }

  makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T> {
    return makeProxy(async (method, args) => {
      if (isStreaming(channel, method))
        throw new Error(`${channelName(channel)}.${method}: a frontend cannot answer with a stream.`);
      return this.callIpcChannel(channel, method, ...args);
    });
  }

  addListener(channel: IpcChannelLike, listener: IpcListener): () => void {
    return this.#listeners.add(wireChannel(channel), listener);
  }

  removeListener(channel: IpcChannelLike, listener: IpcListener): void {
    this.#listeners.remove(wireChannel(channel), listener);
  }

  get rooms(): readonly string[] {
    return this.roomsOf()?.of(this) ?? [];
  }

  async join(room: string, data?: unknown): Promise<void> {
    const rooms = this.roomsOf();
    if (!rooms) throw new Error('This server has no rooms: new IpcRooms(server).');
    return rooms.join(this, room, data);
  }

  async leave(room: string): Promise<void> {
    return this.roomsOf()?.leave(this, room);
  }

  close(code = 1000, reason = ''): void {
    // Checked before the session ends: the transport could not send the code.
    if (!isCloseCode(code)) throw new RangeError(`A session cannot be closed with the code ${code}.`);
    this.link.close(code, reason);
  }

  /** Sends a message, which other sessions can send as well. */
  push(message: OutgoingMessage): Promise<void> {
    return this.link.send(message);
  }

  /** Resolves when another node could go on with the session. Never rejects. */
  settled(): Promise<void> | undefined {
    return this.link.settled?.();
  }

  /** The frontend has resumed the session, and was authorized as the same user. */
  renew({ accessToken = '', ip }: IpcPeer): void {
    this.#accessToken = accessToken;
    this.#ip = ip;
  }

  /** The channels that the session has listeners of, by the names that applications use. */
  get listened(): string[] {
    return this.#listeners.channels.map(fromWireChannel);
  }

  /** The listeners of a channel. */
  listenersOf(wireName: string): ReadonlySet<IpcListener> {
    return this.#listeners.of(wireName);
  }

  /** Settles the call that a message replies to. @returns whether the message is a reply */
  settleReply(message: NoticeMessage): boolean {
    return this.#replies.settle(message);
  }

  /** The frontend has gone to another node: its replies go there, and no call of this node can reach it. */
  frontendGone(closure: IpcClosure): void {
    this.#replies.end(new IpcClosedError(closure));
  }

  /** The link of the session is over. */
  ended(closure: IpcClosure): void {
    const error = new IpcClosedError(closure);
    this.#abort?.abort(error);
    this.#replies.end(error);
    this.#listeners.clear();
    this.#resolveClosed(closure);
  }
}
