import { Fifo } from '../../../base/fifo.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import type { FrameEncoding, PreparedMessage } from './text.encoding.js';
import type { IpcTransport } from '../../message/link.js';
import type { IpcFrame } from '../../message/message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';

/** Messages of one turn are one frame up to so many bytes: it has to be within what the peer takes. */
const FRAME_BYTES = 256 * 1024;

/** What a durable link has sent: numbered, put into frames, and kept until the peer has acknowledged it. */
export class DurableOutbox {
  #transport: IpcTransport | undefined;
  readonly #kept = new Fifo<PreparedMessage>();
  #keptBytes = 0;
  #released = 0;
  /** Messages of this turn, which go out as one frame; the number of the first, and how many have a number. */
  #batch: IpcFrame[] = [];
  #batchBytes = 0;
  #next = 0;
  #numbered = 0;
  #scheduled = false;

  /** @param total is told, too; it may end the link */
  constructor(
    private readonly form: FrameEncoding,
    private readonly total: KeptBytes | undefined,
  ) {}

  /** How many messages were sent before the first that is kept: as many as the peer has acknowledged. */
  get released(): number {
    return this.#released;
  }

  /** Bytes of what is kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whether there is something that the peer has not acknowledged. */
  get isWaiting(): boolean {
    return this.#kept.size > 0;
  }

  /** Whether a peer can have received so many messages: as many as were sent, and all that it has acknowledged. */
  canRelease(received: number): boolean {
    return received >= this.#released && received <= this.#released + this.#kept.size;
  }

  /** The peer has so many messages: they need not be kept. */
  release(received: number): void {
    for (; this.#released < received; this.#released++) this.#count(-this.#kept.shift()!.bytes);
  }

  /** Goes on over a connection: sends again what is kept. */
  attach(transport: IpcTransport): void {
    this.#transport = transport;
    this.#next = this.#released;
    for (const { content, bytes } of this.#kept) this.#put(content, bytes);
  }

  /** The connection is broken; what is sent from now on is kept for the next. */
  detach(): void {
    this.#transport = undefined;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#numbered = 0;
  }

  /** Nothing of what is kept is of use any more. */
  clear(): void {
    this.#kept.clear();
    this.#count(-this.#keptBytes);
  }

  /** Sends a message. @throws NumberedError for a value that cannot be sent */
  send(message: OutgoingMessage): void {
    const prepared = this.form.prepare(message, () => this.#released + this.#kept.size);
    this.#kept.push(prepared);
    this.#count(prepared.bytes);
    this.#put(prepared.content, prepared.bytes);
  }

  /** Sends a list that has no number, and is not kept. */
  control(values: readonly unknown[]): void {
    if (!this.#transport) return;
    this.#batch.push(this.form.list(values));
    this.#schedule();
  }

  /** Sends what was collected. */
  flush(): void {
    if (this.#batch.length === 0 || !this.#transport) return;
    const frame = this.form.frame(this.#next, this.#batch);
    this.#next += this.#numbered;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#numbered = 0;
    this.#transport.write(frame);
  }

  #count(bytes: number): void {
    this.#keptBytes += bytes;
    this.total?.add(bytes);
  }

  #put(content: IpcFrame, bytes: number): void {
    if (!this.#transport) return;
    if (content instanceof Uint8Array) {
      // What was before it stays before it.
      this.flush();
      this.#next++;
      this.#transport.write(content);
      return;
    }
    if (this.#batchBytes + bytes > FRAME_BYTES) this.flush();
    this.#batch.push(content);
    this.#batchBytes += bytes;
    this.#numbered++;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#transport!.defer(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
