import type { IncomingMessage, Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { compatibleWire, defaultIpcLimits, IpcRooms, IpcServer } from '@linnet/common';
import type {
  CallReport,
  ErrorPolicy,
  IpcBackplane,
  IpcChannelLike,
  IpcIdentity,
  IpcLimits,
  IpcListener,
  IpcNotifier,
  IpcRawHandler,
  IpcRemoteSession,
  IpcRoomTarget,
  IpcSession,
  IpcSessionChange,
  OriginOptions,
  RemoteCallOptions,
  RoomChange,
  RoomMember,
  RoomPolicy,
} from '@linnet/common';
import {
  hiddenError,
  HttpError,
  limitsFrom,
  makeNotifier,
  mergeOptions,
  reporter,
  reportToConsole,
  RpcOverIpc,
  wireChannel,
} from '@linnet/common/internal';
import { ClientRequestContext, runWithin } from '../../call/request.context.js';
import { bindItems } from '../../call/stream.context.js';
import { checkPath } from '../http/path.check.js';
import type { PlainRpcServer } from '../rpc/plain.server.js';
import { SessionHandlers } from './plain.channels.js';
import type { IpcChannelEntry } from './plain.channels.js';
import { allowListeners, faultOf } from './session.faults.js';
import { userName } from '../../call/session.owner.js';
import { UpgradeHandler } from './upgrade.handler.js';

/** Options of {@link createIpcServer}. */
export interface PlainIpcServerOptions extends OriginOptions, ErrorPolicy {
  /** The path at which frontends connect. Default `/ipc`. */
  readonly path?: string;
  /** The channels, each with its handler. */
  readonly channels?: readonly IpcChannelEntry[];
  /** Serves the interfaces of an RPC server over IPC as well. */
  readonly rpc?: PlainRpcServer;
  /**
   * Decides whether a frontend may open a session. Default: all frontends may whose origin and host are allowed.
   *
   * @returns the user; `true` for a frontend without a user; `false` or `undefined` refuses with 403
   */
  readonly authorize?: (
    request: IncomingMessage,
  ) => IpcIdentity | boolean | undefined | Promise<IpcIdentity | boolean | undefined>;
  /** Names a user to count memory and places by. Default: the user as JSON. */
  readonly userKey?: (user: unknown) => string;
  /** Decides which sessions may join rooms. Default: those that the application adds. */
  readonly rooms?: RoomPolicy;
  /** Connects the nodes of the application. Default: this process is the only node. */
  readonly backplane?: IpcBackplane;
  /**
   * Whether the backplane holds a copy of each session, so that another node goes on with it when its node dies. Every message waits for
   * the copy. Default `false`: sessions die with their node.
   */
  readonly replicate?: boolean;
  /** Refuses frontends that do not connect over loopback, with 403. Default `false`. */
  readonly native?: boolean;
  /** Serves one frontend, and no other. Default `false`. */
  readonly dedicated?: boolean;
  /** How long a frontend may take to answer a call, in milliseconds. Default 30,000; 0: for ever. */
  readonly invokeTimeoutMs?: number;
  /** A frontend without a sign of life for two such intervals, in milliseconds, is gone. Default 30,000. */
  readonly heartbeatMs?: number;
  /** How long a session waits for its frontend, in milliseconds. Default 30,000; 0: it ends with its connection. */
  readonly resumeGraceMs?: number;
  /** How long calls of a session may run on after its end, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number;
  /** How much a frontend may send and leave waiting. Missing members have the value of `defaultIpcLimits`. */
  readonly limits?: Partial<IpcLimits>;
  /** Receives errors and warnings for the log. Default: the console. */
  readonly report?: (report: CallReport) => void;
  /** @internal Whether observers see its sessions and calls. Default `true`. */
  readonly isObserved?: boolean;
}

/**
 * Makes a server of IPC over WebSocket for `node:http`.
 *
 * ```ts
 * const ipc = createIpcServer({ channels: [[robotChannel, new RobotHandler()]] });
 * ipc.attach(createServer().listen(3001, '127.0.0.1'));
 * ```
 *
 * @throws Error if a channel cannot be served, or the path is a pattern
 */
export function createIpcServer(options: PlainIpcServerOptions = {}): PlainIpcServer {
  return new PlainIpcServer(options);
}

/** A server of IPC without a framework. Two servers share nothing. */
export class PlainIpcServer {
  readonly #server: IpcServer;
  readonly #rooms: IpcRooms;
  readonly #upgrades: UpgradeHandler;
  readonly #handlers = new SessionHandlers();
  readonly #report: (report: CallReport) => void;
  readonly #path: string;

  constructor(private readonly options: PlainIpcServerOptions) {
    const { path = '/ipc', channels = [], rpc, resumeGraceMs = 30_000, invokeTimeoutMs = 30_000 } = options;
    const limits = limitsFrom(defaultIpcLimits, options.limits);
    checkPath(
      path,
      'The path of the IPC server',
      'name one, and have `authorize` read what differs from the URL.',
    );
    this.#path = `/${path.replace(/^\/+|\/+$/g, '')}`;
    const { report: write = reportToConsole } = options;
    const report = reporter((each) => runWithin(each.activity, () => write(each)), 'an IPC server');
    this.#report = report;
    this.#server = new IpcServer({
      ...options,
      limits,
      invokeTimeoutMs,
      resumption: { graceMs: resumeGraceMs, isSameUser: isDeepStrictEqual },
      run: (activity, work) => ClientRequestContext.run(activity, work),
      bindItems,
      report,
    });
    this.#rooms = new IpcRooms(this.#server, {
      ...options,
      invokeTimeoutMs,
      report,
      userKey: (user) => userName(user, options.userKey),
    });
    for (const entry of channels)
      this.#server.channels.register(entry[0], this.#handlers.handlerOf(entry), true);
    if (rpc) this.#serveRpc(rpc, limits);
    this.#server.hook({ onOpen: (session) => this.#open(session), onClosed: () => undefined });
    this.#upgrades = new UpgradeHandler(this.#server, options, {
      fallback: compatibleWire,
      authorize: (request) => this.#authorize(request),
      addressOf: ({ socket }) => socket.remoteAddress,
      refusalOf: (error) => this.#refusalOf(error),
    });
  }

  /** The sessions that are open, in the order in which they began. */
  get sessions(): IpcSession[] {
    return this.#server.sessions;
  }

  /** Calls a listener whenever a session begins, is interrupted, resumes or ends. @returns a function that removes the listener */
  onSession(listener: (change: IpcSessionChange) => unknown): () => void {
    return this.#server.onSession(listener);
  }

  /** Serves the upgrade requests of the path on an HTTP server. Other upgrades go to its other listeners. */
  attach(server: Server): void {
    this.#upgrades.attach(server, this.#path);
  }

  /**
   * Sends a message to every session, on all nodes.
   *
   * @returns resolves when all frontends keep up, without those whose sessions end meanwhile
   * @throws NumberedError if a value cannot be sent
   */
  send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return this.#rooms.sendToAll(wireChannel(channel), args);
  }

  /** Typed notifications to every session: `ipc.notifications(robotChannel).moved(id, position)`. */
  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeNotifier(channel, (...args) => this.send(channel, ...args));
  }

  /** The members of rooms, on all nodes. A session that is in several of them gets a message once. @throws NumberedError if no room can have the name */
  to(...rooms: readonly string[]): IpcRoomTarget {
    return this.#rooms.to(...rooms);
  }

  /** All sessions of a user, as `session.user` has it; users are compared by `userKey`. @throws NumberedError without a user */
  toUser(user: unknown): IpcRoomTarget {
    return this.#rooms.toUser(user);
  }

  /** A session by its id, on whichever node it is. */
  session(id: string, options?: RemoteCallOptions): IpcRemoteSession {
    return this.#rooms.session(id, options);
  }

  /** The members of a room, on all nodes. Rejects with a `BackplaneError` if the other nodes cannot be reached */
  presence(room: string): Promise<RoomMember[]> {
    return this.#rooms.presence(room);
  }

  /** Calls a listener for each session that joins or leaves a room, on any node. @returns a function that removes the listener */
  watchRoom(room: string, listener: (change: RoomChange) => void): () => void {
    return this.#rooms.watch(room, listener);
  }

  /** Listens to messages of all sessions without an answer. @returns a function that removes the listener */
  addListener(channel: IpcChannelLike, listener: IpcListener): () => void {
    return this.#server.channels.listeners.add(wireChannel(channel), listener);
  }

  /** Answers the calls of a channel with bare values, whatever their method. @returns a function that removes the handler */
  handle(channel: IpcChannelLike, handler: IpcRawHandler): () => void {
    return this.#server.channels.handle(wireChannel(channel), handler);
  }

  /**
   * Ends the service, not the HTTP server: refuses upgrades and new calls, waits for running calls, and then ends the
   * sessions.
   *
   * @param timeoutMs how long to wait for calls, in milliseconds
   * @returns how many sessions still had running calls
   */
  async close(timeoutMs = 10_000): Promise<number> {
    this.#upgrades.stop();
    const left = await this.#server.close(timeoutMs);
    await this.#upgrades.close();
    await this.#server.ended();
    await this.#rooms.close();
    return left;
  }

  #serveRpc({ service }: PlainRpcServer, limits: IpcLimits): void {
    const options = { ...this.options, maxArguments: limits.arguments, report: this.#report };
    new RpcOverIpc(service.dispatcher, options).serve(this.#server.channels);
  }

  #open(session: IpcSession): void {
    allowListeners(session);
    void session.closed.then((closure) => {
      const message = faultOf(session, closure);
      if (message !== undefined) this.#report({ kind: 'warning', message, activity: undefined });
    });
    this.#handlers.open(session);
  }

  async #authorize(request: IncomingMessage): Promise<IpcIdentity> {
    const { authorize = () => true } = this.options;
    const verdict = await authorize(request);
    if (!verdict) throw new HttpError(403, 'This frontend may not open a session.');
    const accessToken = request.headers.authorization ?? '';
    if (verdict === true) return { accessToken };
    // A text, for instance, would admit everybody without a user.
    if (typeof verdict !== 'object' || Array.isArray(verdict))
      throw new Error('authorize did not return an identity: an object like { user }.');
    return mergeOptions<IpcIdentity>({ accessToken }, verdict);
  }

  #refusalOf(error: unknown): { status: number; reason: string } {
    try {
      if (error instanceof HttpError) return { status: error.status, reason: error.message };
    } catch {
      // A proxy that cannot be read is a fault like all others.
    }
    const hidden = hiddenError('');
    this.#report({ kind: 'error', thrown: error, error: { ...hidden, internal: true }, activity: undefined });
    return { status: 500, reason: 'Internal error' };
  }
}
