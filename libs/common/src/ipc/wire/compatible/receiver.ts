import type { IpcLimits } from '../../../base/limits.js';
import { parseMessage, parseTextFrame } from './codec.js';
import type { NumberedMessage } from './codec.js';
import { IpcProtocolError } from '../../message/message.js';
import { checkFrameLength, refuseCall, tooManyBytes } from '../../message/refusal.js';
import type { IpcMessage } from '../../message/message.js';

/** A message whose binary frames have not arrived yet. */
interface Announced {
  readonly json: string;
  missing: number;
  parts: Uint8Array[];
  bytes: number;
  /** The message without its values, because it has too many bytes. */
  refused?: NumberedMessage;
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
    if (!announced) throw new IpcProtocolError(1002, 'A binary frame that no text frame announced.');
    const { limits } = this;
    announced.bytes += part.byteLength;
    if (announced.bytes + this.#earlyBytes <= limits.messageBytes) announced.parts.push(part);
    else {
      announced.refused ??= refuseCall(announced.json, limits, tooManyBytes(limits));
      announced.parts = [];
    }
    if (--announced.missing > 0) return;
    this.#announced = undefined;
    clearTimeout(this.#partsTimer);
    const { json, parts, bytes, refused } = announced;
    this.#order(refused ?? parseMessage(json, parts, limits), refused ? 0 : bytes);
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

  #expect(what: string): Timer {
    const late = () => this.fail(new IpcProtocolError(1002, `${what} did not arrive in time.`));
    return setTimeout(late, this.limits.arrivalMs);
  }
}
