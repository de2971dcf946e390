import { BackplaneError } from '@linnet/common';
import type { AppendOptions, BackplaneLog, BackplaneLogs, MissedFrame } from '@linnet/common';
import type { Redis } from 'ioredis';
import type { BatchQueue } from './batch.queue.js';
import { Op } from './script.js';

/** Frames of one read. */
const READ_FRAMES = 1_000;
/** How long the frames of a dead node are remembered for its further sessions, in milliseconds. */
const REMEMBERED_MS = 10_000;

/** An inbox that is read for its dead node. */
interface Grave {
  last: number;
  readonly byTopic: Map<string, { readonly number: number; readonly frame: Uint8Array }[]>;
  /** The reading that has begun, and the one after it. */
  reading: Promise<void> | undefined;
  next: Promise<void> | undefined;
}

/** The logs of sessions in Redis, and the inboxes of nodes that have died. */
export class RedisLogs implements BackplaneLogs {
  readonly #graves = new Map<string, Grave>();
  /** Whether sessions of this node have logs. */
  isUsed = false;

  /**
   * @param keys begins all keys
   * @param last returns the number of the last frame that this node has read
   */
  constructor(
    private readonly queue: BatchQueue,
    private readonly redis: Redis,
    private readonly keys: string,
    private readonly last: () => number,
  ) {}

  get position(): number {
    return this.last();
  }

  async append(key: string, frame: Uint8Array, { after, replaces, lifeMs }: AppendOptions): Promise<number> {
    this.isUsed = true;
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    const life = String(Math.max(1, Math.round(lifeMs)));
    const number = await this.queue.call(Op.append, key, String(after), replaces ? '1' : '0', life, bytes);
    if (number === -1) throw new BackplaneError('overtaken', 'Another node has added to the log.');
    return Number(number);
  }

  async read(key: string): Promise<BackplaneLog> {
    const entries = (await this.queue.call(Op.read, key)) as [Buffer, Buffer[]][];
    const frames = entries.flatMap(([, [, frame]]) => (frame ? [Uint8Array.from(frame)] : []));
    return { last: Number.parseInt(entries.at(-1)?.[0].toString() ?? '0', 10), frames };
  }

  /** The inbox of a node is read once for all of its sessions, and from where the last reading has ended. */
  async missed(node: string, topics: readonly string[], position: number): Promise<MissedFrame[]> {
    const grave = this.#graveOf(node);
    // A reading that has begun may have passed the end already.
    if (grave.reading) await (grave.next ??= grave.reading.then(() => this.#begin(node, grave)));
    else await this.#begin(node, grave);
    const found = topics.flatMap((topic) =>
      (grave.byTopic.get(topic) ?? []).map(({ number, frame }) => ({ number, topic, frame })),
    );
    const missed = found.filter(({ number }) => number > position);
    return missed.toSorted((one, other) => one.number - other.number);
  }

  #graveOf(node: string): Grave {
    const known = this.#graves.get(node);
    if (known) return known;
    const grave: Grave = { last: 0, byTopic: new Map(), reading: undefined, next: undefined };
    this.#graves.set(node, grave);
    setTimeout(() => this.#graves.delete(node), REMEMBERED_MS).unref();
    return grave;
  }

  #begin(node: string, grave: Grave): Promise<void> {
    const reading = this.#readInbox(node, grave).finally(() => {
      if (grave.reading === reading) grave.reading = undefined;
    });
    grave.next = undefined;
    grave.reading = reading;
    return reading;
  }

  async #readInbox(node: string, grave: Grave): Promise<void> {
    for (;;) {
      const args = [`${this.keys}n:${node}`, `${grave.last + 1}-0`, '+', 'COUNT', READ_FRAMES];
      const entries = (await this.redis.callBuffer('XRANGE', ...args)) as [Buffer, Buffer[]][];
      for (const [id, [to, frame]] of entries) {
        grave.last = Number.parseInt(id.toString(), 10);
        const place = to?.toString() ?? '';
        if (!frame || !place.startsWith('t')) continue;
        const topic = place.slice(1);
        const frames = grave.byTopic.get(topic) ?? [];
        frames.push({ number: grave.last, frame: Uint8Array.from(frame) });
        grave.byTopic.set(topic, frames);
      }
      if (entries.length < READ_FRAMES) break;
    }
    // The inbox of a node that was buried is gone.
    if ((await this.queue.call(Op.inbox, node)) !== 1)
      throw new BackplaneError('absent', 'The frames of the node are not known any more.');
  }
}

/** Remembers which frames were read when. */
export class ReadMarks {
  #marks: { readonly at: number; readonly last: number }[] = [];
  #kept = 0;

  /** @param keepMs how long frames stay after they were read, in milliseconds */
  constructor(private readonly keepMs: number) {}

  /** Frames up to this number are read. @returns the number up to which they have been read for long enough */
  push(last: number): number {
    const now = performance.now();
    this.#marks.push({ at: now, last });
    while (this.#marks.length > 0 && this.#marks[0]!.at <= now - this.keepMs)
      this.#kept = this.#marks.shift()!.last;
    return this.#kept;
  }

  /** The numbers begin again. */
  clear(): void {
    this.#marks = [];
    this.#kept = 0;
  }
}
