import { BackplaneError } from '@linnet/common';
import type {
  AppendOptions,
  BackplaneEntry,
  BackplaneEvents,
  BackplaneLog,
  BackplaneLogs,
  BackplaneNode,
  IpcBackplane,
  MissedFrame,
} from '@linnet/common';
import { GroupEntries } from './group.entries.js';

/** The longest way to the backplane or back, in milliseconds. */
const WAY_MS = 15;
/** How long a function waits for the backplane, in milliseconds. */
const TIMEOUT_MS = 2_000;
/** How long a node that is cut off keeps its entries and its inbox, in milliseconds. */
const LEASE_MS = 6_000;

interface Frame extends MissedFrame {
  readonly number: number;
  readonly isForNode: boolean;
}

/**
 * A backplane over timers, which a test may fake: calls and frames of a node take random times, in order. A node that is cut off
 * waits, and is forgotten when its lease is over. A call whose answer is lost takes effect again.
 */
export class StormyBackplane implements IpcBackplane {
  readonly nodes = new Map<string, StormyNode>();
  readonly topics = new Map<string, Set<string>>();
  readonly groups = new GroupEntries();
  readonly logs = new Map<string, BackplaneLog>();

  constructor(readonly random: (below: number) => number) {}

  join(id: string, events: BackplaneEvents): StormyNode {
    const node = new StormyNode(this, id, events);
    this.nodes.set(id, node);
    return node;
  }

  /** A node is dead, or silent for too long. */
  bury(id: string): void {
    this.nodes.get(id)?.inbox.splice(0);
    for (const members of this.topics.values()) members.delete(id);
    this.groups.bury(id);
  }
}

interface Call {
  readonly run: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  isOver: boolean;
}

/** One node, which a test can cut off or kill. */
export class StormyNode implements BackplaneNode {
  /** `away`: cut off. `dead`: nothing of it passes any more. */
  state: 'there' | 'away' | 'dead' = 'there';
  isForgotten = false;
  readonly inbox: Frame[] = [];
  #last = 0;
  #read = 0;
  #calls: Call[] = [];
  #isRunning = false;
  #isReading = false;
  #hasFailed = false;
  #lease: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly hub: StormyBackplane,
    readonly id: string,
    private readonly events: BackplaneEvents,
  ) {}

  cut(): void {
    if (this.state !== 'there') return;
    this.state = 'away';
    // Sleeps: tests stop the time.
    this.#lease = setTimeout(() => this.#forget(), LEASE_MS);
  }

  mend(): void {
    if (this.state !== 'away') return;
    this.state = 'there';
    clearTimeout(this.#lease);
    // The node learns first whether it was forgotten, as it must before anything that waits.
    if (this.isForgotten || this.#hasFailed) {
      const hasMissed = this.isForgotten;
      this.isForgotten = this.#hasFailed = false;
      const waiting = this.#calls.splice(0);
      this.events.restored(hasMissed);
      this.#calls.push(...waiting);
    }
    void this.#run();
    void this.#readInbox();
  }

  kill(): void {
    this.state = 'dead';
    clearTimeout(this.#lease);
    // Sleeps: tests stop the time.
    this.#lease = setTimeout(() => this.#forget(), LEASE_MS);
  }

  #forget(): void {
    this.isForgotten = true;
    this.#read = this.#last;
    this.hub.bury(this.id);
  }

  get #isThere(): boolean {
    return this.state === 'there';
  }

  receive(topic: string | undefined, frame: Uint8Array): void {
    if (this.isForgotten) return;
    this.inbox.push({
      number: ++this.#last,
      topic: topic ?? '',
      isForNode: topic === undefined,
      frame: frame.slice(),
    });
    void this.#readInbox();
  }

  async #readInbox(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (;;) {
      await this.#way();
      if (!this.#isThere) break;
      const next = this.inbox.find(({ number }) => number > this.#read);
      if (!next) break;
      this.#read = next.number;
      this.events.frame(next.isForNode ? undefined : next.topic, next.frame.slice());
    }
    this.#isReading = false;
  }

  #way(): Promise<void> {
    // Sleeps: tests stop the time.
    return new Promise((resolve) => setTimeout(resolve, this.hub.random(WAY_MS)));
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#isThere && this.#calls.length > 0) {
      await this.#way();
      if (!this.#isThere) break;
      const calls = this.#calls.slice(0, 20).filter(({ isOver }) => !isOver);
      const results = calls.map(({ run }) => {
        try {
          return { value: run() };
        } catch (error) {
          return { error };
        }
      });
      await this.#way();
      // The answers are lost.
      if (!this.#isThere) break;
      this.#calls = this.#calls.filter((call) => !calls.includes(call) && !call.isOver);
      calls.forEach(({ resolve, reject }, i) => {
        const result = results[i]!;
        if ('error' in result) reject(result.error);
        else resolve(result.value);
      });
    }
    this.#isRunning = false;
  }

  #call<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (work: () => void) => {
        clearTimeout(timer);
        call.isOver = true;
        work();
      };
      // Sleeps: tests stop the time.
      const timer = setTimeout(() => {
        this.#hasFailed = true;
        settle(() => reject(new BackplaneError('unreachable', 'too late')));
      }, TIMEOUT_MS);
      const call: Call = {
        run,
        resolve: (result) => settle(() => resolve(result as T)),
        reject: (error) => settle(() => reject(error)),
        isOver: false,
      };
      this.#calls.push(call);
      void this.#run();
    });
  }

  publish(topic: string, frame: Uint8Array): Promise<void> {
    return this.#call(() => {
      for (const id of this.hub.topics.get(topic) ?? [])
        if (id !== this.id) this.hub.nodes.get(id)!.receive(topic, frame);
    });
  }

  send(to: string, frame: Uint8Array): Promise<void> {
    return this.#call(() => {
      const node = this.hub.nodes.get(to);
      if (!node || node.isForgotten) throw new BackplaneError('absent', 'The node does not exist.');
      node.receive(undefined, frame);
    });
  }

  lives(id: string): Promise<boolean> {
    return this.#call(() => this.hub.nodes.get(id)?.state === 'there');
  }

  subscribe(topic: string): Promise<void> {
    return this.#call(() => {
      const { topics } = this.hub;
      topics.set(topic, (topics.get(topic) ?? new Set()).add(this.id));
    });
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#call(() => void this.hub.topics.get(topic)?.delete(this.id));
  }

  set(group: string, key: string, value: string): Promise<void> {
    return this.#call(() => this.hub.groups.set(this.id, group, key, value));
  }

  delete(group: string, key: string): Promise<void> {
    return this.#call(() => this.hub.groups.delete(this.id, group, key));
  }

  get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return this.#call(() => this.hub.groups.get(group, key));
  }

  list(group: string): Promise<BackplaneEntry[]> {
    return this.#call(() => this.hub.groups.list(group));
  }

  count(group: string): Promise<number> {
    return this.#call(() => this.hub.groups.count(group));
  }

  async keep(): Promise<void> {
    // Sessions keep nothing.
  }

  async take(): Promise<undefined> {
    return undefined;
  }

  get logs(): BackplaneLogs {
    const read = () => this.#read;
    return {
      append: (key, frame, options) => this.#call(() => this.#append(key, frame, options)),
      read: (key) => this.#call(() => this.hub.logs.get(key) ?? { last: 0, frames: [] }),
      get position() {
        return read();
      },
      missed: (id, topics, position) =>
        this.#call(() => {
          const node = this.hub.nodes.get(id);
          if (!node || node.isForgotten)
            throw new BackplaneError('absent', 'The frames are not known any more.');
          return node.inbox.filter(
            ({ number, isForNode, topic }) => number > position && !isForNode && topics.includes(topic),
          );
        }),
    };
  }

  #append(key: string, frame: Uint8Array, { after, replaces }: AppendOptions): number {
    const { last, frames } = this.hub.logs.get(key) ?? { last: 0, frames: [] };
    const isAgain = last === after + 1 && frames.at(-1) && Buffer.compare(frames.at(-1)!, frame) === 0;
    if (isAgain) return last;
    if (last !== after && !(frame.byteLength === 0 && frames.length === 0))
      throw new BackplaneError('overtaken', 'Another node has added to the log.');
    if (frame.byteLength === 0) this.hub.logs.delete(key);
    else
      this.hub.logs.set(key, {
        last: after + 1,
        frames: replaces ? [frame.slice()] : [...frames, frame.slice()],
      });
    return after + 1;
  }

  async leave(): Promise<void> {
    if (this.state !== 'there') return;
    // Calls that wait take effect before.
    await this.#call(() => this.hub.bury(this.id)).catch(() => undefined);
    this.hub.nodes.delete(this.id);
    this.state = 'dead';
    clearTimeout(this.#lease);
  }
}
