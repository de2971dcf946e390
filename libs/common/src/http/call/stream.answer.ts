import type { ActivityFollower } from '../../call/activity.js';
import { inOperation } from '../../base/numbered.error.js';
import { afterEvents } from '../../base/turn.slices.js';
import { isBytes } from '../../bytes/bytes.js';
import { leaveItems } from '../../stream/reading.js';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { UNCOPIED_BYTES } from '../protocol/message.js';
import type { AnswerClient, StreamBody } from '../protocol/message.js';
import type { StreamWriter } from '../protocol/stream.writer.js';
import type { StreamBeginning, StreamedCall } from './streamed.call.js';
import type { UnsentAnswer, UnsentBytes } from './unsent.answers.js';

/** Bytes that are read from the producer before the connection takes them. */
const AHEAD = 64 * 1024;

/** Bytes of one stream in one turn of the event loop. Behind them, other events and streams have their turn. */
const TURN_BYTES = 256 * 1024;

/** How long an answer may be silent, in milliseconds. Proxies close a connection after a minute without a byte. */
const SILENCE_MS = 15_000;

type Chunk = IteratorResult<Uint8Array, undefined>;

const tick = (answer: StreamAnswer) => answer.tick();

/**
 * Reads the items of a stream and writes them as bytes, never more than {@link AHEAD} before they are taken. Its members refer to
 * objects, not to functions of its own: V8 keeps what such functions refer to until the next full garbage collection, which for
 * short streams took a third of the time.
 */
export class StreamAnswer implements StreamBody, UnsentAnswer, ActivityFollower {
  client: AnswerClient | undefined;
  asksWhenSent = false;
  /** Receives the beginning of the stream: after the turn of its first item, so that a short stream is whole by then. */
  #begin: ((beginning: StreamBeginning) => void) | undefined;
  #waiting: ((chunk: Chunk) => void) | undefined;
  /** The text of the last report, if it has not been written. */
  #latest: string | undefined;
  #isPulling = false;
  /** Whether the producer waits until its last item is sent, which is its own memory. */
  #isKept = false;
  #isFlushing = false;
  /** Whether the first item is a byte string; `undefined` before it. */
  #isBytes: boolean | undefined;
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
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param begin called once */
  constructor(
    private readonly items: StreamItems,
    private readonly writer: StreamWriter,
    private readonly call: StreamedCall,
    begin: (beginning: StreamBeginning) => void,
  ) {
    this.#begin = begin;
    this.#unsent = call.countUnsent(this);
    call.activity.follow(this);
    this.#pull();
    this.#flushLater();
  }

  /** Takes all of an answer that is over, if nothing of it was read. The platform then sends an ordinary body. */
  whole(): Uint8Array | Uint8Array[] | undefined {
    if (!this.#isOver) return undefined;
    const parts: Uint8Array[] = [];
    while (this.writer.size > 0) parts.push(this.writer.take());
    this.#count();
    return parts.length === 1 ? parts[0] : parts;
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
    this.#isBytes ??= false;
    this.#flushLater();
  }

  next(): Promise<Chunk> {
    const { writer } = this;
    this.#taken = 0;
    this.#count();
    if (this.#isCut) return Promise.reject(new Error('The client does not read the answer.'));
    if (this.#isKept && writer.size === 0) {
      this.#isKept = false;
      this.#pull();
    }
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
    if (this.#isPulling || this.#isKept || this.#isOver || this.writer.size >= AHEAD) return;
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
      this.#finish();
      this.writer.end();
      this.#end();
      return;
    }
    try {
      this.#isKept = this.asksWhenSent && isBytes(value) && value.byteLength >= UNCOPIED_BYTES;
      this.writer.item(value, this.#isKept);
      this.#count();
    } catch (thrown) {
      leaveItems(this.items);
      this.#fail(inOperation(thrown, this.call.activity.rpcMethod), true);
      return;
    }
    // Counting the item may have cut the answer.
    if (this.#isCut) return;
    this.#isBytes ??= isBytes(value);
    if (this.#isReady) {
      this.#open();
      this.#flush();
    } else if (this.#begin || this.#waiting) this.#flushLater();
    this.#pull();
  }

  #fail(thrown: unknown, isUnsendable: boolean): void {
    if (this.#isOver) return;
    this.#finish();
    if (this.#begin && this.#isBytes === undefined) {
      this.#beginWith({ kind: 'failed', thrown, isUnsendable });
      return;
    }
    this.#writeLatest();
    this.writer.end(this.call.failed(thrown, isUnsendable));
    this.#end();
  }

  /** Sends what is left. */
  #end(): void {
    this.#isBytes ??= false;
    this.#open();
    this.#flush();
  }

  /** The client is gone, or the call has no time left. */
  aborted(): void {
    if (this.#isOver) return;
    this.#finish();
    leaveItems(this.items);
    this.#beginWith({ kind: 'left' });
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

  /** Begins the answer if it has something to send. */
  #open(): void {
    if (this.#begin && this.#isBytes !== undefined) this.#beginWith({ kind: 'open', isBytes: this.#isBytes });
  }

  #beginWith(beginning: StreamBeginning): void {
    const begin = this.#begin;
    this.#begin = undefined;
    begin?.(beginning);
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
    this.#isBytes ??= false;
    this.#open();
    this.#flush();
  }

  /** Collects the items that are ready in this turn of the event loop. */
  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    afterEvents(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#isFlushing = false;
    if (this.#isOver && this.writer.size === 0) return;
    this.#sent = 0;
    if (!this.#isOver) this.#timer ??= setInterval(tick, SILENCE_MS, this);
    this.#open();
    this.#flush();
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
