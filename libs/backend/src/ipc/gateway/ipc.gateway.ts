import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException, Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { WebSocketServer } from 'ws';
import type { IpcIdentity, IpcLimits } from '@linnet/common';
import {
  COMPATIBLE_PROTOCOL,
  DURABLE_PROTOCOL,
  HttpError,
  OriginPolicy,
  pathOf,
} from '@linnet/common/internal';
import { clientAddress } from '../../http/client.address.js';
import { drainOnClose, SHUTDOWN_MS } from '../../http/http.mount.js';
import { checkPath } from '../../http/path.check.js';
import { mapNestException } from '../../nest/errors/exception.mapper.js';
import { NodeRequestHead } from '../../node/http/request.head.js';
import { claimUpgrades } from '../../node/ipc/upgrade.claim.js';
import { earlierAnswers, refuseUpgrade } from '../../node/ipc/upgrade.refusal.js';
import { IpcWebSocket } from '../../node/ipc/websocket.transport.js';
import { IpcAuthorizer } from './ipc.authorizer.js';
import { IpcHost } from '../host/ipc.host.js';
import { ownerOf } from './session.owner.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IpcRegistry } from '../handlers/handler.registry.js';
import { IpcSessions } from './ipc.sessions.js';
import { IpcSockets } from './session.sockets.js';
import { PendingUpgrades, tooManyConnect } from './upgrade.limits.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';
import { OwnLogger } from '../../nest/internals/own.logger.js';

/** How long a peer may take to answer a close frame, in milliseconds. */
const CLOSE_MS = 2_000;

/** Applications, by their adapter, that are served already. */
const served = new WeakSet<object>();

/**
 * The way of a frontend into the application: takes the upgrade requests of IPC's path on the application's own
 * HTTP server, beside controllers and whatever other gateways there are, and lets in who may.
 */
@Injectable()
export class IpcGateway implements OnModuleInit {
  readonly #logger = new OwnLogger('IpcModule');
  readonly #limits: IpcLimits;
  readonly #resumes: boolean;
  readonly #origins: OriginPolicy;
  readonly #webSockets: WebSocketServer;
  readonly #sockets: IpcSockets;
  /** Upgrades that are being looked at. */
  readonly #waiting = new Set<Socket>();
  readonly #upgrades: PendingUpgrades;
  /** Upgrades that a guard answers by itself. */
  readonly #answering = new Set<Socket>();
  #closing = false;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly registry: IpcRegistry,
    sessions: IpcSessions,
    private readonly authorizer: IpcAuthorizer,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    if (adapterHost.listening)
      throw new Error(
        'IpcModule is loaded lazily, and would serve nothing: import it where it is there at start.',
      );
    this.#limits = host.limits;
    this.#resumes = options.resumeGraceMs !== 0;
    this.#origins = new OriginPolicy(options);
    this.#upgrades = new PendingUpgrades(this.#limits.upgrades);
    this.#sockets = new IpcSockets(options, host, sessions);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // Messages are small and many; compressing them would cost more than all else.
      perMessageDeflate: false,
      // Escapes can double a text; a message that is too long is still to be answered.
      maxPayload: 2 * this.#limits.messageBytes + 1024,
      // A peer that does not answer a close frame is not waited for.
      ...({ closeTimeout: CLOSE_MS } as object),
      WebSocket: IpcWebSocket,
      // Frontends of iTwin.js ask for none; of others none is promised.
      handleProtocols: (offered) =>
        [...(this.#resumes ? [DURABLE_PROTOCOL] : []), COMPATIBLE_PROTOCOL].find((each) =>
          offered.has(each),
        ) ?? false,
    });
  }

  async onModuleInit(): Promise<void> {
    try {
      this.registry.registerAll();
      await this.authorizer.prepare();
    } catch (error) {
      this.host.onApplicationShutdown();
      throw error;
    }
    // A script's application context has no HTTP side, and its handlers are checked all the same.
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (adapter) this.#serve(adapter);
  }

  #serve(adapter: AbstractHttpAdapter): void {
    if (served.has(adapter))
      throw new Error('IpcModule.forRoot() is imported twice: one module serves all of an application.');
    served.add(adapter);
    const { shutdownTimeoutMs = SHUTDOWN_MS } = this.options;
    checkPath(
      this.options.path ?? '',
      'The path of IpcModule',
      'name one, and have `authorize` read what differs from the URL of the upgrade.',
    );
    // However it is written, with slashes around it or without.
    const { path: given = this.options.mobile ? '/' : '/ipc' } = this.options;
    const path = `/${given.replace(/^\/+|\/+$/g, '')}`;
    claimUpgrades(
      adapter.getHttpServer() as Server,
      (request) => pathOf(request.url!) === path,
      (request, socket, head) => void this.#take(request, socket as Socket, head),
    );
    this.#logger.log(`Frontends connect at ${path}`);
    drainOnClose(adapter, async () => {
      this.#closing = true;
      this.host.lifetime.close();
      for (const socket of this.#waiting) refuseUpgrade(socket, 503, 'The server is shutting down.');
      for (const socket of this.#answering) socket.destroySoon();
      const left = await this.#sockets.close(shutdownTimeoutMs);
      if (left > 0)
        this.#logger.warn(`${left} sessions still had calls running after ${shutdownTimeoutMs} ms.`);
    });
  }

  /** Never rejects: whatever happens, the upgrade is granted or refused. */
  async #take(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Node's own listeners are gone from the socket, and an error without one would end the process.
    const failed = () => socket.destroy();
    socket.on('error', failed);
    const earlier = earlierAnswers(socket);
    if (earlier) {
      await earlier;
      if (socket.writable)
        refuseUpgrade(socket, 400, 'An upgrade waits for the answer to the request before it.');
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new HttpError(503, 'Authorizing the upgrade takes too long.');
      timer = setTimeout(() => reject(error), this.#limits.upgradeMs);
    });
    try {
      this.#check(request);
      const ip = clientAddress(this.adapterHost.httpAdapter, request);
      const leave = this.#upgrades.enter(socket, ownerOf(undefined, ip));
      this.#waiting.add(socket);
      const admitted = this.#admit(request, socket);
      // Until it is done, whether it is waited for or not: what it holds is held.
      const done = () => {
        leave();
        this.#waiting.delete(socket);
      };
      admitted.then(done, done);
      const identity = await Promise.race([admitted, late]);
      if (!identity) await this.#answered(socket, late);
      // Others may have needed its place.
      if (!identity || socket.destroyed || socket.writableEnded) return;
      const owner = ownerOf(identity.user, ip, this.options.userKey);
      this.#checkRoom(request, owner);
      this.#sockets.dedicated?.check();
      // It has listeners of its own from here on.
      socket.off('error', failed);
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#sockets.open(webSocket as IpcWebSocket, socket, request, { ...identity, ip, owner }),
      );
    } catch (error) {
      this.#refuse(socket, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A guard has begun an answer of its own, and is given the time of an upgrade to end it. */
  async #answered(socket: Socket, late: Promise<never>): Promise<void> {
    if (socket.destroyed) return;
    this.#answering.add(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await Promise.race([closed, late]).catch(() => socket.destroy());
    this.#answering.delete(socket);
  }

  async #admit(request: IncomingMessage, socket: Socket): Promise<IpcIdentity | undefined> {
    const identity = await this.authorizer.authorize(request, socket);
    // Who has left, or was refused meanwhile, takes nobody's place.
    if (identity && !socket.destroyed) await this.#sockets.dedicated?.makeRoom(identity);
    return identity;
  }

  /** What can be told without asking anybody. @throws HttpError */
  #check(request: IncomingMessage): void {
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw new HttpError(426, 'A session is opened by upgrading to a WebSocket.');
    const head = new NodeRequestHead(request);
    if (this.options.native && !head.isNative())
      throw new HttpError(
        403,
        'Frontends of this backend are on its own computer, and connect over loopback.',
      );
    this.#origins.checkHost(head);
    this.#origins.checkOrigin(head);
    this.#checkRoom(request);
  }

  /** @param owner whose the connection is, where that is known */
  #checkRoom(request: IncomingMessage, owner?: string): void {
    if (this.#closing) throw new HttpError(503, 'The server is shutting down.');
    // Who may have a session already says so in his greeting.
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
    const isDurable = this.#resumes && offered.some((protocol) => protocol.trim() === DURABLE_PROTOCOL);
    if (this.#sockets.hasRoom(isDurable, owner)) return;
    throw isDurable
      ? tooManyConnect()
      : new HttpError(503, 'The server has as many sessions as it can have.');
  }

  #refuse(socket: Socket, error: unknown): void {
    const { status, reason } = this.#refusalOf(error);
    refuseUpgrade(socket, status, reason);
  }

  #refusalOf(error: unknown): { status: number; reason: string } {
    try {
      if (error instanceof HttpError) return { status: error.status, reason: error.message };
      if (error instanceof HttpException) {
        const { status, body } = mapNestException(error)!;
        return { status, reason: String(body['message']) };
      }
    } catch {
      // A proxy, or an exception whose answer cannot be read: a fault like all others.
    }
    this.#logger.error(error);
    return { status: 500, reason: 'Internal error' };
  }
}
