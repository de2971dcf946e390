import { deferred } from '../../base/deferred.js';
import { observer } from '../../base/observer.js';
import type { SessionWatch } from '../../base/observer.js';
import { newId } from '../../base/random.id.js';
import { settle } from '../../base/settle.js';
import { within } from '../../base/timer.js';
import { hiddenError } from '../../error/error.members.js';
import type { IpcClosure } from '../channel/closure.js';
import type { IpcLinkEvents, IpcServerLink } from '../message/link.js';
import type { IpcServerTransport } from '../message/transport.js';
import { WaitingBytes } from '../message/session.bytes.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { IpcCallDispatcher } from '../dispatcher/call.dispatcher.js';
import type { ChannelRegistry } from '../dispatcher/channel.registry.js';
import type { IpcServerOptions } from './server.options.js';
import type { IpcSessionChange, IpcSessionHooks } from './session.hooks.js';
import type { SessionRooms } from '../dispatcher/session.rooms.js';
import type { SessionsElsewhere } from './sessions.elsewhere.js';
import { ServerSession } from '../dispatcher/server.session.js';
import type { IpcPeer } from '../dispatcher/server.session.js';
import type { SessionParts, SessionRecord } from './session.record.js';
import { SessionRegistry } from './session.registry.js';
import { SessionResumption } from './session.resumption.js';

/** Begins sessions, and ends them: keeps the registry, and calls the hooks. */
export class SessionLifecycle {
  readonly registry: SessionRegistry;
  readonly resumption: SessionResumption;
  readonly hooks = new Set<IpcSessionHooks>();
  /** Receive the changes of all sessions. */
  readonly listeners = new Set<(change: IpcSessionChange) => unknown>();
  /** When the calls of ended sessions have had their time, in milliseconds of this process. */
  deadline = Infinity;
  /** The rooms of the server, as soon as it has any. */
  rooms: SessionRooms | undefined;
  /** Finds the sessions of other nodes, as soon as there are any. */
  elsewhere: SessionsElsewhere | undefined;
  readonly #waiting: WaitingBytes;

  constructor(
    private readonly channels: ChannelRegistry,
    private readonly options: IpcServerOptions,
  ) {
    const { limits, resumption } = options;
    this.#waiting = new WaitingBytes(limits.keptBytes);
    this.registry = new SessionRegistry(limits.sessions);
    this.resumption = new SessionResumption(resumption?.isSameUser ?? (() => false));
  }

  /**
   * Makes the parts of a session.
   *
   * @param linkOf makes its link
   * @param id of the session, if another node has begun it
   */
  partsOf<Link extends IpcServerLink>(
    peer: IpcPeer,
    linkOf: (events: IpcLinkEvents, kept: SessionBytes) => Link,
    id = newId(),
  ): SessionParts<Link> {
    const { limits, invokeTimeoutMs } = this.options;
    const owner = peer.owner ?? id;
    const tooMuch = () =>
      link.close(1013, 'More waits for this frontend, and others of its user, than there is space for.');
    const kept = this.#waiting.of(owner, tooMuch);
    const answers = this.#waiting.of(owner, tooMuch, limits.answerBytes);
    const events: IpcLinkEvents = {
      receive: (message) => dispatcher.receive(message),
      ended: (closure) => this.#ended(session, closure),
    };
    const link = linkOf(events, kept);
    const session = new ServerSession(id, link, peer, invokeTimeoutMs, () => this.rooms);
    const dispatcher = new IpcCallDispatcher(session, link, this.channels, this.options, answers);
    return { session, link, dispatcher };
  }

  /** Begins a session: its calls wait until the hooks have opened it. */
  begin(record: SessionRecord, transport: IpcServerTransport): void {
    const others = this.options.dedicated ? this.registry.open : [];
    this.registry.add(record);
    record.watch = this.#follow(record.session);
    if (record.kind === 'durable' && record.isResumable) this.resumption.add(record);
    for (const { link } of others) link.close(1001, 'Another frontend has connected.');
    record.hooks = [...this.hooks];
    if (record.hooks.length > 0) this.#openLater(record, transport);
    else record.dispatcher.open();
    this.#notify({ type: 'begun', session: record.session });
  }

  #openLater(record: SessionRecord, transport: IpcServerTransport): void {
    // Nothing is read meanwhile.
    transport.pause?.();
    // Known before a hook runs: it may end the session, whose end waits for it.
    const opened = deferred();
    record.opened = opened.promise;
    void this.#open(record).then(() => {
      transport.resume?.();
      record.dispatcher.open();
      opened.resolve();
    });
  }

  /** Waits for all hooks, also if one of them fails: `onClosed` is called only after `onOpen`. Never rejects. */
  async #open({ session, hooks }: SessionRecord): Promise<void> {
    const outcomes = await Promise.allSettled(hooks.map(async (each) => each.onOpen(session)));
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failures) this.report(reason);
    if (failures.length > 0) session.close(1011, 'Internal error');
  }

  #ended(session: ServerSession, closure: IpcClosure): void {
    const record = this.registry.of(session) as SessionRecord | undefined;
    // It has not begun, because what another node has kept for it takes too much memory.
    if (!record) return;
    record.ended(closure);
    if (record.kind === 'durable') this.resumption.delete(record);
    session.ended(closure);
    record.dispatcher.ended(closure);
    this.registry.end(record, this.#finish(record, closure));
    this.#notify({ type: session.hasMoved ? 'moved' : 'ended', session, closure });
  }

  /** Waits for the calls of a session that is over, and calls the hooks. Never rejects. */
  async #finish({ session, opened, dispatcher, hooks }: SessionRecord, closure: IpcClosure): Promise<void> {
    const { shutdownTimeoutMs = 10_000 } = this.options;
    const leftMs = Math.max(0, Math.min(shutdownTimeoutMs, this.deadline - performance.now()));
    // A hook that still opens the session could leave something behind.
    await within(leftMs, Promise.all([opened, dispatcher.idle()]));
    for (const each of hooks) {
      try {
        await each.onClosed(session, closure);
      } catch (error) {
        this.report(error);
      }
    }
  }

  /** Follows a session for the observer and the listeners. */
  #follow(session: ServerSession): SessionWatch {
    const { isObserved = true } = this.options;
    const watch = isObserved ? observer?.session?.({ side: 'server', id: session.id }) : undefined;
    return {
      interrupted: () => {
        watch?.interrupted();
        this.#notify({ type: 'interrupted', session });
      },
      resumed: () => {
        watch?.resumed();
        this.#notify({ type: 'resumed', session });
      },
      ended: (code) => watch?.ended(code),
    };
  }

  #notify(change: IpcSessionChange): void {
    const ignored = () => undefined;
    for (const listener of this.listeners)
      settle(
        () => listener(change),
        ignored,
        (error) => this.report(error),
      );
  }

  /** Reports a fault outside of calls. */
  report(thrown: unknown): void {
    this.options.report?.({ kind: 'error', thrown, error: hiddenError(''), activity: undefined });
  }
}
