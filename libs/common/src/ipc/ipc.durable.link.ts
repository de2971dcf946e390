import type { IpcLimits } from '../wire/wire.limits.js';
import type { OutgoingMessage } from './ipc.codec.js';
import {
  durableFrame,
  durableText,
  IpcControlType,
  parseDurableFrame,
  parseDurableText,
} from './ipc.durable.codec.js';
import type { DurableMessage } from './ipc.durable.codec.js';
import { HIGH_WATER, sent, unwatched } from './ipc.link.js';
import type { IpcSessionLink, IpcTransport } from './ipc.link.js';
import { IpcClosedError, IpcProtocolError } from './ipc.message.js';
import type { IpcClosure, IpcMessage } from './ipc.message.js';

/** After so many messages or bytes, or so much time, the peer is told what has arrived. */
const ACKNOWLEDGE_MESSAGES = 64;
const ACKNOWLEDGE_BYTES = 256 * 1024;
const ACKNOWLEDGE_MS = 1_000;

/** A message that the peer has not acknowledged. */
interface Kept {
  /** Text of the message, or a frame of its own. */
  readonly content: string | Uint8Array;
  readonly bytes: number;
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
  /** Texts of this turn, which go out as one frame. */
  #batch: string[] = [];
  #scheduled = false;
  #whenReleased: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(
    private readonly limits: IpcLimits,
    private readonly receive: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
  ) {}

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /** Whether there is a connection at the moment. */
  get isAttached(): boolean {
    return this.#transport !== undefined;
  }

  /** How many messages have been received in all: what the peer need not send again. */
  get received(): number {
    return this.#received;
  }

  /**
   * Goes on over a connection: sends again what the peer has not received.
   *
   * @param received how many messages the peer says it has
   * @throws IpcProtocolError for a number that cannot be
   */
  attach(transport: IpcTransport, received: number): void {
    this.#release(received);
    this.#transport = transport;
    this.#told = this.#received;
    for (const { content } of this.#kept) this.#put(content);
  }

  /** The connection is broken; what is sent from now on is kept for the next. */
  detach(): void {
    this.#transport = undefined;
    this.#batch = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  push(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    return this.#keptBytes <= HIGH_WATER ? sent : unwatched(this.#untilReleased());
  }

  respond(message: OutgoingMessage): void {
    if (!this.#closure) this.#write(message);
  }

  receiveText(frame: string): void {
    this.#take(frame.length, () => parseDurableText(frame, this.limits));
  }

  receiveBinary(frame: Uint8Array): void {
    this.#take(frame.byteLength, () => [parseDurableFrame(frame, this.limits)]);
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
    this.onEnd(closure);
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
    // A copy: what is sent again has to be what was sent.
    const content = parts.length === 0 ? text : durableFrame(text, parts);
    const bytes = typeof content === 'string' ? content.length : content.byteLength;
    this.#kept.push({ content, bytes });
    this.#keptBytes += bytes;
    this.#put(content);
  }

  #put(content: string | Uint8Array): void {
    if (!this.#transport) return;
    if (typeof content === 'string') {
      this.#batch.push(content);
      this.#schedule();
      return;
    }
    // Texts before it stay before it.
    this.#flush();
    this.#transport.writeBinary(content);
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
    const frame = `[${this.#batch.join()}]`;
    this.#batch = [];
    this.#transport.writeText(frame);
  }

  #take(bytes: number, parse: () => DurableMessage[]): void {
    if (this.#closure) return;
    try {
      this.#receivedBytes += bytes;
      for (const each of parse()) {
        if (this.#closure) return;
        if (each.kind === 'control') this.#control(each.type, each.values);
        else this.receive({ ...each.message, sequence: this.#received++ });
      }
      this.#acknowledge();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.close(error.code, error.message);
    }
  }

  #control(type: number, [received]: readonly unknown[]): void {
    if (type === IpcControlType.Acknowledge) this.#release(received);
    // Other control messages belong to the beginning of a connection; unknown ones are ignored.
  }

  /** The peer has so many messages: they need not be kept. */
  #release(received: unknown): void {
    const count = Number(received) - this.#released;
    if (!Number.isSafeInteger(received) || count < 0 || count > this.#kept.length)
      throw new IpcProtocolError(1002, 'An acknowledgement of messages that were not sent.');
    for (const { bytes } of this.#kept.splice(0, count)) this.#keptBytes -= bytes;
    this.#released += count;
    if (this.#keptBytes > HIGH_WATER / 2) return;
    this.#whenReleased?.resolve();
    this.#whenReleased = undefined;
  }

  #acknowledge(): void {
    if (this.#received === this.#told || !this.#transport) return;
    if (this.#received - this.#told >= ACKNOWLEDGE_MESSAGES || this.#receivedBytes >= ACKNOWLEDGE_BYTES) {
      this.#tell();
    } else {
      this.#timer ??= setTimeout(() => this.#tell(), ACKNOWLEDGE_MS);
    }
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = this.#received;
    this.#receivedBytes = 0;
    this.#batch.push(`[${IpcControlType.Acknowledge},${this.#received}]`);
    this.#schedule();
  }

  async #untilReleased(): Promise<void> {
    if (!this.#whenReleased) {
      let resolve!: () => void;
      const promise = new Promise<void>((settle) => (resolve = settle));
      this.#whenReleased = { promise, resolve };
    }
    await this.#whenReleased.promise;
    if (this.#closure) throw new IpcClosedError(this.#closure);
  }
}
