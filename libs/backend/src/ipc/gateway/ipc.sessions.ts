import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import { Activity } from '@linnet/common';
import type { IpcClosure, IpcConnection, IpcSession } from '@linnet/common';
import { ByteBudget, oneLine } from '@linnet/common/internal';
import { runUntilDone } from '../../call/request.context.js';
import { SHUTDOWN_MS } from '../../http/http.mount.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IpcRegistry } from '../handlers/handler.registry.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';
import { within } from './within.js';
import { OwnLogger } from '../../nest/internals/own.logger.js';

/** Codes by which this side ends a session that went wrong. */
const faults = new Set([1002, 1006, 1007, 1008, 1009, 1011, 1013]);

/** A session, as far as it is one of as many as there may be. */
interface Place {
  readonly connection: IpcConnection;
  readonly isConnected: () => boolean;
}

/** The sessions of an application, whatever they are connected by: begins them, and ends them with all that is theirs. */
@Injectable()
export class IpcSessions {
  readonly #logger = new OwnLogger('IpcModule');
  readonly #open = new Map<IpcSession, IpcConnection>();
  /** Sessions that are over, and whose handlers still run or are being destroyed. */
  readonly #ending = new Set<Promise<void>>();
  /** All of them, by whose they are. */
  readonly #places: ByteBudget<Place>;
  /** When all calls have had their time, as the server ends; in milliseconds of this process. */
  #deadline = Infinity;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly registry: IpcRegistry,
  ) {
    this.#places = new ByteBudget(host.limits.sessions);
  }

  /** How many are over, and not done yet. */
  get ending(): number {
    return this.#ending.size;
  }

  /** Whether whoever has most has so many sessions that one of them is to give way to another owner's. */
  yields(owner: string): boolean {
    return this.#places.above(owner).some(({ holder }) => holder.connection.session.isOpen);
  }

  /** Ends a session of whoever has most: one whose frontend is away, or else the newest. */
  yield(owner: string): void {
    const open = this.#places
      .above(owner)
      .map(({ holder }) => holder)
      .filter(({ connection }) => connection.session.isOpen);
    const place = open.find(({ isConnected }) => !isConnected()) ?? open.at(-1);
    place?.connection.link.close(1013, 'Others need a place, and nobody has as many sessions as this user.');
  }

  /**
   * Begins a session.
   *
   * @param isConnected whether the frontend is still there when it ends: then this side has ended it
   * @returns resolves when its handlers are there, or could not be made, which ends it: nothing is to be read before
   */
  begin(connection: IpcConnection, isConnected = () => true): Promise<void> {
    const { session } = connection;
    // A dedicated backend has no place for one that might come back.
    if (this.options.dedicated)
      for (const { link } of this.#open.values()) link.close(1001, 'Another frontend has connected.');
    this.host.adopt(session);
    // Every call of the session may listen to it, which Node would take for a leak.
    setMaxListeners(0, session.signal);
    this.#open.set(session, connection);
    const place = this.#places.share(session.owner, { connection, isConnected });
    place.add(1);
    const started = this.#start(session);
    void session.closed.then((closure) => {
      // A frontend that has left is nothing for the log.
      if (isConnected() && faults.has(closure.code)) this.#warn(connection.session, closure);
      void this.#end(connection, started).finally(() => place.clear());
    });
    this.host.lifetime.begun();
    return started;
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

  async #start(session: IpcSession): Promise<void> {
    const { scopes } = this.registry;
    if (!scopes.isNeeded) return;
    try {
      await this.#inContext(session, () => scopes.open(session));
    } catch (error) {
      this.#logger.error(error);
      session.close(1011, 'Internal error');
    }
  }

  #warn({ id }: IpcSession, { code, reason }: IpcClosure): void {
    this.#logger.warn(`Session ${id} was ended: ${oneLine(reason)} (${code})`);
  }

  #end(connection: IpcConnection, started: Promise<void>): Promise<void> {
    const { session } = connection;
    this.#open.delete(session);
    // One that was taken over from ends behind the beginning of the next.
    if (this.#open.size === 0) this.host.lifetime.left();
    const { shutdownTimeoutMs = SHUTDOWN_MS } = this.options;
    const ending = (async () => {
      const left = Math.max(0, Math.min(shutdownTimeoutMs, this.#deadline - performance.now()));
      // What is still being made would be left behind.
      await within(left, Promise.all([started, connection.idle()]));
      await this.#inContext(session, () => this.registry.scopes.close(session));
    })();
    this.#ending.add(ending);
    return ending.finally(() => this.#ending.delete(ending));
  }

  /** What a session begins and ends with is logged as part of it. */
  #inContext<T>(session: IpcSession, work: () => Promise<T>): Promise<T> {
    const { id: sessionId, accessToken } = session;
    const activity = new Activity({ activityId: randomUUID(), sessionId, accessToken }, session);
    activity.identifyBy(session);
    return runUntilDone(activity, work);
  }
}
