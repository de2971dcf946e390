import { BackplaneError } from '@linnet/common';
import type { BackplaneEntry, BackplaneEvents, BackplaneNode, IpcBackplane } from '@linnet/common';
import { GroupEntries } from './group.entries.js';

/** Random numbers that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A function that a node has called. */
interface Call {
  run(): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/**
 * A backplane whose every step is chosen by a seed: when a function takes effect, when its answer arrives or is lost, when a node
 * reads its inbox, and which node is cut off. A function whose answer is lost takes effect again.
 */
export class SimulatedBackplane implements IpcBackplane {
  readonly nodes: SimulatedNode[] = [];
  readonly topics = new Map<string, Set<SimulatedNode>>();
  readonly groups = new GroupEntries();
  /** How often a function took effect twice. */
  repeats = 0;

  constructor(private readonly random: (below: number) => number) {}

  join(id: string, events: BackplaneEvents): BackplaneNode {
    const node = new SimulatedNode(this, id, events);
    this.nodes.push(node);
    return node;
  }

  /** Runs one step of some node. @returns whether there was one */
  step(): boolean {
    const able = this.nodes.filter((node) => node.canStep);
    if (able.length === 0) return false;
    able[this.random(able.length)]!.step(this.random);
    return true;
  }
}

class SimulatedNode implements BackplaneNode {
  /** Whether it reaches the backplane. */
  isCut = false;
  readonly inbox: (readonly [topic: string | undefined, frame: Uint8Array])[] = [];
  readonly #calls: Call[] = [];

  constructor(
    private readonly backplane: SimulatedBackplane,
    readonly id: string,
    private readonly events: BackplaneEvents,
  ) {}

  get canStep(): boolean {
    return !this.isCut && (this.#calls.length > 0 || this.inbox.length > 0);
  }

  step(random: (below: number) => number): void {
    const reads = this.inbox.length > 0 && (this.#calls.length === 0 || random(2) === 0);
    if (reads) {
      const [topic, frame] = this.inbox.shift()!;
      this.events.frame(topic, frame.slice());
      return;
    }
    const [call] = this.#calls;
    let result: unknown;
    let error: unknown;
    try {
      result = call!.run();
    } catch (thrown) {
      error = thrown;
    }
    if (random(8) === 0) {
      // The answer is lost, so the node calls again.
      this.backplane.repeats++;
      return;
    }
    this.#calls.shift();
    if (error) call!.reject(error);
    else call!.resolve(result);
  }

  /** The time of all functions is over that wait. */
  expire(): void {
    for (const call of this.#calls.splice(0)) call.reject(new BackplaneError('unreachable', 'too late'));
  }

  #call<T>(run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#calls.push({ run, resolve, reject });
    });
  }

  publish(topic: string, frame: Uint8Array): Promise<void> {
    return this.#call(() => {
      for (const node of this.backplane.topics.get(topic) ?? [])
        if (node !== this) node.inbox.push([topic, frame]);
    });
  }

  send(to: string, frame: Uint8Array): Promise<void> {
    return this.#call(() => {
      const node = this.backplane.nodes.find(({ id }) => id === to);
      if (!node) throw new BackplaneError('absent', 'The node does not exist.');
      node.inbox.push([undefined, frame]);
    });
  }

  async lives(node: string): Promise<boolean> {
    return this.backplane.nodes.some(({ id }) => id === node);
  }

  subscribe(topic: string): Promise<void> {
    return this.#call(() => {
      const { topics } = this.backplane;
      topics.set(topic, (topics.get(topic) ?? new Set()).add(this));
    });
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#call(() => void this.backplane.topics.get(topic)?.delete(this));
  }

  set(group: string, key: string, value: string): Promise<void> {
    return this.#call(() => this.backplane.groups.set(this.id, group, key, value));
  }

  delete(group: string, key: string): Promise<void> {
    return this.#call(() => this.backplane.groups.delete(this.id, group, key));
  }

  get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return this.#call(() => this.backplane.groups.get(group, key));
  }

  list(group: string): Promise<BackplaneEntry[]> {
    return this.#call(() => this.backplane.groups.list(group));
  }

  count(group: string): Promise<number> {
    return this.#call(() => this.backplane.groups.count(group));
  }

  async keep(): Promise<void> {
    // Rooms keep nothing.
  }

  async take(): Promise<undefined> {
    return undefined;
  }

  async leave(): Promise<void> {
    this.expire();
  }
}
