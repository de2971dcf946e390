import { jetstreamManager } from '@nats-io/jetstream';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';
import type {
  BackplaneEntry,
  BackplaneEvents,
  BackplaneLogs,
  BackplaneNode,
  IpcBackplane,
} from '@linnet/common';
import { openConnection } from '../connection/connection.js';
import type { NatsConnectionOptions, OpenConnection } from '../connection/connection.js';
import { ownBytes } from '../message/frame.js';
import { receiving } from '../message/receiving.js';
import { INBOX_PREFIX, isInbox } from '../message/subject.js';
import { failureOf } from './failure.js';
import { SessionLogs } from './session.logs.js';
import { SharedState } from './shared.state.js';
import { placesOf, tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';
import { TopicLog } from './topic.log.js';

/** Options of {@link natsBackplane}. */
export interface NatsBackplaneOptions extends NatsConnectionOptions {
  /** Names the application: its nodes have the same name. Letters, digits, `-` and `_`. Default `linnet`. */
  readonly name?: string;
  /** How long NATS may take to confirm, in milliseconds. Past it a function rejects. Default 5000. */
  readonly timeoutMs?: number;
}

/** The pause before a node tries again to reach NATS, or its storage, in milliseconds. */
const AGAIN_MS = 500;
/** Frames that are lost within this time are reported at once, in milliseconds. */
const REPORT_MS = 1000;

/**
 * Connects the nodes of an application over NATS with JetStream.
 *
 * ```ts
 * IpcModule.forRoot({ backplane: natsBackplane({ servers: 'nats://127.0.0.1:4222' }) })
 * ```
 *
 * @throws Error if the application cannot have this name
 */
export function natsBackplane({
  name = 'linnet',
  timeoutMs = 5000,
  ...connection
}: NatsBackplaneOptions): IpcBackplane {
  const places = placesOf(name);
  return { join: (node, events) => new NatsNode(connection, places, timeoutMs, node, events) };
}

/** The parts of a node that is connected. */
interface Parts {
  readonly open: OpenConnection;
  readonly log: TopicLog;
  readonly state: SharedState;
  readonly logs: SessionLogs;
  /** The frames to this node. */
  readonly own: Subscription;
}

/** A function that waits until NATS is reached for the first time. */
interface Waiting {
  begin(parts: Parts): void;
  fail(error: unknown): void;
}

class NatsNode implements BackplaneNode {
  readonly #connected: Promise<void>;
  #parts: Parts | undefined;
  /** In their order. A function that nobody waits for any more is forgotten, with its frame. */
  readonly #waiting = new Set<Waiting>();
  #hasLeft = false;
  #lost: ReturnType<typeof setTimeout> | undefined;
  #isRestoring = false;
  /** How often the connection has come back. */
  #returns = 0;
  #wake: () => void = () => undefined;

  constructor(
    private readonly connection: NatsConnectionOptions,
    private readonly places: Places,
    private readonly timeoutMs: number,
    private readonly id: string,
    private readonly events: BackplaneEvents,
  ) {
    this.#connected = this.#connect();
  }

  publish(topic: string, frame: Uint8Array): Promise<void> {
    return this.#run(({ log }) => log.publish(topic, frame));
  }

  send(node: string, frame: Uint8Array): Promise<void> {
    return this.#run(async ({ open }) => {
      await open.nats.request(this.#subjectOf(node), frame, { timeout: this.timeoutMs });
    });
  }

  async lives(node: string): Promise<boolean> {
    try {
      // A frame without bytes asks only whether it arrives. NATS knows at once that nobody is there.
      await this.send(node, new Uint8Array(0));
      return true;
    } catch (error) {
      if ((error as BackplaneError).failure === 'absent') return false;
      throw error;
    }
  }

  readonly logs: BackplaneLogs = this.#logs();

  #logs(): BackplaneLogs {
    const position = () => this.#parts?.log.position ?? 0;
    return {
      append: (key, frame, options) => this.#run(({ logs }) => logs.append(key, frame, options)),
      read: (key) => this.#run(({ logs }) => logs.read(key)),
      get position() {
        return position();
      },
      missed: (_node, topics, behind) => this.#run(({ log }) => log.behind(topics, behind)),
    };
  }

  subscribe(topic: string): Promise<void> {
    return this.#run(({ log }) => log.subscribe(topic));
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#run(({ log }) => log.unsubscribe(topic));
  }

  set(group: string, key: string, value: string): Promise<void> {
    return this.#run(({ state }) => state.set(group, key, value));
  }

  delete(group: string, key: string): Promise<void> {
    return this.#run(({ state }) => state.delete(group, key));
  }

  get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return this.#run(({ state }) => state.get(group, key));
  }

  list(group: string): Promise<BackplaneEntry[]> {
    return this.#run(({ state }) => state.list(group));
  }

  count(group: string): Promise<number> {
    return this.#run(({ state }) => state.count(group));
  }

  keep(key: string, text: string, lifeMs: number): Promise<void> {
    return this.#run(({ state }) => state.keep(key, text, lifeMs));
  }

  take(key: string): Promise<string | undefined> {
    return this.#run(({ state }) => state.take(key));
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    clearTimeout(this.#lost);
    this.#wake();
    for (const each of this.#waiting) each.fail(new BackplaneError('unreachable', 'The node has left.'));
    await this.#connected;
    if (!this.#parts) return;
    const { open, state, log, own } = this.#parts;
    state.close();
    await open.settled(() => state.leave());
    log.close();
    if (!open.nats.isClosed()) own.unsubscribe();
    await open.close();
  }

  #subjectOf(node: string): string {
    return `${this.places.nodes}.${tokenOfText(node)}`;
  }

  /** Tries until NATS is there, or the node leaves. Never rejects. */
  async #connect(): Promise<void> {
    while (!this.#hasLeft) {
      try {
        const parts = await this.#opened();
        this.#parts = parts;
        for (const each of this.#waiting) each.begin(parts);
        return;
      } catch {
        await this.#pause();
      }
    }
  }

  /** Waits before another attempt, unless the node leaves. */
  #pause(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, AGAIN_MS);
    });
  }

  async #opened(): Promise<Parts> {
    const open = await openConnection(this.connection, {
      down: () => this.#parts?.log.pause(),
      up: () => void this.#restore(),
    });
    const { nats } = open;
    let log: TopicLog | undefined;
    const own = nats.subscribe(this.#subjectOf(this.id), {
      callback: receiving((message) => this.#receive(message)),
    });
    try {
      // It rejects if NATS has no JetStream.
      const manager = await jetstreamManager(nats, { timeout: this.timeoutMs });
      log = await TopicLog.open(nats, manager, this.places, this.id, this.timeoutMs, {
        deliver: (topic, frame) => this.events.frame(topic, frame),
        missed: () => this.#missed(),
      });
      await nats.flush();
      const forgotten = () => this.#report(false);
      const state = await SharedState.open(nats, manager, this.places, this.id, forgotten);
      const logs = new SessionLogs(nats, manager, this.places, this.timeoutMs);
      return { open, log, state, logs, own };
    } catch (error) {
      log?.close();
      if (!nats.isClosed()) own.unsubscribe();
      await open.close();
      throw error;
    }
  }

  /** Receives a frame to this node. */
  #receive(message: Msg): void {
    // A node asks for the confirmation over its inbox. Another subject could be one that only this node may publish to.
    if (!isInbox(message.reply, this.connection.inboxPrefix ?? INBOX_PREFIX)) return;
    // The sender knows from it that the frame has arrived.
    message.respond();
    if (message.data.byteLength > 0) this.events.frame(undefined, ownBytes(message.data));
  }

  /** NATS is back: reads what was published meanwhile, and tries until the storage is there as well. */
  async #restore(): Promise<void> {
    this.#returns++;
    const parts = this.#parts;
    if (!parts || this.#isRestoring) return;
    this.#isRestoring = true;
    // The next return of the connection begins again.
    while (!this.#hasLeft && parts.open.isUp) {
      const returns = this.#returns;
      try {
        await parts.log.catchUp();
        await parts.state.restore();
        await parts.logs.restore();
        this.#report(false);
        if (returns === this.#returns) break;
      } catch {
        await this.#pause();
      }
    }
    this.#isRestoring = false;
  }

  /** Frames are lost, perhaps many one after the other. */
  #missed(): void {
    if (this.#hasLeft) return;
    this.#lost ??= setTimeout(() => {
      this.#lost = undefined;
      this.#report(true);
    }, REPORT_MS);
  }

  #report(hasMissed: boolean): void {
    if (!this.#hasLeft) this.events.restored(hasMissed);
  }

  async #run<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const unreachable = () =>
        reject(new BackplaneError('unreachable', `NATS has not confirmed within ${this.timeoutMs} ms.`));
      timer = setTimeout(unreachable, this.timeoutMs);
    });
    let waiting: Waiting | undefined;
    const whenThere = () =>
      new Promise<T>((resolve, reject) => {
        waiting = { begin: (parts) => resolve(work(parts)), fail: reject };
        this.#waiting.add(waiting);
      });
    try {
      return await Promise.race([this.#parts ? work(this.#parts) : whenThere(), late]);
    } catch (error) {
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
      if (waiting) this.#waiting.delete(waiting);
    }
  }
}
