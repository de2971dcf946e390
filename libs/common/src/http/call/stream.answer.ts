import type { Activity, ActivityFollower } from '../../call/activity.js';
import { inOperation } from '../../base/numbered.error.js';
import { isBytes } from '../../bytes/bytes.js';
import { leaveItems } from '../../stream/reading.js';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import type { AnswerClient, StreamBody } from '../protocol/message.js';
import type { StreamWriter } from '../protocol/stream.writer.js';
import type { UnsentAnswer, UnsentBytes } from './unsent.answers.js';

/** Bytes that are read from the producer before the connection takes them. */
const AHEAD = 64 * 1024;

/** Bytes of one stream in one turn of the event loop. Behind them, other events and streams have their turn. */
const TURN_BYTES = 256 * 1024;

/** How long an answer may be silent, in milliseconds. Proxies close a connection after a minute without a byte. */
const SILENCE_MS = 15_000;

interface Platform {
  readonly setImmediate?: (work: () => void) => unknown;
  readonly setTimeout: (work: () => void, milliseconds: number) => unknown;
}

// Read once: a test that replaces timers does not stop the work.
const { setImmediate, setTimeout } = globalThis as unknown as Platform;
const atEndOfTurn = setImmediate ?? ((work: () => void) => setTimeout(work, 0));

/** How a stream begins: with its answer, or with an error in place of it. */
export type StreamBeginning =
  /** @param isBytes whether the first item is a byte string */
  | { readonly kind: 'open'; readonly isBytes: boolean }
  /** @param isUnsendable whether the first item cannot be sent, in place of an error of the method */
  | { readonly kind: 'failed'; readonly thrown: unknown; readonly isUnsendable: boolean }
  /** The client is gone. */
  | { readonly kind: 'left' };

/** The call that a stream answers. */
export interface StreamedCall {
  readonly activity: Activity;
  /** Encodes an error that ends the stream, and reports it. @returns JSON text of the members that the client sees */
  failed(thrown: unknown, isUnsendable: boolean): string;
  /** The producer has ended or was stopped. */
  over(): void;
  /** Makes the counter of the bytes of this answer that its client has not read. */
  countUnsent(answer: UnsentAnswer): UnsentBytes;
}

type Chunk = IteratorResult<Uint8Array, undefined>;

const tick = (answer: StreamAnswer) => answer.tick();

/**
 * Reads the items of a stream and writes them as bytes, never more than {@link AHEAD} before they are taken. Its members refer to
 * objects, not to functions of its own: V8 keeps what such functions refer to until the next full garbage collection, which for
 * short streams took a third of the time.
 */
export class StreamAnswer implements StreamBody, UnsentAnswer, ActivityFollower {
  client: AnswerClient | undefined;
  /** Receives the beginning of the stream. */
  #begin: ((beginning: StreamBeginning) => void) | undefined;
  #waiting: ((chunk: Chunk) => void) | undefined;
  /** The text of the last report, if it has not been written. */
  #latest: string | undefined;
  #isPulling = false;
  #isFlushing = false;
  /** Bytes that were sent in this turn. */
  #sent = 0;
  /** Whether the producer has ended or was stopped. */
  #isOver = false;
  /** Whether no bytes were taken since the timer has looked. */
  #isSilent = true;
  /** Whether the client was disconnected because it does not read. */
  #isCut = false;
  /** Bytes of the last chunk. The platform asks for the next one when it has sent them. */
  #taken = 0;
  readonly #unsent: UnsentBytes;
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param begin called once */
  constructor(
    private readonly items: StreamItems,
    private readonly writer: StreamWriter,
    private readonly call: StreamedCall,
    begin: (beginning: StreamBeginning) => void,
  ) {
    this.#begin = begin;
    this.#unsent = call.countUnsent(this);
    this.#timer = setInterval(tick, SILENCE_MS, this);
    call.activity.follow(this);
    this.#pull();
  }

  /**
   * Sends progress beside the items, if the connection takes it. Otherwise a later report replaces it.
   *
   * @throws NumberedError if the value cannot be sent
   */
  report(value: unknown): void {
    if (this.#isOver) return;
    let text: string | undefined;
    try {
      text = this.writer.progressText?.(value);
    } catch (error) {
      throw inOperation(error, this.call.activity.rpcMethod);
    }
    if (text === undefined) return;
    if (this.writer.size >= AHEAD) {
      this.#latest = text;
      return;
    }
    this.writer.progress?.(text);
    this.#count();
    this.#open(false);
    if (this.#waiting) this.#flushLater();
  }

  next(): Promise<Chunk> {
    const { writer } = this;
    this.#taken = 0;
    this.#count();
    if (this.#isCut) return Promise.reject(new Error('The client does not read the answer.'));
    if (this.#isReady) return Promise.resolve(this.#take());
    if (this.#isOver) return Promise.resolve(streamEnd);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (writer.size > 0) this.#flushLater();
    });
  }

  /** Whether there is something to send that need not wait for more. */
  get #isReady(): boolean {
    const { size } = this.writer;
    return size > 0 && (this.#isOver || (size >= AHEAD && this.#sent < TURN_BYTES));
  }

  /** Nobody reads on: stops the producer if it still runs. */
  return(): Promise<Chunk> {
    // Also called at the end of every answer, where an error with its stack would be most of the cost.
    if (!this.#isOver) this.call.activity.abort(new Error('The client is gone.'));
    this.#drop();
    return Promise.resolve(streamEnd);
  }

  /** Disconnects the client, because it does not read the answer. */
  cut(): void {
    this.#isCut = true;
    void this.return();
    this.client?.disconnect();
  }

  /** Nobody reads what was written. */
  #drop(): void {
    while (this.writer.size > 0) this.writer.take();
    this.#taken = 0;
    this.#count();
  }

  #count(): void {
    this.#unsent.count(this.writer.size + this.#taken);
  }

  #pull(): void {
    if (this.#isPulling || this.#isOver || this.writer.size >= AHEAD) return;
    this.#isPulling = true;
    const failed = (thrown: unknown) => this.#fail(thrown, false);
    try {
      // Asynchronous in any case, so that a producer with many items does not fill the stack.
      Promise.resolve(this.items.next()).then((result) => this.#got(result), failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #got({ done, value }: IteratorResult<unknown>): void {
    this.#isPulling = false;
    if (this.#isOver) return;
    this.#writeLatest();
    if (done) {
      this.writer.end();
      this.#finish();
      this.#open(false);
      this.#flush();
      return;
    }
    try {
      this.writer.item(value);
      this.#count();
    } catch (thrown) {
      leaveItems(this.items);
      this.#fail(inOperation(thrown, this.call.activity.rpcMethod), true);
      return;
    }
    // Counting the item may have cut the answer.
    if (this.#isCut) return;
    this.#open(isBytes(value));
    if (this.#isReady) this.#flush();
    else if (this.#waiting) this.#flushLater();
    this.#pull();
  }

  #fail(thrown: unknown, isUnsendable: boolean): void {
    if (this.#isOver) return;
    this.#finish();
    const begin = this.#begin;
    this.#begin = undefined;
    if (begin) {
      begin({ kind: 'failed', thrown, isUnsendable });
      return;
    }
    this.#writeLatest();
    this.writer.end(this.call.failed(thrown, isUnsendable));
    this.#flush();
  }

  /** The client is gone, or the call has no time left. */
  aborted(): void {
    if (this.#isOver) return;
    this.#finish();
    leaveItems(this.items);
    const begin = this.#begin;
    this.#begin = undefined;
    begin?.({ kind: 'left' });
    this.#drop();
    this.#flush();
  }

  #finish(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.call.activity.unfollow(this);
    this.call.activity.answered();
    this.call.over();
  }

  /** Writes the last report, so that it comes before the items and the end that follow it. */
  #writeLatest(): void {
    if (this.#latest !== undefined) this.writer.progress?.(this.#latest);
    this.#latest = undefined;
  }

  #open(isBytes: boolean): void {
    const begin = this.#begin;
    this.#begin = undefined;
    begin?.({ kind: 'open', isBytes });
  }

  /** Writes a sign of life if the answer was silent. Called every {@link SILENCE_MS}. */
  tick(): void {
    if (!this.#isSilent) {
      this.#isSilent = true;
      return;
    }
    // A client that does not read keeps the connection by itself.
    if (this.writer.size > 0) return;
    this.writer.keepAlive();
    this.#open(false);
    this.#flush();
  }

  /** Collects the items that are ready in this turn of the event loop. */
  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    atEndOfTurn(() => {
      this.#isFlushing = false;
      this.#sent = 0;
      this.#flush();
    });
  }

  #flush(): void {
    const resolve = this.#waiting;
    if (!resolve || (this.writer.size === 0 && !this.#isOver)) return;
    this.#waiting = undefined;
    resolve(this.writer.size > 0 ? this.#take() : streamEnd);
  }

  #take(): Chunk {
    this.#isSilent = false;
    const chunk = this.writer.take();
    this.#sent += chunk.byteLength;
    this.#taken = chunk.byteLength;
    if (!this.#isOver && this.writer.size < AHEAD) this.#writeLatest();
    // Also counts the next turn.
    this.#flushLater();
    this.#pull();
    return { done: false, value: chunk };
  }
}
