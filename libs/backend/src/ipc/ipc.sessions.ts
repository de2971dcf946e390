import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { Activity } from '@linnet/common';
import type { IpcClosure, IpcConnection, IpcSession } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import { SHUTDOWN_MS } from '../http/http.attach.js';
import type { IpcWebSocket, WebSocketTransport } from '../node/websocket.transport.js';
import type { IpcHost } from './ipc.host.js';
import type { IpcModuleOptions } from './ipc.options.js';
import type { SessionScopes } from './ipc.scope.js';
import { within } from './ipc.within.js';

/** Codes by which this side ends a session that went wrong. */
const faults = new Set([1002, 1006, 1007, 1008, 1009, 1011, 1013]);

/** A session that is open, and the WebSocket that it has now. */
export interface OpenSession {
  readonly connection: IpcConnection;
  /** Absent while a session waits for its frontend to come back. */
  transport: WebSocketTransport | undefined;
  webSocket: IpcWebSocket;
  /** Resolves when the session's handlers are there, or could not be made. */
  readonly started: Promise<void>;
}

/** The sessions of WebSockets, whichever wire they speak: begins them, and ends them with all that is theirs. */
export class IpcSessions {
  readonly #open = new Map<IpcSession, OpenSession>();
  /** Sessions that are over, and whose handlers still run or are being destroyed. */
  readonly #ending = new Set<Promise<void>>();
  /** When all calls have had their time, as the server ends; in milliseconds of this process. */
  #deadline = Infinity;

  constructor(
    private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly scopes: SessionScopes,
    private readonly logger: Logger,
  ) {}

  /** Those that are open, in the order in which they began. */
  get open(): readonly OpenSession[] {
    return [...this.#open.values()];
  }

  /** How many are over, and not done yet. */
  get ending(): number {
    return this.#ending.size;
  }

  of(session: IpcSession): OpenSession | undefined {
    return this.#open.get(session);
  }

  /** Begins a session. Its handlers are made before anything is read of the transport. */
  begin(connection: IpcConnection, transport: WebSocketTransport, webSocket: IpcWebSocket): void {
    const { session } = connection;
    // A dedicated backend has no place for one that might come back.
    if (this.options.dedicated)
      for (const { connection: other } of this.#open.values())
        other.link.close(1001, 'Another frontend has connected.');
    this.host.adopt(session);
    // Every call of the session may listen to it, which Node would take for a leak.
    setMaxListeners(0, session.signal);
    const started = this.#start(session, transport);
    this.#open.set(session, { connection, transport, webSocket, started });
    void session.closed.then((closure) => this.#end(session, closure, started));
    this.host.lifetime.begun();
  }

  /** Ends all sessions, when what they called has finished. @returns how many still had calls running */
  close(timeoutMs: number): Promise<number> {
    this.#deadline = performance.now() + timeoutMs;
    return this.host.server.close(timeoutMs);
  }

  /** Resolves when nothing is left of those that are over. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Nothing is read before the session's handlers are made, so that each of its messages finds them. */
  async #start(session: IpcSession, transport: WebSocketTransport): Promise<void> {
    if (!this.scopes.isNeeded) return;
    transport.pause();
    try {
      await this.#inContext(session, () => this.scopes.open(session));
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
    // One that was taken over from ends behind the beginning of the next.
    if (this.#open.size === 0) this.host.lifetime.left();
    const { shutdownTimeoutMs = SHUTDOWN_MS } = this.options;
    const ending = (async () => {
      const left = Math.max(0, Math.min(shutdownTimeoutMs, this.#deadline - performance.now()));
      // What is still being made would be left behind.
      await within(left, Promise.all([started, connection.idle()]));
      await this.#inContext(session, () => this.scopes.close(session));
    })();
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }

  /** What a session begins and ends with is logged as part of it. */
  #inContext<T>(session: IpcSession, work: () => T): T {
    const { id: sessionId, accessToken, user } = session;
    const activity = new Activity({ activityId: randomUUID(), sessionId, accessToken }, session);
    activity.user = user;
    return ClientRequestContext.run(activity, work);
  }
}
