import { Fifo } from '../../base/fifo.js';
import { observer } from '../../base/observer.js';
import { Slices } from '../../base/turn.slices.js';
import { sizeOf } from '../../value/value.size.js';
import type { SessionBytes } from '../message/session.bytes.js';
import { IpcMessageType } from '../message/message.js';
import type { InvokeMessage, NoticeMessage } from '../message/message.js';

/** A message that can wait. */
export type WaitingMessage = InvokeMessage | NoticeMessage;

/** Bytes of a message besides its value. */
const MESSAGE_BYTES = 256;
/** Bytes of each of its streams, which are opened before the call begins. */
const STREAM_BYTES = 1024;

interface Waiting {
  /** `undefined` for a call that was cancelled. */
  message: WaitingMessage | undefined;
  bytes: number;
  /** The time of its arrival, in milliseconds. */
  readonly since: number;
  /** Lets it begin. */
  grant(): void;
}

/** The owner of a backlog. */
export interface BacklogOwner {
  /** How many more messages may begin. */
  capacity(): number;
  begin(message: WaitingMessage): void;
  /** Nothing waits any more. */
  emptied(): void;
  /** Whether the session has not opened yet. */
  isOpening(): boolean;
}

/** Calls and messages of one session that wait until others are answered, in order and up to a number of bytes. */
export class CallBacklog {
  readonly #waiting = new Fifo<Waiting>();
  /** By the numbers of their calls. */
  readonly #calls = new Map<number, Waiting>();
  #bytes = 0;
  /** Messages that may begin, and have not begun yet. */
  readonly #granted = new Set<Waiting>();
  #isOver = false;
  readonly #slices = new Slices(() => this.#step());

  /**
   * @param limit how many bytes may wait
   * @param shared counts the bytes of all sessions of the server
   */
  constructor(
    private readonly limit: number,
    private readonly shared: Pick<SessionBytes, 'take' | 'add'>,
    private readonly owner: BacklogOwner,
  ) {}

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#waiting.size + this.#granted.size;
  }

  /** The messages without an answer that wait, in order. */
  get notices(): NoticeMessage[] {
    return [...this.#granted, ...this.#waiting].flatMap(({ message }) =>
      message && message.type !== IpcMessageType.Invoke ? [message] : [],
    );
  }

  /** The numbers of the calls that wait. */
  get requests(): Iterable<number> {
    return this.#calls.keys();
  }

  /** Begins a message, or keeps it behind those that wait. @returns whether there was space for it */
  add(message: WaitingMessage): boolean {
    if (this.isEmpty && this.owner.capacity() > 0) {
      this.owner.begin(message);
      return true;
    }
    const streams = message.type === IpcMessageType.Invoke ? message.slots.length * STREAM_BYTES : 0;
    const bytes = MESSAGE_BYTES + streams + message.channel.length + sizeOf(message.data);
    // The first message of a session that opens would begin at once, whatever its length.
    const isFirst = this.isEmpty && this.owner.isOpening();
    if ((this.#bytes + bytes > this.limit && !isFirst) || !this.shared.take(bytes)) return false;
    if (this.#isOver) {
      // The session had the largest share of all waiting bytes, and has ended for it.
      this.shared.add(-bytes);
      return true;
    }
    const waiting: Waiting = { message, bytes, since: performance.now(), grant: () => undefined };
    // It begins in the asynchronous context of its arrival, not in that of the call that made space for it.
    void new Promise<void>((resolve) => (waiting.grant = resolve)).then(() => this.#begin(waiting));
    this.#bytes += bytes;
    this.#waiting.push(waiting);
    if (message.type === IpcMessageType.Invoke) this.#calls.set(message.request, waiting);
    return true;
  }

  /** A call was answered, and others may begin. */
  resume(): void {
    if (this.#waiting.size > 0) this.#slices.go();
  }

  /** Forgets a call that was cancelled. @returns whether it was waiting */
  cancel(request: number): boolean {
    const waiting = this.#calls.get(request);
    if (!waiting) return false;
    this.#calls.delete(request);
    waiting.message = undefined;
    // Its place stays taken until its turn: a peer could fill the queue with cancelled calls.
    this.#release(waiting.bytes - MESSAGE_BYTES);
    waiting.bytes = MESSAGE_BYTES;
    return true;
  }

  /** Forgets everything, because the session is over. */
  clear(): void {
    this.#isOver = true;
    for (const waiting of this.#waiting) waiting.message = undefined;
    this.#waiting.clear();
    this.#calls.clear();
    this.#release(this.#bytes);
    this.#slices.stop();
    this.owner.emptied();
  }

  #release(bytes: number): void {
    this.#bytes -= bytes;
    this.shared.add(-bytes);
  }

  /** @returns whether another message may begin */
  #step(): boolean {
    if (this.owner.capacity() <= this.#granted.size) return false;
    const waiting = this.#waiting.shift()!;
    this.#granted.add(waiting);
    waiting.grant();
    return this.#waiting.size > 0;
  }

  #begin(waiting: Waiting): void {
    this.#granted.delete(waiting);
    const { message, bytes, since } = waiting;
    // Bytes that waited when the session ended were given back with all the rest.
    if (!this.#isOver) this.#release(bytes);
    if (message && !this.#isOver) {
      if (message.type === IpcMessageType.Invoke && this.#calls.get(message.request) === waiting)
        this.#calls.delete(message.request);
      this.owner.begin(late(message, performance.now() - since));
    }
    // The message may have been answered at once, or not have begun at all.
    this.resume();
    if (this.isEmpty) this.owner.emptied();
  }
}

/** A message that has waited: the rest of its time is shorter. */
function late(message: WaitingMessage, waitedMs: number): WaitingMessage {
  if (message.type !== IpcMessageType.Invoke) return message;
  const { timeoutMs } = message;
  const seen = observer ? { ...message, waitedMs } : message;
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) return seen;
  return { ...seen, timeoutMs: Math.max(1, timeoutMs - waitedMs) };
}
