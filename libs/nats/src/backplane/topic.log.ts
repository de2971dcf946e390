import { jetstream } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { headers as newHeaders, nanos } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';
import type { MissedFrame } from '@linnet/common';
import { ownBytes } from '../message/frame.js';
import { receiving } from '../message/receiving.js';
import { LogReader } from './log.reader.js';
import type { KeptFrame, LogEvents } from './log.reader.js';
import { tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';
import { Turns } from './turns.js';

/** The header with the node that has published a frame. */
const NODE = 'Linnet-Node';
/** How long frames are kept for nodes that have lost their connection, in milliseconds. */
const KEPT_MS = 120_000;
/** Bytes of frames that are kept. The oldest ones are dropped beyond it. */
const KEPT_BYTES = 256 * 1024 * 1024;
/** Bytes of headers that NATS adds to a frame. */
const HEADER_BYTES = 512;
/** How often a node asks for the number of the last frame, in milliseconds: often enough to know what it has before it is dropped. */
const MARK_MS = 30_000;

/** The frames of all topics. A stream keeps them for a while, and NATS brings them, numbered, to those who subscribe. */
export class TopicLog {
  readonly #topics = new Map<string, Subscription>();
  readonly #reader: LogReader;
  /** By topic. */
  readonly #turns = new Turns();
  readonly #headers = newHeaders();
  readonly #marks: ReturnType<typeof setInterval>;
  #created = '';

  private constructor(
    private readonly nats: NatsConnection,
    private readonly client: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly places: Places,
    private readonly node: string,
    private readonly events: LogEvents,
  ) {
    this.#headers.set(NODE, node);
    const { stream } = places;
    this.#reader = new LogReader(
      {
        next: (topic, seq) => this.#next({ seq, next_by_subj: this.#subjectOf(topic) }),
        hasDropped: async (seq) => (await manager.streams.info(stream)).state.first_seq > seq,
      },
      events,
    );
    const mark = async () => this.#reader.mark(await this.#lastSeq());
    this.#marks = setInterval(() => void mark().catch(() => undefined), MARK_MS);
    this.#marks.unref();
  }

  static async open(
    nats: NatsConnection,
    manager: JetStreamManager,
    places: Places,
    node: string,
    timeout: number,
    events: LogEvents,
  ): Promise<TopicLog> {
    const log = new TopicLog(nats, jetstream(nats, { timeout }), manager, places, node, events);
    try {
      await log.#ensureStream();
    } catch (error) {
      log.close();
      throw error;
    }
    return log;
  }

  async publish(topic: string, frame: Uint8Array): Promise<void> {
    const most = this.nats.info!.max_payload - HEADER_BYTES;
    if (frame.byteLength > most)
      throw new BackplaneError(
        'full',
        `A frame of ${frame.byteLength} bytes: NATS carries ${most} (max_payload).`,
      );
    await this.client.publish(this.#subjectOf(topic), frame, { headers: this.#headers });
  }

  subscribe(topic: string): Promise<void> {
    return this.#turns.take(topic, async () => {
      if (this.#topics.has(topic)) return;
      const callback = receiving((message) => this.#receive(topic, message));
      const subject = `${this.places.numbered}.${tokenOfText(topic)}`;
      this.#reader.add(topic);
      this.#topics.set(topic, this.nats.subscribe(subject, { callback }));
      try {
        // Its interest is known before the stream is asked for the last number.
        await this.nats.flush();
        this.#reader.begin(topic, await this.#lastSeq());
      } catch (error) {
        this.#drop(topic);
        throw error;
      }
    });
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#turns.take(topic, async () => this.#drop(topic));
  }

  /** The number up to which everything is read. */
  get position(): number {
    return this.#reader.position;
  }

  /** The frames of topics behind a number. @throws (rejection) BackplaneError `absent` if some of them are dropped */
  async behind(topics: readonly string[], position: number): Promise<MissedFrame[]> {
    const found: { readonly seq: number; readonly topic: string; readonly frame: Uint8Array }[] = [];
    const readTopic = async (topic: string) => {
      for (let seq = position + 1; ;) {
        const next = await this.#next({ seq, next_by_subj: this.#subjectOf(topic) });
        if (!next) break;
        found.push({ seq: next.seq, topic, frame: next.data });
        seq = next.seq + 1;
      }
    };
    await Promise.all(topics.map(readTopic));
    const { first_seq } = (await this.manager.streams.info(this.places.stream)).state;
    if (position > 0 && first_seq > position + 1)
      throw new BackplaneError('absent', 'The frames of the node are not known any more.');
    return found.toSorted((one, other) => one.seq - other.seq);
  }

  /** The connection is lost: frames wait until what was published meanwhile is read. */
  pause(): void {
    this.#reader.pause();
  }

  /** Reads what was published while the connection was lost. @throws (rejection) if the stream cannot be reached */
  async catchUp(): Promise<void> {
    const before = this.#created;
    await this.#ensureStream();
    const last = await this.#lastSeq();
    if (before !== this.#created) {
      this.#reader.restart();
      this.events.missed();
    }
    this.#reader.catchUp(last);
  }

  /** Ends all subscriptions. */
  close(): void {
    clearInterval(this.#marks);
    for (const topic of this.#topics.keys()) this.#drop(topic);
  }

  #drop(topic: string): void {
    const subscription = this.#topics.get(topic);
    this.#topics.delete(topic);
    this.#reader.remove(topic);
    if (!this.nats.isClosed()) subscription?.unsubscribe();
  }

  #receive(topic: string, { headers, data }: Msg): void {
    const seq = numberOf(headers, 'Nats-Sequence');
    const before = numberOf(headers, 'Nats-Last-Sequence');
    // Only NATS publishes here. Another message is ignored.
    if (seq === undefined || before === undefined) return;
    this.#reader.receive({ topic, seq, before, isOwn: this.#isOwn(headers), data: ownBytes(data) });
  }

  #isOwn(headers: MsgHdrs | undefined): boolean {
    return headers?.get(NODE) === this.node;
  }

  #subjectOf(topic: string): string {
    return `${this.places.kept}.${tokenOfText(topic)}`;
  }

  /**
   * Asks the stream for a message. The answer has the headers as bytes, where a direct one has them as its own: a client of NATS
   * cannot read a message whose headers are malformed.
   */
  async #next(query: {
    readonly seq: number;
    readonly next_by_subj: string;
  }): Promise<KeptFrame | undefined> {
    const found = await this.manager.streams.getMessage(this.places.stream, query);
    return found ? { seq: found.seq, isOwn: this.#isOwn(headersOf(found)), data: found.data } : undefined;
  }

  /** The number of the last frame of all topics; 0 without one. */
  async #lastSeq(): Promise<number> {
    return (await this.manager.streams.info(this.places.stream)).state.last_seq;
  }

  async #ensureStream(): Promise<void> {
    const { stream, kept, numbered } = this.places;
    const { created } = await this.manager.streams.add({
      name: stream,
      subjects: [`${kept}.*`],
      republish: { src: `${kept}.*`, dest: `${numbered}.{{wildcard(1)}}` },
      storage: 'file',
      discard: 'old',
      max_age: nanos(KEPT_MS),
      max_bytes: KEPT_BYTES,
      allow_direct: true,
    });
    this.#created = created;
  }
}

function numberOf(headers: MsgHdrs | undefined, name: string): number | undefined {
  const text = headers?.get(name) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The headers of a stored message; `undefined` if they are malformed. */
function headersOf(message: StoredMsg): MsgHdrs | undefined {
  try {
    return message.header;
  } catch {
    return undefined;
  }
}
