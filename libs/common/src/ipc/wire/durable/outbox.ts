import { generalError } from '../../../base/numbered.error.js';
import { Fifo } from '../../../base/fifo.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import type { FrameEncoding, PreparedMessage } from './text.encoding.js';
import type { IpcTransport } from '../../message/transport.js';
import type { IpcFrame } from '../../message/message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';

/** Most bytes of a frame that joins the messages of one turn. It is far below the limits of every peer. */
const FRAME_BYTES = 256 * 1024;

/** The messages that a durable link has sent: numbers them, joins them to frames, and keeps them until they are acknowledged. */
export class DurableOutbox {
  #transport: IpcTransport | undefined;
  readonly #kept = new Fifo<PreparedMessage>();
  #keptBytes = 0;
  #released = 0;
  /** Messages of this turn, which go out as one frame; the number of the first one, and how many have a number. */
  #batch: IpcFrame[] = [];
  #batchBytes = 0;
  #next = 0;
  #numbered = 0;
  #scheduled = false;

  /**
   * @param total counts the same bytes for all sessions, and may end the link
   * @param messageBytes most bytes of a message with typed arrays
   */
  constructor(
    private readonly encoding: FrameEncoding,
    private readonly total: KeptBytes | undefined,
    private readonly messageBytes: number,
  ) {}

  /** How many messages the peer has acknowledged. */
  get released(): number {
    return this.#released;
  }

  /** Bytes of the messages that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whether a message is not acknowledged yet. */
  get isWaiting(): boolean {
    return this.#kept.size > 0;
  }

  /** Whether a peer can have received this many messages: no more than were sent, no fewer than it acknowledged. */
  canRelease(received: number): boolean {
    return received >= this.#released && received <= this.#released + this.#kept.size;
  }

  /** The peer has received this many messages. They are not kept any more. */
  release(received: number): void {
    for (; this.#released < received; this.#released++) this.#count(-this.#kept.shift()!.bytes);
  }

  /** Goes on over a connection, and sends again the messages that are kept. */
  attach(transport: IpcTransport): void {
    this.#transport = transport;
    this.#next = this.#released;
    for (const { content, bytes } of this.#kept) this.#put(content, bytes);
  }

  /** The connection is broken. Messages are kept for the next one. */
  detach(): void {
    this.#transport = undefined;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#numbered = 0;
  }

  /** Forgets all messages, because the session is over. */
  clear(): void {
    this.#kept.clear();
    this.#count(-this.#keptBytes);
  }

  /** Sends a message. @returns its bytes @throws NumberedError if its value cannot be sent */
  send(message: OutgoingMessage): number {
    const prepared = this.encoding.prepare(message, () => this.#released + this.#kept.size);
    // The peer would end the session. Text that is too long fails alone.
    if (typeof prepared.content !== 'string' && prepared.bytes > this.messageBytes)
      message.data.made(() => {
        throw generalError(`The value cannot be sent: it has more than ${this.messageBytes} bytes.`);
      });
    this.#kept.push(prepared);
    this.#count(prepared.bytes);
    this.#put(prepared.content, prepared.bytes);
    return prepared.bytes;
  }

  /** Sends a list that has no number and is not kept. */
  control(values: readonly unknown[]): void {
    if (!this.#transport) return;
    this.#batch.push(this.encoding.list(values));
    this.#schedule();
  }

  /** Sends the collected messages. */
  flush(): void {
    if (this.#batch.length === 0 || !this.#transport) return;
    const frame = this.encoding.frame(this.#next, this.#batch);
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
      // Keeps the order.
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
