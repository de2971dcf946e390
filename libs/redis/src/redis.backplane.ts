import type { BackplaneEntry, BackplaneEvents, BackplaneNode, IpcBackplane } from '@linnet/common';
import { BackplaneError } from '@linnet/common';
import { Redis, ReplyError } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { BatchQueue } from './batch.queue.js';
import { BLOCK_MS, InboxReader } from './inbox.reader.js';
import { ReadMarks, RedisLogs } from './redis.logs.js';
import { Op } from './script.js';

/** Options of {@link redisBackplane}. */
export interface RedisBackplaneOptions {
  /** Where Redis is, for instance `redis://127.0.0.1:6379`. */
  readonly url?: string;
  /** A client of the application, whose options are used for two connections of the backplane. */
  readonly client?: Redis;
  /** Begins all keys. Applications that share a Redis have one each. Default `linnet`. */
  readonly prefix?: string;
  /** How long a call waits for Redis, in milliseconds. Past it its promise rejects. Default 5,000. */
  readonly timeoutMs?: number;
  /**
   * How long a node may be silent before it is taken for dead, in milliseconds: its entries and its inbox vanish then. An outage of
   * Redis that is shorter loses nothing. Default 15,000.
   */
  readonly leaseMs?: number;
  /** Most frames that wait for a node. Past it the node misses the oldest, and its log says so. Default 100,000. */
  readonly inboxFrames?: number;
  /** About how many bytes of frames may wait for a node. Past it the node misses the older half of them, and its log says so. Default 256 MiB. */
  readonly inboxBytes?: number;
}

/** A node says that it lives this often within its lease. */
const BEATS = 8;
/** How long frames wait after Redis may have lost data, in milliseconds: other nodes need this time to come back. */
const HOLD_MS = 1_000;
const RECONNECT_MS = 500;
/**
 * How long frames stay in the inbox after they were read, in milliseconds. If the node dies, another one reads from it what sessions
 * have not got: a log may be confirmed so much later than the frame was read.
 */
const KEEP_MS = 10_000;
/** After this node has connected, others may need so long to connect as well, in milliseconds. */
const CONNECT_MS = 2_000;

/**
 * Connects the nodes of an application over Redis 6.2 or later. Each node has a stream as its inbox, and a script puts a frame into the
 * inboxes of all nodes that subscribe to its topic.
 *
 * ```ts
 * IpcModule.forRoot({ backplane: redisBackplane({ url: 'redis://127.0.0.1:6379' }) })
 * ```
 *
 * @throws Error without `url` and `client`
 */
export function redisBackplane(options: RedisBackplaneOptions): IpcBackplane {
  const { url, client } = options;
  if (url === undefined && client === undefined) throw new Error('redisBackplane() needs a url or a client.');
  return { join: (node, events) => new RedisNode(node, events, options) };
}

class RedisNode implements BackplaneNode {
  readonly #redis: Redis;
  readonly #queue: BatchQueue;
  readonly logs: RedisLogs;
  readonly #inbox: InboxReader;
  readonly #beats: NodeJS.Timeout;
  #runId: string | undefined;
  #connectedAt = 0;
  /** The key under which this node names its connection. */
  readonly #connectionKey: string;
  readonly #connectionMs: number;
  #isKnown = false;
  /** Whether Redis may be another one since the last beat, or may have other data. */
  #hasChanged = false;
  readonly #keptFor = new ReadMarks(KEEP_MS);
  #isBeating = false;
  #isClosed = false;

  constructor(
    id: string,
    private readonly events: BackplaneEvents,
    options: RedisBackplaneOptions,
  ) {
    const { prefix = 'linnet', timeoutMs = 5_000, leaseMs = 15_000 } = options;
    const { inboxFrames = 100_000, inboxBytes = 256 * 1024 * 1024 } = options;
    // The braces keep all keys on one node of a cluster.
    const keys = `{${prefix}}:`;
    this.#connectionKey = `${keys}i:${id}`;
    this.#connectionMs = 100 * leaseMs;
    this.#redis = connection(options, timeoutMs);
    this.#queue = new BatchQueue(this.#redis, [keys, id, leaseMs, inboxFrames, inboxBytes], timeoutMs);
    this.#inbox = new InboxReader(connection(options, Math.max(timeoutMs, 3 * BLOCK_MS)), `${keys}n:${id}`, {
      frame: (topic, frame) => events.frame(topic, frame),
      missed: () => events.restored(true),
    });
    this.logs = new RedisLogs(this.#queue, this.#redis, keys, () => this.#inbox.last);
    this.#redis.on('ready', () => void this.#reconnected());
    // Known before anything else is called.
    void this.#beat();
    this.#beats = setInterval(() => void this.#beat(), leaseMs / BEATS);
    this.#beats.unref();
  }

  async publish(topic: string, frame: Uint8Array): Promise<void> {
    await this.#queue.call(Op.publish, topic, Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
  }

  async send(node: string, frame: Uint8Array): Promise<void> {
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    if ((await this.#queue.call(Op.send, node, bytes)) === -1)
      throw new BackplaneError('absent', 'The node does not exist.');
  }

  async lives(node: string): Promise<boolean> {
    const found = (await this.#queue.call(Op.connection, node)) as Buffer | null;
    if (performance.now() - this.#connectedAt < CONNECT_MS) return true;
    if (!found) return false;
    const [runId, id] = found.toString().split(' ');
    // The node has not connected to this process of Redis yet, or is connected to another one of a cluster.
    if (!id || runId !== this.#runId) return true;
    return String(await this.#redis.call('CLIENT', 'LIST', 'ID', id)).trim() !== '';
  }

  async subscribe(topic: string): Promise<void> {
    await this.#queue.call(Op.subscribe, topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#queue.call(Op.unsubscribe, topic);
  }

  async set(group: string, key: string, value: string): Promise<void> {
    await this.#queue.call(Op.set, group, key, value);
  }

  async delete(group: string, key: string): Promise<void> {
    await this.#queue.call(Op.delete, group, key);
  }

  async get(group: string, key: string): Promise<BackplaneEntry | undefined> {
    const found = (await this.#queue.call(Op.get, group, key)) as Buffer | null;
    return found ? entryOf(key, found.toString()) : undefined;
  }

  async list(group: string): Promise<BackplaneEntry[]> {
    const found = (await this.#queue.call(Op.list, group)) as Buffer[];
    const entries: BackplaneEntry[] = [];
    for (let i = 0; i + 1 < found.length; i += 2)
      entries.push(entryOf(found[i]!.toString(), found[i + 1]!.toString()));
    return entries;
  }

  async count(group: string): Promise<number> {
    return Number(await this.#queue.call(Op.count, group));
  }

  async keep(key: string, text: string, lifeMs: number): Promise<void> {
    await this.#queue.call(Op.keep, key, text, String(Math.max(1, Math.round(lifeMs))));
  }

  async take(key: string): Promise<string | undefined> {
    const found = (await this.#queue.call(Op.take, key)) as Buffer | null;
    return found?.toString();
  }

  async leave(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#beats);
    const left = this.#queue.call(Op.leave).catch(() => undefined);
    await this.#queue.close();
    await left;
    this.#inbox.close();
    this.#redis.disconnect();
  }

  /** Redis may be another one now, or may have lost its data: its run id says that it has begun again. */
  async #reconnected(): Promise<void> {
    this.#connectedAt = performance.now();
    try {
      const runId = await this.#askRunId();
      this.#hasChanged ||= this.#runId !== undefined && (runId === '' || runId !== this.#runId);
      this.#runId = runId;
    } catch {
      // The next connection.
      return;
    }
    void this.#nameConnection().catch(() => undefined);
    this.#queue.open();
    await this.#beat();
  }

  /** The id of the process of Redis; empty if this user may not know it. */
  async #askRunId(): Promise<string> {
    try {
      return /^run_id:(\w+)/m.exec(await this.#redis.info('server'))?.[1] ?? '';
    } catch (error) {
      if (error instanceof ReplyError) return '';
      throw error;
    }
  }

  /** Redis notices at once when the process of a node ends, while its lease lasts for seconds. */
  async #nameConnection(): Promise<void> {
    const id = Number(await this.#redis.call('CLIENT', 'ID'));
    await this.#redis.set(this.#connectionKey, `${this.#runId} ${id}`, 'PX', this.#connectionMs);
  }

  /** Says that this node lives, before everything that waits: others would take it for dead. */
  async #beat(): Promise<void> {
    if (this.#isClosed || this.#isBeating) return;
    this.#isBeating = true;
    const { last } = this.#inbox;
    // Nobody reads the inbox of a dead node for sessions without logs.
    const kept = this.logs.isUsed ? this.#keptFor.push(last) : last;
    try {
      let answer: Promise<unknown> | undefined;
      this.#queue.first(() => {
        answer = this.#queue.call(Op.beat, String(last), String(kept));
      });
      const [known] = (await answer) as [number, number];
      this.#beaten(this.#isKnown && known === 0);
    } catch {
      // The next beat.
    } finally {
      this.#isBeating = false;
    }
  }

  /** @param isForgotten whether Redis did not know this node any more */
  #beaten(isForgotten: boolean): void {
    this.#isKnown = true;
    if (isForgotten) {
      this.#keptFor.clear();
      this.#inbox.restart();
    }
    if (this.#isClosed) return;
    const hasMissed = isForgotten || this.#hasChanged;
    this.#hasChanged = false;
    if (hasMissed || this.#queue.takeFailures()) this.#queue.first(() => this.events.restored(hasMissed));
    this.#queue.release(hasMissed ? HOLD_MS : 0);
  }
}

function entryOf(key: string, value: string): BackplaneEntry {
  const end = value.indexOf('\n');
  return { key, value: value.slice(end + 1), node: value.slice(0, end) };
}

/** A connection that is made again when it breaks, and whose commands fail meanwhile. */
function connection({ url, client }: RedisBackplaneOptions, timeoutMs: number): Redis {
  const options: RedisOptions = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 20, RECONNECT_MS),
    connectTimeout: timeoutMs,
    // A connection that broke without a word is noticed by its silence.
    socketTimeout: timeoutMs,
    protocol: 2,
  };
  const redis = client ? client.duplicate(options) : new Redis(url!, options);
  // Every call that fails for it rejects, and the next connection is tried.
  redis.on('error', () => undefined);
  return redis;
}
