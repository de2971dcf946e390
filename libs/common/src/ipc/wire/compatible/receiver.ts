import type { IpcLimits } from '../../../base/limits.js';
import { parseMessage, parseTextFrame } from './codec.js';
import type { NumberedMessage } from './codec.js';
import { IpcProtocolError } from '../../message/message.js';
import { checkFrameLength } from '../../message/refusal.js';
import type { IpcMessage } from '../../message/message.js';

/** A message whose binary frames have not arrived yet. */
interface Announced {
  readonly json: string;
  readonly missing: number;
  readonly parts: Uint8Array[];
  bytes: number;
}

/** A message that arrived before its turn. */
interface Early {
  readonly message: IpcMessage;
  readonly bytes: number;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Assembles the messages of one connection, and delivers them in the order of their numbers. */
export class CompatibleReceiver {
  #announced: Announced | undefined;
  /** The number of the next message. */
  #next = 0;
  readonly #early = new Map<number, Early>();
  #earlyBytes = 0;
  #partsTimer: Timer;
  #gapTimer: Timer;

  /**
   * @param deliver called once with each message, in the order of their numbers
   * @param fail called if a frame or a message does not arrive in time
   */
  constructor(
    private readonly limits: IpcLimits,
    private readonly deliver: (message: IpcMessage) => void,
    private readonly fail: (error: IpcProtocolError) => void,
  ) {}

  /** Receives a frame of the peer, and owns its memory from then on. @throws IpcProtocolError */
  take(frame: string | Uint8Array): void {
    if (typeof frame === 'string') this.#takeText(frame);
    else this.#takePart(frame);
  }

  #takeText(frame: string): void {
    if (this.#announced) throw new IpcProtocolError(1002, 'A text frame where a binary frame was announced.');
    checkFrameLength(frame.length, this.limits);
    const { json, parts } = parseTextFrame(frame, this.limits);
    if (parts === 0) this.#order(parseMessage(json, [], this.limits), json.length);
    else {
      this.#announced = { json, missing: parts, parts: [], bytes: json.length };
      this.#partsTimer = this.#expect('An announced binary frame');
    }
  }

  #takePart(part: Uint8Array): void {
    const announced = this.#announced;
    this.#checkBytes(part.byteLength);
    if (!announced) throw new IpcProtocolError(1002, 'A binary frame that no text frame announced.');
    announced.parts.push(part);
    announced.bytes += part.byteLength;
    this.#checkBytes(announced.bytes + this.#earlyBytes);
    if (announced.parts.length < announced.missing) return;
    this.#announced = undefined;
    clearTimeout(this.#partsTimer);
    this.#order(parseMessage(announced.json, announced.parts, this.limits), announced.bytes);
  }

  /** Stops waiting. */
  close(): void {
    clearTimeout(this.#partsTimer);
    clearTimeout(this.#gapTimer);
    this.#announced = undefined;
    this.#early.clear();
  }

  #order({ sequence, message }: NumberedMessage, bytes: number): void {
    if (sequence === this.#next) {
      this.#next++;
      this.deliver(message);
      if (this.#early.size > 0) this.#release();
    } else if (sequence > this.#next && !this.#early.has(sequence)) {
      this.#keep(sequence, message, bytes);
    }
    // Otherwise it is a duplicate, which the protocol drops.
  }

  #keep(sequence: number, message: IpcMessage, bytes: number): void {
    this.#early.set(sequence, { message, bytes });
    this.#earlyBytes += bytes;
    const { waitingMessages, waitingBytes } = this.limits;
    // Parsed messages can take fifty times the memory of their text.
    if (this.#early.size > waitingMessages || this.#earlyBytes > waitingBytes)
      throw new IpcProtocolError(1002, `Message ${this.#next} is missing.`);
    if (this.#early.size === 1) this.#gapTimer = this.#expect(`Message ${this.#next}`);
  }

  #release(): void {
    let early: Early | undefined;
    while ((early = this.#early.get(this.#next))) {
      this.#early.delete(this.#next++);
      this.#earlyBytes -= early.bytes;
      this.deliver(early.message);
    }
    clearTimeout(this.#gapTimer);
    if (this.#early.size > 0) this.#gapTimer = this.#expect(`Message ${this.#next}`);
  }

  #checkBytes(bytes: number): void {
    const { messageBytes } = this.limits;
    if (bytes > messageBytes)
      throw new IpcProtocolError(1009, `A message of more than ${messageBytes} bytes.`);
  }

  #expect(what: string): Timer {
    const late = () => this.fail(new IpcProtocolError(1002, `${what} did not arrive in time.`));
    return setTimeout(late, this.limits.arrivalMs);
  }
}
