import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Activity } from '@linnet/common';
import type { IpcClosure, IpcSession } from '@linnet/common';
import { runUntilDone } from '../../call/request.context.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';
import { allowListeners, faultOf } from '../../node/ipc/session.faults.js';
import { IpcRegistry } from '../handlers/handler.registry.js';
import { IpcHost } from '../host/ipc.host.js';

/** Hangs the parts of Nest on the sessions of an application: the instances of handlers, the log, and the lifetime. */
@Injectable()
export class NestSessions {
  readonly #logger = new SafeLogger('IpcModule');

  constructor(
    private readonly host: IpcHost,
    private readonly registry: IpcRegistry,
  ) {
    host.server.hook({
      onOpen: (session) => this.#open(session),
      onClosed: (session) => this.#inContext(session, () => this.registry.scopes.close(session)),
    });
  }

  /** Ends all sessions when their calls have finished. @returns how many sessions still had running calls */
  close(timeoutMs: number): Promise<number> {
    return this.host.server.close(timeoutMs);
  }

  /** Resolves when nothing is left of the sessions that are over. */
  ended(): Promise<void> {
    return this.host.server.ended();
  }

  #open(session: IpcSession): Promise<void> {
    allowListeners(session);
    this.host.lifetime.connected();
    void session.closed.then((closure) => this.#left(session, closure));
    return this.#makeHandlers(session);
  }

  async #makeHandlers(session: IpcSession): Promise<void> {
    const { scopes } = this.registry;
    if (!scopes.isNeeded) return;
    try {
      await this.#inContext(session, () => scopes.open(session));
    } catch (error) {
      this.#logger.error(error);
      session.close(1011, 'Internal error');
    }
  }

  #left(session: IpcSession, closure: IpcClosure): void {
    const fault = faultOf(session, closure);
    if (fault !== undefined) this.#logger.warn(fault);
    // A session that is replaced ends after its replacement has begun.
    if (this.host.server.size === 0) this.host.lifetime.disconnected();
  }

  /** Hooks of handlers log as part of the session. */
  #inContext<T>(session: IpcSession, work: () => Promise<T>): Promise<T> {
    const { id: sessionId, accessToken } = session;
    const activity = new Activity({ activityId: randomUUID(), sessionId, accessToken }, session);
    activity.identifyBy(session);
    return runUntilDone(activity, work);
  }
}
