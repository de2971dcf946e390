import { BackplaneError } from './backplane.js';
import type {
  BackplaneEntry,
  BackplaneEvents,
  BackplaneLog,
  BackplaneLogs,
  BackplaneNode,
  IpcBackplane,
} from './backplane.js';

/**
 * Connects the servers of one process, for tests and for several applications in it.
 *
 * ```ts
 * const backplane = memoryBackplane();
 * const [one, two] = [createIpcServer({ backplane }), createIpcServer({ backplane })];
 * ```
 */
export function memoryBackplane(): IpcBackplane {
  const hub = new MemoryHub();
  return { join: (node, events) => new MemoryNode(hub, node, events) };
}

/** After so many frames, logs whose time is over are deleted. */
const SWEEP_APPENDS = 1_000;

/** The state that all nodes share. */
class MemoryHub {
  readonly nodes = new Map<string, MemoryNode>();
  readonly topics = new Map<string, Set<MemoryNode>>();
  readonly groups = new Map<string, Map<string, BackplaneEntry>>();
  readonly kept = new Map<string, { readonly text: string; readonly until: number }>();
  readonly #logs = new Map<string, BackplaneLog & { readonly until: number }>();
  #appends = 0;

  /** Logs outlive their nodes. */
  readonly logs: BackplaneLogs = {
    append: async (key, bytes, { after, replaces, lifeMs }) => {
      const { last, frames } = this.#read(key);
      const frame = bytes.slice();
      if (++this.#appends % SWEEP_APPENDS === 0) this.#sweep();
      if (last !== after) throw new BackplaneError('overtaken', 'Another node has added to the log.');
      const all = replaces ? [frame] : [...frames, frame];
      if (frame.byteLength === 0) this.#logs.delete(key);
      else this.#logs.set(key, { last: after + 1, frames: all, until: performance.now() + lifeMs });
      return after + 1;
    },
    read: async (key) => this.#read(key),
    // A frame is received in the turn in which it is sent.
    position: 0,
    missed: async () => [],
  };

  #sweep(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#logs) if (until <= now) this.#logs.delete(key);
  }

  #read(key: string): BackplaneLog {
    const { last = 0, frames = [], until = 0 } = this.#logs.get(key) ?? {};
    return until > performance.now() ? { last, frames } : { last: 0, frames: [] };
  }
}

class MemoryNode implements BackplaneNode {
  readonly logs: BackplaneLogs;

  constructor(
    private readonly hub: MemoryHub,
    private readonly id: string,
    private readonly events: BackplaneEvents,
  ) {
    this.logs = hub.logs;
    hub.nodes.set(id, this);
  }

  async publish(topic: string, frame: Uint8Array): Promise<void> {
    for (const node of this.hub.topics.get(topic) ?? []) if (node !== this) node.#receive(topic, frame);
  }

  async send(to: string, frame: Uint8Array): Promise<void> {
    const node = this.hub.nodes.get(to);
    if (!node) throw new BackplaneError('absent', 'The node does not exist.');
    node.#receive(undefined, frame);
  }

  async lives(node: string): Promise<boolean> {
    return this.hub.nodes.has(node);
  }

  /** In a later turn, with memory of its own, as from another process. */
  #receive(topic: string | undefined, frame: Uint8Array): void {
    const copy = frame.slice();
    queueMicrotask(() => {
      if (this.hub.nodes.get(this.id) === this) this.events.frame(topic, copy);
    });
  }

  async subscribe(topic: string): Promise<void> {
    const { topics } = this.hub;
    const nodes = topics.get(topic) ?? new Set();
    topics.set(topic, nodes.add(this));
  }

  async unsubscribe(topic: string): Promise<void> {
    const { topics } = this.hub;
    const nodes = topics.get(topic);
    nodes?.delete(this);
    if (nodes?.size === 0) topics.delete(topic);
  }

  async set(group: string, key: string, value: string): Promise<void> {
    const { groups } = this.hub;
    const entries = groups.get(group) ?? new Map<string, BackplaneEntry>();
    groups.set(group, entries.set(key, { key, value, node: this.id }));
  }

  async delete(group: string, key: string): Promise<void> {
    const { groups } = this.hub;
    const entries = groups.get(group);
    if (entries?.get(key)?.node === this.id) entries.delete(key);
    if (entries?.size === 0) groups.delete(group);
  }

  async get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    return this.hub.groups.get(group)?.get(key);
  }

  async list(group: string): Promise<BackplaneEntry[]> {
    return [...(this.hub.groups.get(group)?.values() ?? [])];
  }

  async count(group: string): Promise<number> {
    return this.hub.groups.get(group)?.size ?? 0;
  }

  async keep(key: string, text: string, lifeMs: number): Promise<void> {
    const { kept } = this.hub;
    const now = performance.now();
    for (const [old, { until }] of kept) if (until <= now) kept.delete(old);
    kept.set(key, { text, until: now + lifeMs });
  }

  async take(key: string): Promise<string | undefined> {
    const { kept } = this.hub;
    const found = kept.get(key);
    kept.delete(key);
    return found && found.until > performance.now() ? found.text : undefined;
  }

  async leave(): Promise<void> {
    const { hub } = this;
    hub.nodes.delete(this.id);
    for (const topic of hub.topics.keys()) void this.unsubscribe(topic);
    for (const [group, entries] of hub.groups) for (const key of entries.keys()) void this.delete(group, key);
  }
}
