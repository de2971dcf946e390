import { JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { BackplaneEntry } from '@linnet/common';
import { tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';
import { Turns } from './turns.js';

/** How often a node shows that it lives, in milliseconds. */
const SIGN_MS = 2000;
/** After this time without a sign a node does not exist any more, in milliseconds. */
const LIFE_MS = 10_000;
/** How often a node removes what nodes have left that have died, in milliseconds. */
const SWEEP_MS = 30_000;
/** The group that names the nodes that have entries. */
const NODES = 'nodes with entries';
/** The longest time for which a text is kept, in milliseconds. */
const LONGEST_TEXT_MS = 24 * 60 * 60 * 1000;

const text = new TextDecoder();

interface Stored {
  readonly key: string;
  readonly value: string;
  readonly node: string;
}

interface Buckets {
  readonly nodes: KV;
  readonly entries: KV;
  readonly texts: KV;
}

/** The nodes, entries and texts that all nodes share, in buckets of JetStream. */
export class SharedState {
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  /** Whether the last sign of this node was confirmed. */
  #isShown = false;
  /** Whether it has an entry among the nodes. */
  #isNamed = false;
  #isShowing = false;
  /** Keys of entries of this node. */
  readonly #own = new Set<string>();
  /** By place. */
  readonly #turns = new Turns();

  private constructor(
    private readonly node: string,
    private readonly places: Places,
    private readonly manager: JetStreamManager,
    private readonly buckets: Buckets,
    private readonly ensure: () => Promise<Buckets>,
    private readonly forgotten: () => void,
  ) {}

  /** @param forgotten the other nodes may have taken this one for dead, and erased its entries */
  static async open(
    nats: NatsConnection,
    manager: JetStreamManager,
    places: Places,
    node: string,
    forgotten: () => void,
  ): Promise<SharedState> {
    const kvm = new Kvm(nats);
    const ensure = async (): Promise<Buckets> => {
      const [nodes, entries, texts] = await Promise.all([
        kvm.create(places.bucket('nodes'), { ttl: LIFE_MS, storage: 'memory', history: 1 }),
        kvm.create(places.bucket('entries'), { history: 1 }),
        kvm.create(places.bucket('texts'), { ttl: LONGEST_TEXT_MS, history: 1 }),
      ]);
      return { nodes, entries, texts };
    };
    const state = new SharedState(node, places, manager, await ensure(), ensure, forgotten);
    await state.#show();
    const repeat = (work: () => Promise<unknown>, everyMs: number) =>
      state.#timers.push(setInterval(() => void work().catch(() => undefined), everyMs));
    repeat(() => state.#showAgain(), SIGN_MS);
    // Not all nodes at the same time.
    repeat(() => state.#sweep(), SWEEP_MS * (1 + Math.random()));
    // Nodes that were killed are replaced by others.
    void state.#sweep().catch(() => undefined);
    return state;
  }

  /** NATS is back, perhaps without what it had in memory. */
  async restore(): Promise<void> {
    await this.ensure();
    this.#isNamed = false;
    await this.#show();
  }

  /** Shows that this node lives. */
  async #show(): Promise<void> {
    this.#isShown = false;
    await this.buckets.nodes.put(tokenOfText(this.node), '');
    this.#isShown = true;
    // Another node that took this one for dead has removed it.
    if (!this.#isNamed) await this.set(NODES, this.node, '');
    this.#isNamed = true;
  }

  /** Shows it again, and finds out whether a sign was there all the time. */
  async #showAgain(): Promise<void> {
    if (this.#isShowing) return;
    this.#isShowing = true;
    try {
      // A sign that was not confirmed may have taken effect after a time without one.
      const isThere = this.#isShown && (await this.#hasSign(this.node));
      if (!isThere) this.#isNamed = false;
      await this.#show();
      if (!isThere) this.forgotten();
    } finally {
      this.#isShowing = false;
    }
  }

  async #hasSign(node: string): Promise<boolean> {
    return (await this.buckets.nodes.get(tokenOfText(node)))?.operation === 'PUT';
  }

  set(group: string, key: string, value: string): Promise<void> {
    const place = placeOf(group, key);
    this.#own.add(place);
    return this.#turns.take(place, async () => {
      await this.buckets.entries.put(place, JSON.stringify({ key, value, node: this.node } satisfies Stored));
    });
  }

  delete(group: string, key: string): Promise<void> {
    return this.#remove(placeOf(group, key));
  }

  get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    const place = placeOf(group, key);
    return this.#turns.take(place, async () => {
      const stored = read((await this.buckets.entries.get(place))?.string());
      return stored && (await this.#lives(stored.node)) ? stored : undefined;
    });
  }

  async list(group: string): Promise<BackplaneEntry[]> {
    // Entries that this node is about to write belong to the list.
    await this.#turns.settled();
    const places = await this.#placesOf(group);
    const entries = await Promise.all(places.map((place) => this.buckets.entries.get(place)));
    const found = entries.flatMap((entry) => {
      const stored = read(entry?.string());
      return entry && stored ? [{ stored, revision: entry.revision }] : [];
    });
    const nodes = [...new Set(found.map(({ stored }) => stored.node))];
    const living = new Map(
      await Promise.all(nodes.map(async (node) => [node, await this.#lives(node)] as const)),
    );
    for (const { stored, revision } of found)
      if (!living.get(stored.node)) void this.#erase('entries', revision).catch(() => undefined);
    return found.filter(({ stored }) => living.get(stored.node)).map(({ stored }) => stored);
  }

  async count(group: string): Promise<number> {
    await this.#turns.settled();
    return (await this.#placesOf(group)).length;
  }

  async keep(key: string, text: string, lifeMs: number): Promise<void> {
    await this.buckets.texts.put(tokenOfText(key), JSON.stringify({ text, until: Date.now() + lifeMs }));
  }

  async take(key: string): Promise<string | undefined> {
    const place = tokenOfText(key);
    const found = await this.buckets.texts.get(place);
    if (!found || found.operation !== 'PUT') return undefined;
    // Several nodes may have read it, and one of them erases it.
    if (!(await this.#erase('texts', found.revision))) return undefined;
    const { text, until } = found.json<{ text?: unknown; until?: unknown }>();
    return typeof text === 'string' && typeof until === 'number' && until > Date.now() ? text : undefined;
  }

  /** Shows no more that this node lives. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Removes everything of this node. */
  async leave(): Promise<void> {
    await Promise.allSettled([...this.#own].map((place) => this.#remove(place)));
    await this.buckets.nodes.delete(tokenOfText(this.node));
  }

  /** Removes the entries of nodes that have died: most groups are never listed, and nobody else would find them. */
  async #sweep(): Promise<void> {
    const places = await this.#placesOf(NODES);
    const nodes = await Promise.all(places.map(async (place) => await this.buckets.entries.get(place)));
    const named = nodes.flatMap((entry) => read(entry?.string())?.node ?? []);
    const lives = await Promise.all(named.map((node) => this.#lives(node)));
    const dead = new Set(named.filter((_node, i) => !lives[i]));
    if (dead.size === 0) return;
    const own: number[] = [];
    const all = await this.buckets.entries.watch({ ignoreDeletes: true });
    for await (const { value, revision, delta } of all) {
      const stored = read(text.decode(value));
      if (stored && dead.has(stored.node)) own.push(revision);
      if (!delta) break;
    }
    all.stop();
    // Among them the one that names the node.
    for (const revision of own) await this.#erase('entries', revision);
  }

  #remove(place: string): Promise<void> {
    this.#own.delete(place);
    return this.#turns.take(place, async () => {
      const found = await this.buckets.entries.get(place);
      if (!found || read(found.string())?.node !== this.node) return;
      await this.#erase('entries', found.revision);
    });
  }

  /** The keys of a group in the bucket of entries. */
  async #placesOf(group: string): Promise<string[]> {
    const bucket = this.places.bucket('entries');
    const prefix = `$KV.${bucket}.`;
    const filter = { subjects_filter: `${prefix}${tokenOfText(group)}.*` };
    const { state } = await this.manager.streams.info(`KV_${bucket}`, filter);
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  /**
   * Erases a revision, unless a later one has replaced it. Nothing stays of its key, where `delete` of a bucket leaves a
   * mark for ever.
   *
   * @returns whether the revision was there
   */
  async #erase(use: 'entries' | 'texts', revision: number): Promise<boolean> {
    try {
      return await this.manager.streams.deleteMessage(`KV_${this.places.bucket(use)}`, revision, false);
    } catch (error) {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  async #lives(node: string): Promise<boolean> {
    return node === this.node || this.#hasSign(node);
  }
}

function placeOf(group: string, key: string): string {
  return `${tokenOfText(group)}.${tokenOfText(key)}`;
}

/** Reads an entry, which another version or another program may have written. */
function read(text: string | undefined): Stored | undefined {
  if (!text) return undefined;
  try {
    const { key, value, node } = JSON.parse(text) as Partial<Record<string, unknown>>;
    const isEntry = typeof key === 'string' && typeof value === 'string' && typeof node === 'string';
    return isEntry ? { key, value, node } : undefined;
  } catch {
    return undefined;
  }
}
