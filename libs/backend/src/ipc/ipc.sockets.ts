import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { HttpError } from '@linnet/common';
import type { IpcClosure, IpcConnection, IpcIdentity, IpcSession } from '@linnet/common';
import { WebSocketTransport } from '../node/websocket.transport.js';
import type { IpcWebSocket } from '../node/websocket.transport.js';
import type { IpcHost } from './ipc.host.js';
import type { IpcModuleOptions } from './ipc.options.js';
import type { SessionScopes } from './ipc.scope.js';

/** Codes by which this side ends a session that went wrong. */
const faults = new Set([1002, 1003, 1006, 1007, 1008, 1009, 1011, 1013]);
/** How long a peer may take to answer a close frame, or the ping that asks whether it is still there. */
const PATIENCE_MS = 2_000;

interface Open {
  readonly connection: IpcConnection;
  readonly transport: WebSocketTransport;
  readonly webSocket: IpcWebSocket;
}

/** The sessions that are connected by WebSockets: begins and ends them. */
export class IpcSockets {
  readonly #open = new Map<IpcSession, Open>();
  /** Those whose session is over stay until their peer lets go, too. */
  readonly #webSockets = new Set<IpcWebSocket>();
  /** Sessions that are over, and whose handlers still run or are being destroyed. */
  readonly #ending = new Set<Promise<void>>();
  #heartbeat: NodeJS.Timeout | undefined;
  /** When all calls have had their time, as the server ends; in milliseconds of this process. */
  #deadline = Infinity;

  constructor(
    private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly scopes: SessionScopes,
    private readonly logger: Logger,
  ) {}

  /** Begins a session. Its listeners are there before anything can be read. */
  open(webSocket: IpcWebSocket, socket: Socket, request: IncomingMessage, identity: IpcIdentity): void {
    const transport = new WebSocketTransport(webSocket, socket);
    const connection = this.host.server.open(transport, { ...identity, id: randomUUID(), request });
    const { link, session } = connection;
    this.host.adopt(session);
    // Every call of the session may listen to it, which Node would take for a leak.
    setMaxListeners(0, session.signal);
    this.#open.set(session, { connection, transport, webSocket });
    this.#webSockets.add(webSocket);
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) link.receiveBinary(data);
      else link.receiveText(data.toString());
    });
    // Frames that are none: it closes by itself, with the code that was found.
    webSocket.on('error', (error: Error) => link.ended({ code: webSocket.closeCode, reason: error.message }));
    webSocket.on('close', (code: number, reason: Buffer) => {
      this.#webSockets.delete(webSocket);
      link.ended({ code, reason: reason.toString() });
    });
    const started = this.#start(session, transport);
    void session.closed.then((closure) => this.#end(session, closure, started));
    this.host.lifetime.begun();
    this.#heartbeat ??= setInterval(() => this.#beat(), this.options.heartbeatMs ?? 30_000).unref();
  }

  /**
   * Makes room for another frontend of a dedicated backend: ends the session of one that is gone, or is the same.
   *
   * @throws HttpError (rejection) 409 for a backend that has a frontend
   */
  async makeRoom({ frontend }: IpcIdentity): Promise<void> {
    const [current] = this.#open.values();
    if (!current) return;
    const { session, link } = current.connection;
    const isReload = frontend !== undefined && session.frontend === frontend;
    if (!isReload && (await current.transport.isAlive(PATIENCE_MS)))
      throw new HttpError(409, 'This backend has a frontend already, and serves no other.');
    link.close(1001, 'The frontend has connected anew.');
    current.webSocket.terminate();
    // Meanwhile another one may have been faster.
    if (this.#open.size > 0)
      throw new HttpError(409, 'This backend has a frontend already, and serves no other.');
  }

  /** Ends all sessions, when what they called has finished. @returns how many still had calls running */
  async close(timeoutMs: number): Promise<number> {
    clearInterval(this.#heartbeat);
    this.#deadline = performance.now() + timeoutMs;
    const busy = await this.host.server.close(timeoutMs);
    // An error on the way to its end is no reason to stop waiting for it.
    const gone = [...this.#webSockets].map(
      (webSocket) => new Promise((resolve) => webSocket.once('close', resolve)),
    );
    await within(PATIENCE_MS, Promise.all(gone));
    for (const webSocket of this.#webSockets) webSocket.terminate();
    await Promise.all(this.#ending);
    return busy;
  }

  /** Nothing is read before the session's handlers are made, so that each of its messages finds them. */
  async #start(session: IpcSession, transport: WebSocketTransport): Promise<void> {
    if (!this.scopes.isNeeded) return;
    transport.pause();
    try {
      await this.scopes.open(session);
      transport.resume();
    } catch (error) {
      this.logger.error(error);
      session.close(1011, 'Internal error');
    }
  }

  #end(session: IpcSession, { code, reason }: IpcClosure, started: Promise<void>): void {
    const { connection, webSocket } = this.#open.get(session)!;
    this.#open.delete(session);
    if (webSocket.readyState !== WebSocket.CLOSED && faults.has(code))
      this.logger.warn(`Session ${session.id} was ended: ${reason} (${code})`);
    this.host.lifetime.left();
    const { shutdownTimeoutMs = 10_000 } = this.options;
    const ending = (async () => {
      const left = Math.max(0, Math.min(shutdownTimeoutMs, this.#deadline - performance.now()));
      // What is still being made would be left behind.
      await within(left, Promise.all([started, connection.idle()]));
      await this.scopes.close(session);
    })();
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }

  #beat(): void {
    for (const { connection, transport, webSocket } of this.#open.values()) {
      if (transport.beat()) continue;
      connection.link.ended({ code: 1006, reason: 'The frontend gave no sign of life.' });
      webSocket.terminate();
    }
  }
}

/** Resolves when the work is done, or has had its time. */
function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, milliseconds).unref();
    void work.then(done);
  });
}
