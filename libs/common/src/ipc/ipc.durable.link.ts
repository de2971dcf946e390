import { deferred } from '../call/call.deferred.js';
import type { Deferred } from '../call/call.deferred.js';
import { isCount } from '../wire/value.codec.js';
import type { IpcLimits } from '../wire/wire.limits.js';
import type { OutgoingMessage } from './ipc.codec.js';
import {
  durableBlocks,
  durableFrame,
  durableText,
  IpcControlType,
  parseDurableBlocks,
  parseDurableText,
} from './ipc.durable.codec.js';
import type { DurableFrame } from './ipc.durable.codec.js';
import { HIGH_WATER, sent, unwatched } from './ipc.link.js';
import type { IpcSessionLink, IpcTransport } from './ipc.link.js';
import { IpcClosedError, IpcProtocolError } from './ipc.message.js';
import type { IpcClosure, IpcMessage } from './ipc.message.js';
import { PeerWatch } from './ipc.watch.js';

/** After so many messages or bytes, or so much time, the peer is told what has arrived. */
const ACKNOWLEDGE_MESSAGES = 64;
const ACKNOWLEDGE_BYTES = 256 * 1024;
const ACKNOWLEDGE_MS = 1_000;
/** Texts of one turn are one frame up to this many characters: it has to be within what the peer takes. */
const FRAME_LENGTH = 256 * 1024;
/** The code by which a connection is given up whose session is to go on over another. */
export const INTERRUPTED = 4000;

/** A message that the peer has not acknowledged. */
interface Kept {
  /** Text of the message, or a frame of its own. */
  readonly content: string | Uint8Array;
  readonly bytes: number;
}

/** What a durable link tells. */
export interface DurableLinkEvents {
  /** Every message of the peer, once, in the order of sending. */
  receive(message: IpcMessage): void;
  /** Once: the session is over, whoever ended it. */
  ended(closure: IpcClosure): void;
  /** This end has given up the connection; the session may go on over another. */
  interrupted?(closure: IpcClosure): void;
}

/**
 * One session's messages over one connection after another: what the peer has not acknowledged is kept, and sent
 * again over the next connection, so that every message arrives once and in order.
 */
export class DurableLink implements IpcSessionLink {
  #transport: IpcTransport | undefined;
  #closure: IpcClosure | undefined;
  readonly #kept: Kept[] = [];
  #keptBytes = 0;
  /** How many messages were sent before the first that is kept: as many as the peer has acknowledged. */
  #released = 0;
  /** How many messages have been received, and how many of these the peer was told of. */
  #received = 0;
  #told = 0;
  #receivedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Texts of this turn, which go out as one frame; the number of the first, and how many have a number. */
  #batch: string[] = [];
  #batchLength = 0;
  #next = 0;
  #numbered = 0;
  #scheduled = false;
  #whenReleased: Deferred | undefined;
  readonly #watch: PeerWatch;

  /** @param heartbeatMs how long a peer may be silent before it is probed; it then has as long to answer */
  constructor(
    private readonly limits: IpcLimits,
    heartbeatMs: number,
    private readonly events: DurableLinkEvents,
  ) {
    this.#watch = new PeerWatch(heartbeatMs, {
      progress: () => ({ acknowledged: this.#released, isWaiting: this.#kept.length > 0 }),
      probe: () => this.#control(`[${IpcControlType.Probe}]`),
      giveUp: () => this.#giveUp('The peer gave no sign of life.'),
    });
  }

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /** How many messages have been received in all: what the peer need not send again. */
  get received(): number {
    return this.#received;
  }

  /** Whether a peer can have received so many messages: as many as were sent, and all that it has acknowledged. */
  canResume(received: number): boolean {
    return received >= this.#released && received <= this.#released + this.#kept.length;
  }

  /**
   * Goes on over a connection: sends again what the peer has not received.
   *
   * @param received how many messages the peer says it has
   * @throws IpcProtocolError for a number that cannot be
   */
  attach(transport: IpcTransport, received: number): void {
    this.detach();
    this.#release(received);
    this.#transport = transport;
    this.#told = this.#received;
    this.#next = this.#released;
    this.#watch.start();
    for (const { content } of this.#kept) this.#put(content);
  }

  /** The connection is broken; what is sent from now on is kept for the next. */
  detach(): void {
    this.#transport = undefined;
    this.#batch = [];
    this.#batchLength = 0;
    this.#numbered = 0;
    clearTimeout(this.#timer);
    this.#watch.stop();
    this.#timer = undefined;
  }

  push(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    return this.#keptBytes <= HIGH_WATER ? sent : unwatched(this.#untilReleased());
  }

  room(): Promise<void> | undefined {
    // Half of what may wait, as pushes that are made meanwhile need room as well.
    if (this.#closure || this.#keptBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.#untilReleased().catch(() => undefined);
  }

  respond(message: OutgoingMessage): void {
    if (!this.#closure) this.#write(message);
  }

  receiveText(frame: string): void {
    this.#take(frame.length, () => parseDurableText(frame, this.limits));
  }

  receiveBinary(frame: Uint8Array): void {
    this.#take(frame.byteLength, () => parseDurableBlocks(frame, this.limits));
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.#flush();
    const transport = this.#transport;
    this.ended({ code, reason });
    transport?.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.detach();
    this.#kept.length = 0;
    this.#keptBytes = 0;
    this.#whenReleased?.resolve();
    this.events.ended(closure);
  }

  /** Tells the peer what has been received. */
  acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = this.#received;
    this.#receivedBytes = 0;
    this.#control(`[${IpcControlType.Acknowledge},${this.#received}]`);
  }

  #write(message: OutgoingMessage): void {
    const { bufferedBytes } = this.limits;
    // Asked before: one message may be larger than all that may wait, and its peer has had no time to take it.
    if (this.#keptBytes > bufferedBytes) {
      this.close(1013, `More than ${bufferedBytes} bytes were not taken.`);
      return;
    }
    const text = durableText(message);
    const { parts } = message.data;
    const number = this.#released + this.#kept.length;
    // A copy: what is sent again has to be what was sent.
    const content = parts.length === 0 ? text : durableBlocks(number, text, parts);
    const bytes = typeof content === 'string' ? content.length : content.byteLength;
    this.#kept.push({ content, bytes });
    this.#keptBytes += bytes;
    this.#put(content);
  }

  #put(content: string | Uint8Array): void {
    if (!this.#transport) return;
    if (typeof content === 'string') {
      if (this.#batchLength + content.length > FRAME_LENGTH) this.#flush();
      this.#batch.push(content);
      this.#batchLength += content.length;
      this.#numbered++;
      this.#schedule();
      return;
    }
    // Texts before it stay before it.
    this.#flush();
    this.#next++;
    this.#transport.writeBinary(content);
  }

  #control(text: string): void {
    if (!this.#transport) return;
    this.#batch.push(text);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#transport!.defer(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#batch.length === 0 || !this.#transport) return;
    const frame = durableFrame(this.#next, this.#batch);
    this.#next += this.#numbered;
    this.#batch = [];
    this.#batchLength = 0;
    this.#numbered = 0;
    this.#transport.writeText(frame);
  }

  #take(bytes: number, parse: () => DurableFrame): void {
    if (this.#closure) return;
    this.#receivedBytes += bytes;
    try {
      const { messageBytes } = this.limits;
      if (bytes > messageBytes)
        throw new IpcProtocolError(1009, `A message of more than ${messageBytes} bytes.`);
      const { first, messages } = parse();
      if (first !== this.#received) {
        this.#giveUp(`Message ${first} came where ${this.#received} was expected.`);
        return;
      }
      for (const each of messages) {
        if (this.#closure) return;
        if (each.kind === 'control') this.#obey(each.type, each.values);
        else this.events.receive({ ...each.message, sequence: this.#received++ });
      }
      this.#watch.heard(this.#received > first);
      this.#mayAcknowledge();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.close(error.code, error.message);
    }
  }

  #obey(type: number, [received]: readonly unknown[]): void {
    if (type === IpcControlType.Acknowledge) this.#release(received);
    else if (type === IpcControlType.Probe) this.acknowledge();
    // Those of the beginning of a connection mean nothing later; unknown ones are ignored.
  }

  /** The peer has so many messages: they need not be kept. */
  #release(received: unknown): void {
    if (!isCount(received) || !this.canResume(received))
      throw new IpcProtocolError(1002, 'An acknowledgement of messages that were not sent.');
    const count = received - this.#released;
    for (const { bytes } of this.#kept.splice(0, count)) this.#keptBytes -= bytes;
    this.#released = received;
    if (this.#keptBytes > HIGH_WATER / 2) return;
    this.#whenReleased?.resolve();
    this.#whenReleased = undefined;
  }

  #mayAcknowledge(): void {
    if (this.#closure || !this.#transport || this.#received === this.#told) return;
    const isMuch =
      this.#received - this.#told >= ACKNOWLEDGE_MESSAGES || this.#receivedBytes >= ACKNOWLEDGE_BYTES;
    if (isMuch) this.acknowledge();
    else this.#timer ??= setTimeout(() => this.acknowledge(), ACKNOWLEDGE_MS);
  }

  #giveUp(reason: string): void {
    const transport = this.#transport;
    this.detach();
    transport?.close(INTERRUPTED, reason);
    this.events.interrupted?.({ code: INTERRUPTED, reason });
  }

  async #untilReleased(): Promise<void> {
    this.#whenReleased ??= deferred();
    await this.#whenReleased.promise;
    if (this.#closure) throw new IpcClosedError(this.#closure);
  }
}
