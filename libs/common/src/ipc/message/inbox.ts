import { Fifo } from '../../base/fifo.js';
import { Slices } from '../../base/turn.slices.js';
import type { IpcLimits } from '../../base/limits.js';
import { IpcProtocolError } from './message.js';

/** Above this many bytes that wait, nothing more is read. */
const HIGH_WATER = 64 * 1024;

/** The reading side of a transport that can wait. */
export interface IpcReading {
  /** Stops reading until {@link resume} is called. */
  pause?(): void;
  resume?(): void;
}

/**
 * Frames that a peer has sent and the session has not worked off yet, in order. They are worked off in
 * slices: neither a long frame nor many short ones keep other sessions waiting.
 */
export class IpcInbox<Frame> {
  readonly #frames = new Fifo<Frame>();
  #bytes = 0;
  #paused: IpcReading | undefined;
  #whenEmpty: (() => void) | undefined;
  readonly #slices: Slices;

  /**
   * @param bytesOf how much a frame counts
   * @param step does the next piece of the work; takes frames by {@link next}; returns whether there is another
   * @param sliced called after each slice
   */
  constructor(
    private readonly limits: IpcLimits,
    private readonly bytesOf: (frame: Frame) => number,
    step: () => boolean,
    sliced?: () => void,
  ) {
    this.#slices = new Slices(step, () => {
      sliced?.();
      if (!this.#slices.isWaiting) this.#emptied();
    });
  }

  /** Whether something waits for its turn, or is half done. */
  get isBehind(): boolean {
    return this.#slices.isWaiting;
  }

  /** Whether there are frames to take. */
  get isFilled(): boolean {
    return this.#frames.size > 0;
  }

  /**
   * Works off a frame behind what waits already.
   *
   * @throws IpcProtocolError where too much waits
   */
  add(frame: Frame, reading: IpcReading | undefined): void {
    this.#frames.push(frame);
    this.#bytes += this.bytesOf(frame);
    this.#slices.go();
    if (!this.isBehind || this.#bytes <= HIGH_WATER) return;
    if (!this.#paused && reading?.pause) {
      this.#paused = reading;
      reading.pause();
    }
    // Not every transport can wait. One that can may still have frames in its hands.
    const most = 2 * this.limits.messageBytes + this.limits.bufferedBytes;
    if (this.#bytes > most) throw new IpcProtocolError(1008, `More than ${most} bytes wait.`);
  }

  /** Takes the next frame out. */
  next(): Frame | undefined {
    const frame = this.#frames.shift();
    if (frame !== undefined) this.#bytes -= this.bytesOf(frame);
    return frame;
  }

  /** Calls a function when nothing waits: at once, mostly. */
  whenEmpty(work: () => void): void {
    if (this.isBehind) this.#whenEmpty = work;
    else work();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#frames.clear();
    this.#bytes = 0;
    this.#slices.stop();
    this.#emptied();
  }

  #emptied(): void {
    this.#paused?.resume?.();
    this.#paused = undefined;
    const work = this.#whenEmpty;
    this.#whenEmpty = undefined;
    work?.();
  }
}
