import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { headers as newHeaders, nanos } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';
import { tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';
import { TopicReader } from './topic.reader.js';
import type { KeptFrames } from './topic.reader.js';

/** The header with the node that has published a frame. */
const NODE = 'Linnet-Node';
/** How long frames are kept for nodes that have lost their connection, in milliseconds. */
const KEPT_MS = 120_000;
/** Bytes of frames that are kept. The oldest ones are dropped beyond it. */
const KEPT_BYTES = 256 * 1024 * 1024;
/** Bytes of headers that NATS adds to a frame. */
const HEADER_BYTES = 512;

interface Subscribed {
  readonly subscription: Subscription;
  readonly reader: TopicReader;
}

/** The frames of all topics. A stream keeps them for a while, and NATS brings them, numbered, to those who subscribe. */
export class TopicLog {
  readonly #topics = new Map<string, Subscribed>();
  /** The last function for each topic, because those of one topic take effect in their order. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #headers = newHeaders();
  #created = '';
  #hasMissed = false;

  private constructor(
    private readonly nats: NatsConnection,
    private readonly client: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly places: Places,
    private readonly node: string,
    private readonly deliver: (topic: string, frame: Uint8Array) => void,
  ) {
    this.#headers.set(NODE, node);
  }

  /** @throws (rejection) if NATS has no JetStream */
  static async open(
    nats: NatsConnection,
    places: Places,
    node: string,
    timeout: number,
    deliver: (topic: string, frame: Uint8Array) => void,
  ): Promise<TopicLog> {
    const manager = await jetstreamManager(nats, { timeout });
    const log = new TopicLog(nats, jetstream(nats, { timeout }), manager, places, node, deliver);
    await log.#ensureStream();
    return log;
  }

  async publish(topic: string, frame: Uint8Array): Promise<void> {
    const most = this.nats.info!.max_payload - HEADER_BYTES;
    if (frame.byteLength > most)
      throw new BackplaneError(
        'full',
        `A frame of ${frame.byteLength} bytes: NATS carries ${most} (max_payload).`,
      );
    await this.client.publish(`${this.places.kept}.${tokenOfText(topic)}`, frame, { headers: this.#headers });
  }

  subscribe(topic: string): Promise<void> {
    return this.#inTurn(topic, async () => {
      if (this.#topics.has(topic)) return;
      const reader = new TopicReader(this.#keptOf(topic), {
        deliver: (frame) => this.deliver(topic, frame),
        missed: () => (this.#hasMissed = true),
      });
      const subscription = this.nats.subscribe(`${this.places.numbered}.${tokenOfText(topic)}`, {
        callback: (error, message) => {
          if (!error) this.#receive(reader, message);
        },
      });
      this.#topics.set(topic, { subscription, reader });
      try {
        // Its interest is known before the stream is asked for the last number.
        await this.nats.flush();
        reader.begin(await this.#lastOf(topic));
      } catch (error) {
        this.#drop(topic);
        throw error;
      }
    });
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#inTurn(topic, async () => this.#drop(topic));
  }

  /** Reads what was published while the connection was lost. @returns whether frames are lost */
  async catchUp(): Promise<boolean> {
    this.#hasMissed = false;
    const before = this.#created;
    await this.#ensureStream();
    const isNew = before !== this.#created;
    await Promise.all(
      [...this.#topics].map(async ([topic, { reader }]) => {
        const last = await this.#lastOf(topic);
        // The numbers of another stream begin again.
        if (isNew) reader.begin(last);
        else await reader.catchUp(last);
      }),
    );
    return isNew || this.#hasMissed;
  }

  #drop(topic: string): void {
    const known = this.#topics.get(topic);
    this.#topics.delete(topic);
    if (known && !this.nats.isClosed()) known.subscription.unsubscribe();
  }

  #receive(reader: TopicReader, { headers, data }: Msg): void {
    const seq = numberOf(headers, 'Nats-Sequence');
    const before = numberOf(headers, 'Nats-Last-Sequence');
    // Only NATS publishes here. Another message is ignored.
    if (seq === undefined || before === undefined) return;
    reader.receive({ seq, before, isOwn: this.#isOwn(headers), data: new Uint8Array(data) });
  }

  #isOwn(headers: MsgHdrs | undefined): boolean {
    return headers?.get(NODE) === this.node;
  }

  #keptOf(topic: string): KeptFrames {
    const subject = `${this.places.kept}.${tokenOfText(topic)}`;
    const { stream } = this.places;
    return {
      next: async (seq) => {
        const found = await this.manager.direct.getMessage(stream, { seq, next_by_subj: subject });
        return found ? this.#frameOf(found) : undefined;
      },
      hasDropped: async (seq) => (await this.manager.streams.info(stream)).state.first_seq > seq,
    };
  }

  #frameOf({ seq, header, data }: StoredMsg) {
    return { seq, isOwn: this.#isOwn(header), data: new Uint8Array(data) };
  }

  /** The number of the last frame of a topic; 0 without one. */
  async #lastOf(topic: string): Promise<number> {
    const last_by_subj = `${this.places.kept}.${tokenOfText(topic)}`;
    return (await this.manager.streams.getMessage(this.places.stream, { last_by_subj }))?.seq ?? 0;
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

  #inTurn(topic: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(topic) ?? Promise.resolve()).then(work, work);
    this.#turns.set(topic, turn);
    const over = () => {
      if (this.#turns.get(topic) === turn) this.#turns.delete(topic);
    };
    turn.then(over, over);
    return turn;
  }
}

function numberOf(headers: MsgHdrs | undefined, name: string): number | undefined {
  const text = headers?.get(name) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
