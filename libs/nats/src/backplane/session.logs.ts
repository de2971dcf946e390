import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { headers as newHeaders, nanos } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { BackplaneError } from '@linnet/common';
import type { AppendOptions, BackplaneLog } from '@linnet/common';
import { tokenOfText } from './tokens.js';
import type { Places } from './tokens.js';

/** The header with the time at which a log vanishes, in milliseconds since 1970. */
const UNTIL = 'Linnet-Until';
/** The longest life of a log, in milliseconds. */
const LONGEST_MS = 24 * 60 * 60 * 1000;
/** Bytes of headers that NATS adds to a frame. */
const HEADER_BYTES = 512;
/** Another message is the last one of its subject. */
const WRONG_LAST_SEQUENCE = 10_071;

/** The logs of sessions, in a stream of JetStream with a subject for each. */
export class SessionLogs {
  readonly #client: JetStreamClient;
  /** The stream, as soon as a log is needed. */
  #stream: Promise<void> | undefined;

  constructor(
    private readonly nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly places: Places,
    timeout: number,
  ) {
    this.#client = jetstream(nats, { timeout });
  }

  /** NATS is back, perhaps without its streams. */
  async restore(): Promise<void> {
    if (!this.#stream) return;
    this.#stream = undefined;
    await this.#ensureStream();
  }

  #ensureStream(): Promise<void> {
    return (this.#stream ??= this.#addStream().catch((error: unknown) => {
      this.#stream = undefined;
      throw error;
    }));
  }

  async #addStream(): Promise<void> {
    await this.manager.streams.add({
      name: this.places.logStream,
      subjects: [`${this.places.logs}.*`],
      storage: 'file',
      discard: 'old',
      max_age: nanos(LONGEST_MS),
      allow_direct: true,
    });
  }

  async append(key: string, frame: Uint8Array, { after, replaces, lifeMs }: AppendOptions): Promise<number> {
    const most = this.nats.info!.max_payload - HEADER_BYTES;
    if (frame.byteLength > most)
      throw new BackplaneError('full', `A frame above ${most} bytes (max_payload).`);
    const subject = this.#subjectOf(key);
    await this.#ensureStream();
    const headers = newHeaders();
    headers.set(UNTIL, String(Date.now() + lifeMs));
    try {
      const expect = { lastSubjectSequence: after };
      const { seq } = await this.#client.publish(subject, frame, { headers, expect });
      const { logStream } = this.places;
      if (frame.byteLength === 0) await this.manager.streams.purge(logStream, { filter: subject });
      // A reader begins with the last frame that stands for all, so that this one may fail. A purge up to the number 1 would delete all
      // frames, so the first frame purges nothing.
      else if (replaces && after > 0)
        void this.manager.streams.purge(logStream, { filter: subject, seq }).catch(() => undefined);
      return seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.apiError().err_code === WRONG_LAST_SEQUENCE)
        throw new BackplaneError('overtaken', 'Another node has added to the log.');
      throw error;
    }
  }

  async read(key: string): Promise<BackplaneLog> {
    await this.#ensureStream();
    const frames: Uint8Array[] = [];
    let last = 0;
    let until = 0;
    for (;;) {
      const query = { seq: last + 1, next_by_subj: this.#subjectOf(key) };
      const found = await this.manager.streams.getMessage(this.places.logStream, query);
      if (!found) break;
      last = found.seq;
      until = Number(found.header.get(UNTIL));
      frames.push(found.data);
      // An end whose log could not be purged.
      if (found.data.byteLength === 0) frames.length = 0;
    }
    return { last, frames: until > Date.now() ? frames : [] };
  }

  #subjectOf(key: string): string {
    return `${this.places.logs}.${tokenOfText(key)}`;
  }
}
