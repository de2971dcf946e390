import type { IpcLimits } from '../../../base/limits.js';
import type { BytePool } from '../../../bytes/byte.pool.js';
import { Fifo } from '../../../base/fifo.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import type { FrameEncoding, PreparedMessage } from './text.encoding.js';
import type { IpcTransport } from '../../message/transport.js';
import { IpcMessageType } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import type { OutgoingItem, OutgoingMessage } from '../../message/outgoing.message.js';

/** Most bytes of a frame that joins the messages of one turn. It is far below the limits of every peer. */
const FRAME_BYTES = 256 * 1024;
/** Small items of one stream are joined to messages of about this many bytes. One that is sent again is not much larger. */
const JOINED_BYTES = 16 * 1024;

/** A message that is kept until it is acknowledged. */
interface Kept {
  content: IpcFrame;
  bytes: number;
}

/** The messages that one link keeps, for another one that goes on with them. */
export interface OutboxState {
  /** How many messages the peer has acknowledged. */
  readonly released: number;
  /** The messages behind them, as they were sent. */
  readonly kept: readonly IpcFrame[];
}

/** Decides when messages go to the peer: not before another place has them. */
export interface OutboxGate {
  /** A message is kept, and goes to the peer at its turn of {@link DurableOutbox.allow}. */
  sent(content: IpcFrame, message: OutgoingMessage): void;
}

/** The message that the next items of a stream are added to. */
interface OpenItems {
  readonly first: OutgoingItem;
  readonly values: unknown[];
  readonly kept: Kept;
}

/** The messages that a durable link has sent: numbers them, joins them to frames, and keeps them until they are acknowledged. */
export class DurableOutbox {
  #transport: IpcTransport | undefined;
  readonly #kept = new Fifo<Kept>();
  /** The last message, while further items can join it. Its content is missing. */
  #open: OpenItems | undefined;
  /** The number of the next message. */
  readonly #number = () => this.#released + this.#kept.size;
  #keptBytes = 0;
  /** The kept messages that are larger than a frame of joined ones. */
  readonly #large = new Fifo<Kept>();
  #released = 0;
  /** Messages of this turn, which go out as one frame; the number of the first one, and how many have a number. */
  #batch: IpcFrame[] = [];
  #batchBytes = 0;
  #next = 0;
  #numbered = 0;
  #scheduled = false;
  /** The last of the kept messages, which the gate has not let through. */
  readonly #held = new Fifo<Kept>();
  gate: OutboxGate | undefined;

  /**
   * @param total counts the same bytes for all sessions, and may end the link
   * @param limits above which the peer ends the session
   * @param pool memory of messages that were acknowledged, for later ones. It is of this link alone: a peer can
   * acknowledge a message that is not written yet, and must get no bytes of others in its place
   */
  constructor(
    private readonly encoding: FrameEncoding,
    private readonly total: KeptBytes | undefined,
    private readonly limits: Pick<IpcLimits, 'messageBytes' | 'textLength'>,
    private readonly pool?: BytePool,
  ) {}

  /** How many messages the peer has acknowledged. */
  get released(): number {
    return this.#released;
  }

  /** Bytes of the messages that are kept. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Bytes of the messages that are kept, without the largest one. */
  get bytesBesideLargest(): number {
    let largest = 0;
    for (const { bytes } of this.#large) largest = Math.max(largest, bytes);
    return this.#keptBytes - largest;
  }

  /** Whether a message is not acknowledged yet. */
  get isWaiting(): boolean {
    return this.#kept.size > 0;
  }

  /** Whether a peer can have received this many messages: no more than were sent, no fewer than it acknowledged. */
  canRelease(received: number): boolean {
    return received >= this.#released && received <= this.#released + this.#kept.size - this.#held.size;
  }

  /** The peer has received this many messages. They are not kept any more. */
  release(received: number): void {
    for (; this.#released < received; this.#released++) {
      const kept = this.#kept.shift()!;
      // A peer can acknowledge a message that it has not received.
      if (kept === this.#open?.kept) this.#seal();
      if (kept === this.#large.first) this.#large.shift();
      this.#count(-kept.bytes);
      if (kept.content instanceof Uint8Array) this.pool?.give(kept.content);
    }
  }

  /** Goes on over a connection, and sends again the messages that are kept. */
  attach(transport: IpcTransport): void {
    this.#seal();
    this.#transport = transport;
    this.#next = this.#released;
    let left = this.#kept.size - this.#held.size;
    for (const { content, bytes } of this.#kept) if (left-- > 0) this.#put(content, bytes);
  }

  /** The messages that are kept. */
  get state(): OutboxState {
    this.#seal();
    return { released: this.#released, kept: Array.from(this.#kept, ({ content }) => content) };
  }

  /** Begins with the messages that another link has kept. */
  restore({ released, kept: contents }: OutboxState): void {
    this.#released = released;
    for (const content of contents) {
      this.#keep({ content, bytes: (content as string | Uint8Array).length });
    }
  }

  /** The gate lets the next messages through. */
  allow(count: number): void {
    for (let i = 0; i < count; i++) {
      const kept = this.#held.shift();
      if (kept) this.#put(kept.content, kept.bytes);
    }
  }

  /** The connection is broken. Messages are kept for the next one. */
  detach(): void {
    this.#transport = undefined;
    this.#seal();
    this.#batch = [];
    this.#batchBytes = 0;
    this.#numbered = 0;
  }

  /** Forgets all messages, because the session is over. */
  clear(): void {
    this.#open = undefined;
    this.#kept.clear();
    this.#large.clear();
    this.#held.clear();
    this.pool?.clear();
    this.#count(-this.#keptBytes);
  }

  /** Sends a message. @returns its bytes @throws NumberedError if its value cannot be sent */
  send(message: OutgoingMessage): number {
    if (message.type === IpcMessageType.Item) {
      const item = this.encoding.item(message);
      if (item) return this.#sendItem(message, item.value, item.bytes);
    }
    return this.#sendPrepared(message, this.encoding.prepare(message, this.#number, this.pool));
  }

  /** Sends a list that has no number and is not kept. */
  control(values: readonly unknown[]): void {
    if (!this.#transport) return;
    this.#batch.push(this.encoding.list(values));
    this.#schedule();
  }

  #sendPrepared(message: OutgoingMessage, prepared: PreparedMessage): number {
    const { content, bytes } = prepared;
    const { messageBytes, textLength } = this.limits;
    // The peer would end the session. Text of up to twice its limit is refused alone, by the peer.
    const most = typeof content === 'string' ? 2 * Math.min(textLength, messageBytes) : messageBytes;
    if (bytes > most) message.data.tooLarge(most);
    this.#seal();
    this.#keep(prepared);
    this.#pass(prepared, message);
    return bytes;
  }

  /** Sends an item in one message with those before it, if they are small and were sent in the same turn. */
  #sendItem(message: OutgoingItem, value: unknown, bytes: number): number {
    if (bytes > JOINED_BYTES)
      return this.#sendPrepared(message, { content: this.encoding.items(message, [value]), bytes });
    let open = this.#open;
    const joins = open && open.first.request === message.request && open.first.slot === message.slot;
    if (!open || !joins || open.kept.bytes + bytes > JOINED_BYTES) {
      this.#seal();
      open = this.#open = { first: message, values: [], kept: { content: '', bytes: 0 } };
      this.#kept.push(open.kept);
      if (this.#transport) this.#schedule();
    }
    open.values.push(value);
    open.kept.bytes += bytes;
    this.#count(bytes);
    return bytes;
  }

  /** Ends the message that items are added to. */
  #seal(): void {
    if (!this.#open) return;
    const { first, values, kept } = this.#open;
    this.#open = undefined;
    kept.content = this.encoding.items(first, values);
    this.#pass(kept, first);
  }

  #pass(kept: Kept, message: OutgoingMessage): void {
    if (!this.gate) {
      this.#put(kept.content, kept.bytes);
      return;
    }
    this.#held.push(kept);
    this.gate.sent(kept.content, message);
  }

  /** Sends the collected messages. */
  flush(): void {
    this.#seal();
    if (this.#batch.length === 0 || !this.#transport) return;
    const frame = this.encoding.frame(this.#next, this.#batch);
    this.#next += this.#numbered;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#numbered = 0;
    this.#transport.write(frame);
  }

  #keep(message: Kept): void {
    this.#kept.push(message);
    if (message.bytes > FRAME_BYTES) this.#large.push(message);
    this.#count(message.bytes);
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
