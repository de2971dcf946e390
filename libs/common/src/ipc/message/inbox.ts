import { Fifo } from '../../base/fifo.js';
import { Slices } from '../../base/turn.slices.js';
import type { IpcLimits } from '../../base/limits.js';
import { IpcProtocolError } from './message.js';

/** Above this many waiting bytes, reading stops. */
const HIGH_WATER = 64 * 1024;

/** The reading side of a transport that can wait. */
export interface IpcReading {
  /** Stops reading until {@link resume} is called. */
  pause?(): void;
  resume?(): void;
}

/**
 * Frames that a peer has sent and that are not processed yet, in order. They are processed in slices, so that
 * neither a long frame nor many short ones keep other sessions waiting.
 */
export class IpcInbox<Frame> {
  readonly #frames = new Fifo<Frame>();
  #bytes = 0;
  #paused: IpcReading | undefined;
  #whenEmpty: (() => void) | undefined;
  readonly #slices: Slices;

  /**
   * @param bytesOf returns the size of a frame
   * @param step does the next piece of work with frames from {@link next}; returns whether another piece is left
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

  /** Whether a frame waits, or is half processed. */
  get isBehind(): boolean {
    return this.#slices.isWaiting;
  }

  /** Whether a frame waits. */
  get isFilled(): boolean {
    return this.#frames.size > 0;
  }

  /**
   * Adds a frame after those that wait.
   *
   * @throws IpcProtocolError if too much waits
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
    // Some transports cannot pause, and others still deliver frames that they have read.
    const most = 2 * this.limits.messageBytes + this.limits.bufferedBytes;
    if (this.#bytes > most) throw new IpcProtocolError(1008, `More than ${most} bytes wait.`);
  }

  /** Removes and returns the next frame. */
  next(): Frame | undefined {
    const frame = this.#frames.shift();
    if (frame !== undefined) this.#bytes -= this.bytesOf(frame);
    return frame;
  }

  /** Calls a function when nothing waits, which is mostly at once. */
  whenEmpty(work: () => void): void {
    if (this.isBehind) this.#whenEmpty = work;
    else work();
  }

  /** Forgets all frames. */
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
