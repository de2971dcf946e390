import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { durableTextWire } from '@linnet/common';
import type { IpcIdentity, IpcServer, IpcServerWire, OriginOptions } from '@linnet/common';
import {
  COMPATIBLE_PROTOCOL,
  DURABLE_PROTOCOL,
  HttpError,
  OriginPolicy,
  pathOf,
} from '@linnet/common/internal';
import { NodeRequestHead } from '../http/request.head.js';
import { ownerOf } from '../../call/session.owner.js';
import { claimUpgrades } from './upgrade.claim.js';
import { PendingUpgrades, tooManyUpgrades } from './upgrade.limits.js';
import { earlierAnswers, refuseUpgrade } from './upgrade.refusal.js';
import { WebSocketConnections } from './websocket.connections.js';
import type { WebSocketOptions } from './websocket.connections.js';
import { IpcWebSocket } from './websocket.transport.js';

/** How long a peer may take to answer a close frame, in milliseconds. */
const CLOSE_MS = 2_000;

/** How frontends connect. */
export interface UpgradeOptions extends OriginOptions, WebSocketOptions {
  /** Refuses frontends that do not connect over loopback, with 403. Default `false`. */
  readonly native?: boolean;
  /** How long a session waits for its frontend, in milliseconds; 0: the durable wire is not offered. Default 30,000. */
  readonly resumeGraceMs?: number;
  /** Names a user to count memory and places by. Default: the user as JSON. */
  readonly userKey?: (user: unknown) => string;
}

/** The parts of an upgrade that depend on the framework. */
export interface UpgradeHost {
  /** The wire of frontends that select no subprotocol, or the compatible one. */
  readonly fallback: IpcServerWire;
  /**
   * Authorizes a frontend.
   *
   * @returns its user; `undefined` if a guard has written an answer of its own
   * @throws any error for a refusal, which `refusalOf` reads
   */
  authorize(request: IncomingMessage, socket: Socket): Promise<IpcIdentity | undefined>;
  /** The address of a client, behind trusted proxies. */
  addressOf(request: IncomingMessage): string | undefined;
  /** The status and the reason of a refusal. Never throws. */
  refusalOf(error: unknown): { readonly status: number; readonly reason: string };
}

/** Upgrades the requests of a path to WebSockets of an IPC server, or refuses them. */
export class UpgradeHandler {
  readonly #origins: OriginPolicy;
  readonly #webSockets: WebSocketServer;
  readonly #connections: WebSocketConnections;
  readonly #resumes: boolean;
  /** Upgrades whose authorization runs. */
  readonly #waiting = new Set<Socket>();
  readonly #pending: PendingUpgrades;
  /** Upgrades that a guard answers itself. */
  readonly #answering = new Set<Socket>();
  #closing = false;

  constructor(
    private readonly server: IpcServer,
    private readonly options: UpgradeOptions,
    private readonly host: UpgradeHost,
  ) {
    const { limits } = server;
    this.#resumes = options.resumeGraceMs !== 0;
    this.#origins = new OriginPolicy(options);
    this.#pending = new PendingUpgrades(limits.upgrades);
    this.#connections = new WebSocketConnections(server, options);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // Messages are small and many: compression would cost more than everything else.
      perMessageDeflate: false,
      // Escapes can double a text, and a message that is too long is still answered.
      maxPayload: 2 * limits.messageBytes + 1024,
      // A peer that does not answer a close frame is cut off.
      ...({ closeTimeout: CLOSE_MS } as object),
      WebSocket: IpcWebSocket,
      // Frontends of iTwin.js offer none. A frontend that offers others gets none.
      handleProtocols: (offered) =>
        [...(this.#resumes ? [DURABLE_PROTOCOL] : []), COMPATIBLE_PROTOCOL].find((each) =>
          offered.has(each),
        ) ?? false,
    });
  }

  /** Takes the upgrade requests of a path from an HTTP server, before its other listeners. */
  attach(server: Server, path: string): void {
    claimUpgrades(
      server,
      (request) => pathOf(request.url!) === path,
      (request, socket, head) => void this.#take(request, socket as Socket, head),
    );
  }

  /** Refuses upgrades from now on, those that are pending included. */
  stop(): void {
    this.#closing = true;
    for (const socket of this.#waiting) refuseUpgrade(socket, 503, 'The server is shutting down.');
    for (const socket of this.#answering) socket.destroySoon();
  }

  /** Waits until the WebSockets of ended sessions are closed. */
  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** Never rejects: every request is upgraded or refused. */
  async #take(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Node has removed its own listeners from the socket, and an error without a listener would end the process.
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
      timer = setTimeout(() => reject(error), this.server.limits.upgradeMs);
    });
    try {
      this.#check(request);
      const ip = this.host.addressOf(request);
      const leave = this.#pending.enter(socket, ownerOf(undefined, ip));
      this.#waiting.add(socket);
      const admitted = this.#admit(request, socket);
      // The place stays taken until the authorization has ended, even if nothing waits for it any more.
      const done = () => {
        leave();
        this.#waiting.delete(socket);
      };
      admitted.then(done, done);
      const identity = await Promise.race([admitted, late]);
      if (!identity) await this.#answered(socket, late);
      // Another upgrade may have needed its place.
      if (!identity || socket.destroyed || socket.writableEnded) return;
      const owner = ownerOf(identity.user, ip, this.options.userKey);
      this.#checkSpace(request, owner);
      this.#connections.dedicated?.check();
      // The WebSocket has listeners of its own.
      socket.off('error', failed);
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#open(webSocket as IpcWebSocket, socket, request, { ...identity, ip, owner }),
      );
    } catch (error) {
      const { status, reason } = this.host.refusalOf(error);
      refuseUpgrade(socket, status, reason);
    } finally {
      clearTimeout(timer);
    }
  }

  #open(
    webSocket: IpcWebSocket,
    socket: Socket,
    request: IncomingMessage,
    identity: IpcIdentity & { readonly ip: string | undefined; readonly owner: string },
  ): void {
    const { native: isNative = false } = this.options;
    const wire = webSocket.protocol === DURABLE_PROTOCOL ? durableTextWire : this.host.fallback;
    this.#connections.open(webSocket, socket, wire, request, { ...identity, isNative });
  }

  /** A guard writes an answer of its own, and has the time of an upgrade for it. */
  async #answered(socket: Socket, late: Promise<never>): Promise<void> {
    if (socket.destroyed) return;
    this.#answering.add(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await Promise.race([closed, late]).catch(() => socket.destroy());
    this.#answering.delete(socket);
  }

  async #admit(request: IncomingMessage, socket: Socket): Promise<IpcIdentity | undefined> {
    const identity = await this.host.authorize(request, socket);
    // A frontend that has left or was refused meanwhile needs no place.
    if (identity && !socket.destroyed) await this.#connections.dedicated?.makeSpace(identity);
    return identity;
  }

  /** Checks everything that needs no authorization. @throws HttpError */
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
    this.#checkSpace(request);
  }

  /** @param owner names the user of the connection, if it is known @throws HttpError 503 */
  #checkSpace(request: IncomingMessage, owner?: string): void {
    if (this.#closing) throw new HttpError(503, 'The server is shutting down.');
    const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
    const isDurable = this.#resumes && offered.some((protocol) => protocol.trim() === DURABLE_PROTOCOL);
    const { kind } = isDurable ? durableTextWire : this.host.fallback;
    if (this.server.hasSpace(kind, owner)) return;
    throw isDurable
      ? tooManyUpgrades()
      : new HttpError(503, 'The server has as many sessions as it can have.');
  }
}
