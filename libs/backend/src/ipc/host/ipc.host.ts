import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { defaultIpcLimits, IpcRooms, IpcServer } from '@linnet/common';
import type {
  IpcChannelLike,
  IpcLimits,
  IpcListener,
  IpcMethodHandler,
  IpcNotifier,
  IpcProxy,
  IpcRawHandler,
  IpcSession,
} from '@linnet/common';
import { limitsFrom, makeNotifier, makeProxy, wireChannel } from '@linnet/common/internal';
import { ClientRequestContext } from '../../call/request.context.js';
import { bindItems } from '../../call/stream.context.js';
import { userName } from '../../call/session.owner.js';
import { reporterFor } from '../../nest/errors/error.observer.js';
import { mapNestException } from '../../nest/errors/exception.mapper.js';
import { IpcLifetime } from './ipc.lifetime.js';
import type { Closable } from './ipc.lifetime.js';
import { registerHost, hasHost, currentHost } from './host.registry.js';
import { callableMethods, channelOf } from './handler.methods.js';
import type { IpcModuleOptions } from './ipc.options.js';
import { IPC_OPTIONS } from './ipc.tokens.js';
import { RoomHost } from './room.host.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';

/** The socket of all sessions without the prefix of channel names and without the envelope of handlers, as in iTwin.js. */
export interface IpcSocketBackend {
  /** Sends to every session; see {@link IpcHost.send}. */
  send(wireName: string, ...args: unknown[]): Promise<void>;
  /** Listens to notifications of all sessions. @returns a function that removes the listener */
  addListener(wireName: string, listener: IpcListener): () => void;
  /** Removes a listener that `addListener` added. */
  removeListener(wireName: string, listener: IpcListener): void;
  /** Answers the calls of a channel, whatever their method, in place of an earlier handler. @returns a function that removes it */
  handle(wireName: string, handler: IpcRawHandler): () => void;
}

/**
 * The backend's side of all sessions of an application. Inject it; the static members mean the only application
 * with `IpcModule` in this process, or the one whose call is being served. Without an application, or with several and no call,
 * no host is meant, and they throw.
 */
@Injectable()
export class IpcHost extends RoomHost implements OnApplicationShutdown {
  /** @internal The limits of the options, with their defaults. */
  readonly limits: IpcLimits;
  /** @internal */
  readonly server: IpcServer;
  /** @internal */
  readonly rooms: IpcRooms;
  /** @internal */
  readonly lifetime: IpcLifetime;
  readonly #unregister: () => void;
  #end!: () => void;
  /** Resolves when the application has ended, for code that hands connections to this host. */
  readonly ended = new Promise<void>((resolve) => (this.#end = resolve));

  /** The bare socket: exact names, bare values. */
  readonly ipc: IpcSocketBackend;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
    const logger = new SafeLogger('IpcModule');
    this.limits = limitsFrom(defaultIpcLimits, options.limits);
    const { invokeTimeoutMs = 30_000, userKey } = options;
    const report = reporterFor(logger, options);
    const server = new IpcServer({
      ...options,
      limits: this.limits,
      invokeTimeoutMs,
      resumption: { graceMs: options.resumeGraceMs ?? 30_000, isSameUser: isDeepStrictEqual },
      mapError: mapNestException,
      run: (activity, work) => ClientRequestContext.run(activity, work),
      bindItems,
      report,
    });
    this.server = server;
    this.rooms = new IpcRooms(server, {
      ...options,
      invokeTimeoutMs,
      report,
      userKey: (user) => userName(user, userKey),
    });
    this.lifetime = new IpcLifetime(options, logger);
    // At once: handlers may be registered by hand as soon as the application is made.
    this.#unregister = registerHost(this);
    this.ipc = {
      send: (wireName, ...args) => this.#sendRaw(wireName, args),
      addListener: (wireName, listener) => server.channels.listeners.add(wireName, listener),
      removeListener: (wireName, listener) => server.channels.listeners.remove(wireName, listener),
      handle: (wireName, handler) => server.channels.handle(wireName, handler),
    };
  }

  /** The application has ended, or could not begin. */
  async onApplicationShutdown(): Promise<void> {
    this.#unregister();
    this.#end();
    await this.rooms.close();
  }

  /**
   * Whether this is a native app: frontends are on this computer, because the module is `native`, or because the
   * application has no HTTP side, by which others could come.
   */
  get isNative(): boolean {
    return this.options.native ?? !this.adapterHost.httpAdapter;
  }

  /** The sessions that are open, in the order in which they began. */
  get sessions(): IpcSession[] {
    return this.server.sessions;
  }

  /**
   * Sends a message to every session, on all nodes; see `IpcRoomTarget.send`.
   *
   * @returns resolves when no session lags behind; sessions that end meanwhile do not count
   * @throws IModelError if a value cannot be sent
   */
  send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return this.#sendRaw(wireChannel(channel), args);
  }

  /** Typed notifications to every session: `host.notifications(robotChannel).moved(id, position)`. */
  notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return makeNotifier(channel, (...args) => this.send(channel, ...args));
  }

  /** Calls the frontend of the only session, or of the call being served; see {@link IpcSession.invoke}. */
  async invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown> {
    return this.#session().invoke(channel, ...args);
  }

  /** Calls a method of the frontend's handler; see {@link IpcSession.callIpcChannel} and {@link invoke}. */
  async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return this.#session().callIpcChannel(channel, method, ...args);
  }

  /** The methods of the frontend's handler; see {@link IpcSession.makeIpcProxy} and {@link invoke}. */
  makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T> {
    return makeProxy((method, args) => this.callIpcChannel(channel, method, ...args));
  }

  /** Listens to notifications of all sessions. @returns a function that removes the listener */
  addListener(channel: IpcChannelLike, listener: IpcListener): () => void {
    return this.ipc.addListener(wireChannel(channel), listener);
  }

  /** Removes a listener that {@link addListener} added. */
  removeListener(channel: IpcChannelLike, listener: IpcListener): void {
    this.ipc.removeListener(wireChannel(channel), listener);
  }

  /** Answers the calls of a channel, whatever their method, with bare values; see {@link register}. @returns a function that removes the handler */
  handle(channel: IpcChannelLike, handler: IpcRawHandler): () => void {
    return this.ipc.handle(wireChannel(channel), handler);
  }

  /**
   * Has an object answer the channel that it names (`channelName`), with nothing of Nest around its methods. It replaces
   * an object that was registered for the channel before.
   *
   * @returns a function that removes the object
   * @throws Error if a provider with `@IpcChannel()` answers the channel, or it cannot have a handler
   */
  register(handler: object): () => void {
    const type = handler.constructor as Type;
    const channel = channelOf(type, handler, undefined);
    const names = callableMethods(type, handler, channel, this.options.requireIpcMethod ?? false);
    const methods = new Map(
      names.map((name): [string, IpcMethodHandler] => [
        name,
        (call) => (handler as Record<string, (...args: unknown[]) => unknown>)[name]!(...call.arguments),
      ]),
    );
    return this.server.channels.register(channel, { name: type.name, methods });
  }

  /**
   * Closes the application when the frontend of a dedicated backend is gone for good, so that both live equally
   * long. A reload does not end it: the frontend has `frontendGraceMs` to come back.
   *
   * @throws Error unless the module is `dedicated`
   */
  bindLifetime(app: Closable): void {
    this.lifetime.bind(app);
  }

  /** @internal Whether a session is, or was, a session of this host. */
  owns(session: object): boolean {
    return this.server.owns(session);
  }

  /** Throws at once for a value that cannot be sent, also if the caller does not wait. */
  #sendRaw(wireName: string, args: unknown[]): Promise<void> {
    return this.rooms.sendToAll(wireName, args);
  }

  #session(): IpcSession {
    const { owner } = ClientRequestContext.current;
    // Also after its end: no other frontend is meant.
    if (owner && this.owns(owner)) return owner as IpcSession;
    const { sessions } = this;
    const [session] = sessions;
    if (!session) throw new Error('No frontend is connected over IPC.');
    if (sessions.length > 1)
      throw new Error(`${sessions.length} frontends are connected: call one of them by its session.`);
    return session;
  }

  /** Whether there is a backend of IPC in this process, for code that is to work with and without. */
  static get isValid(): boolean {
    return hasHost();
  }

  /** Whether the host that is meant is that of a native app; `false` without a host. @throws Error if no host is meant */
  static get isNative(): boolean {
    return hasHost() && meant().isNative;
  }

  /** The bare socket of the host that is meant: exact names, bare values. @throws Error if no host is meant */
  static get ipc(): IpcSocketBackend {
    return meant().ipc;
  }

  /** The open sessions of the host that is meant. @throws Error if no host is meant */
  static get sessions(): IpcSession[] {
    return meant().sessions;
  }

  /** Sends a message to every session; resolves when all keep up. @throws Error if no host is meant, or a value cannot be sent */
  static send(channel: IpcChannelLike, ...args: unknown[]): Promise<void> {
    return meant().send(channel, ...args);
  }

  /** Typed notifications to every session; the host that is meant is looked up here. @throws Error if no host is meant */
  static notifications<Functions extends object, Notifications extends object>(
    channel: IpcChannelLike<Functions, Notifications>,
  ): IpcNotifier<Notifications> {
    return meant().notifications(channel);
  }

  /** Calls the frontend of the only session, or of the call being served. Rejects where no host or no session is meant */
  static async invoke(channel: IpcChannelLike, ...args: unknown[]): Promise<unknown> {
    return meant().invoke(channel, ...args);
  }

  /** Calls a method of that frontend's handler. Rejects where no host or no session is meant */
  static async callIpcChannel(channel: IpcChannelLike, method: string, ...args: unknown[]): Promise<unknown> {
    return meant().callIpcChannel(channel, method, ...args);
  }

  /** The methods of that frontend's handler; each call looks its session up. @throws Error if no host is meant */
  static makeIpcProxy<T extends object>(channel: IpcChannelLike<T>): IpcProxy<T> {
    return meant().makeIpcProxy(channel);
  }

  /** Listens to notifications of all sessions. @returns a function that removes the listener @throws Error if no host is meant */
  static addListener(channel: IpcChannelLike, listener: IpcListener): () => void {
    return meant().addListener(channel, listener);
  }

  /** Ends what `addListener` began, for the same listener. @throws Error if no host is meant */
  static removeListener(channel: IpcChannelLike, listener: IpcListener): void {
    meant().removeListener(channel, listener);
  }

  /** Answers the calls of a channel with bare values; see {@link register}. @returns a function that removes the handler @throws Error if no host is meant */
  static handle(channel: IpcChannelLike, handler: IpcRawHandler): () => void {
    return meant().handle(channel, handler);
  }
}

/** The host of the call that is being served, or else the only one. @throws Error if none is meant */
function meant(): IpcHost {
  return currentHost() as IpcHost;
}
