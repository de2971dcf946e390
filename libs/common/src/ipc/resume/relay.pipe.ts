import { concatBytes, utf8 } from '../../bytes/bytes.js';
import { deferred } from '../../base/deferred.js';
import type { Deferred } from '../../base/deferred.js';
import { Fifo } from '../../base/fifo.js';
import { isCloseCode } from '../channel/closure.js';
import type { IpcFrame } from '../message/message.js';
import { PIECE } from './exchange.js';
import { DataFlag } from './relay.head.js';
import type { RelayHead } from './relay.head.js';

/** Bytes that are on their way between the nodes, in one direction of one relay. A slow frontend holds no more of both nodes. */
const WINDOW = 1024 * 1024;
/** An end reports the bytes that it has taken each time that they are so many. */
const REPORT = WINDOW / 16;
const encoder = new TextEncoder();

/** A frame of one end, before the relay adds its number. */
export type RelayPart = Pick<RelayHead, 'type' | 'index' | 'text' | 'count'>;

/** The end of a relay that has a pipe. */
export interface PipeEvents {
  /** Sends to the other end. Rejects if the frame may be lost. */
  send(part: RelayPart, value?: unknown, bytes?: Uint8Array): Promise<void>;
  /** A whole frame has arrived. @param bytes what {@link RelayPipe.took} is to report of it */
  frame(frame: IpcFrame, bytes: number): void;
  /** The pipe is over: the other end has closed it, or frames are lost (`code` 4000). Called once. */
  closed(code: number, reason: string): void;
}

/** Carries the frames of one connection between two nodes: both ways, in order, with a window, and complete or not at all. */
export class RelayPipe {
  #sent = 0;
  #received = 0;
  /** Pieces of frames that wait for the window. */
  readonly #waiting = new Fifo<{ readonly bytes: Uint8Array; readonly flags: number }>();
  #waitingBytes = 0;
  /** Bytes that were sent, and not taken yet. */
  #unread = 0;
  /** Bytes that were taken here, and not reported yet. */
  #taken = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  /** Bytes that have arrived and were not reported as taken: an honest end stays within the window. */
  #arrived = 0;
  #isOver = false;
  #whenDrained: Deferred | undefined;

  /** @param most bytes of one frame of the connection */
  constructor(
    private readonly events: PipeEvents,
    private readonly most: number,
  ) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that were written, and that the other end has not taken. */
  get bufferedBytes(): number {
    return this.#unread + this.#waitingBytes;
  }

  /** Resolves when the other end has taken most of the written bytes, or the pipe is over. Never rejects. */
  drained(): Promise<void> {
    if (this.#isOver || this.bufferedBytes <= REPORT) return Promise.resolve();
    return (this.#whenDrained ??= deferred()).promise;
  }

  write(frame: IpcFrame): void {
    if (this.#isOver) return;
    const isText = typeof frame === 'string';
    const bytes = isText ? encoder.encode(frame) : (frame as Uint8Array);
    let at = 0;
    do {
      const piece = bytes.subarray(at, (at += PIECE));
      const more = at < bytes.byteLength ? DataFlag.more : 0;
      this.#waiting.push({ bytes: piece, flags: (isText ? DataFlag.text : 0) | more });
    } while (at < bytes.byteLength);
    this.#waitingBytes += bytes.byteLength;
    this.#flush();
  }

  /** Sends a frame without data. */
  send(type: RelayHead['type'], text = '', count = 0, value?: unknown): void {
    if (!this.#isOver) this.#put({ type, index: this.#sent++, text, count }, value);
  }

  /** So many bytes of received frames are taken. */
  took(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < REPORT) return;
    this.#arrived -= this.#taken;
    this.send('taken', '', this.#taken);
    this.#taken = 0;
  }

  /** Ends the pipe behind the written frames. */
  close(code: number, reason: string): void {
    if (this.#isOver) return;
    // Frames that wait for the window go first: the other end holds them no longer than it takes to write them.
    this.#flush(Infinity);
    this.send('close', reason.slice(0, 500), code);
    this.#end();
  }

  /** Ends the pipe without the frames that wait for the window. */
  cancel(code: number, reason: string): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.close(code, reason);
  }

  /** Frames are lost, or the other node is gone. The other end is told, in case that it lives. */
  broke(reason: string): void {
    if (this.#isOver) return;
    this.send('close', reason.slice(0, 500), 4000);
    this.#end();
    this.events.closed(4000, reason);
  }

  /** Receives a frame of the other end. */
  receive({ type, index, text, count }: RelayPart, bytes: Uint8Array | undefined): void {
    if (this.#isOver) return;
    if (index !== this.#received++) this.broke('A frame between the nodes is lost.');
    else if (type === 'data' && bytes) this.#take(bytes, count);
    else if (type === 'taken') this.#wasTaken(count);
    else if (type === 'close') {
      this.#end();
      this.events.closed(isCloseCode(count) || count === 1006 ? count : 4000, text);
    }
  }

  #take(bytes: Uint8Array, flags: number): void {
    this.#arrived += bytes.byteLength;
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.byteLength;
    if (this.#piecesBytes > this.most || this.#arrived > 2 * WINDOW + this.most) {
      this.broke('Too much was sent.');
      return;
    }
    if (flags & DataFlag.more) {
      // It would cost memory, and no part of the window.
      if (bytes.byteLength === 0) return this.broke('A piece of a frame is empty.');
      // A frame may be larger than the window.
      this.took(bytes.byteLength);
      return;
    }
    const size = this.#piecesBytes;
    const whole = this.#pieces.length === 1 ? bytes : concatBytes(this.#pieces, size);
    this.#pieces = [];
    this.#piecesBytes = 0;
    // The receiver of bytes owns their memory, and a part shares it with the rest of its frame.
    this.events.frame(flags & DataFlag.text ? utf8.decode(whole) : whole.slice(), bytes.byteLength);
  }

  #wasTaken(bytes: number): void {
    this.#unread = Math.max(0, this.#unread - bytes);
    this.#flush();
    if (this.bufferedBytes > REPORT) return;
    this.#whenDrained?.resolve();
    this.#whenDrained = undefined;
  }

  #flush(window = WINDOW): void {
    while (!this.#isOver && this.#waiting.size > 0 && this.#unread < window) {
      const { bytes, flags } = this.#waiting.shift()!;
      this.#waitingBytes -= bytes.byteLength;
      this.#unread += bytes.byteLength;
      this.#put({ type: 'data', index: this.#sent++, text: '', count: flags }, undefined, bytes);
    }
  }

  #put(part: RelayPart, value?: unknown, bytes?: Uint8Array): void {
    this.events.send(part, value, bytes).catch(() => this.broke('The other node cannot be reached.'));
  }

  #end(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#waitingBytes = this.#unread = 0;
    this.#pieces = [];
    this.#whenDrained?.resolve();
  }
}
