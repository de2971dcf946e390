import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { IpcFrame, IpcTransport } from '@linnet/common';
import { WebSocketKeepalive } from './websocket.keepalive.js';

/** What `ws` closes by itself for, without a reason: the codes of RFC 6455, 7.4.1. */
const reasons: Readonly<Record<number, string>> = {
  1002: 'The frames are not those of WebSocket.',
  1007: 'A text frame is not UTF-8.',
  1008: 'A message came in too many pieces.',
  1009: 'A frame is too big.',
};

/** A WebSocket of the server's that says why it closes, after what was written before. */
export class IpcWebSocket extends WebSocket {
  /** Writes what is still held back. */
  flush: () => void = () => undefined;
  /** With which code this side has closed; 1006 while it has not. */
  closeCode = 1006;

  override close(code?: number, reason?: string | Buffer): void {
    this.flush();
    this.closeCode = code ?? 1005;
    super.close(code, reason ?? reasons[code ?? 0]);
  }
}

/** Frames written in one turn of the event loop are collected up to this size, and then sent as one. */
const BATCH = 64 * 1024;
/** Parts from here on are sent by themselves. */
const LARGE_PART = 16 * 1024;
/** Batches that may be filled again, for all sockets. */
const spare: Buffer[] = [];
const MOST_SPARE = 16;
/** Above this many bytes that the peer has not taken, nothing more is read of it. */
const HIGH_WATER = 4 * 1024 * 1024;
/** As much of a reason as a close frame holds. */
const LONGEST_REASON = 123;

const TEXT = 0x81;
const BINARY = 0x82;

/**
 * Messages over a WebSocket. Frames are written here and not by `ws`, whose two writes for each frame are most of
 * what a small message costs: those of one turn of the event loop go out together.
 */
export class WebSocketTransport implements IpcTransport {
  #batch: Buffer | undefined;
  #filled = 0;
  #scheduled = false;
  #corked = false;
  #paused = 0;
  #isSlow = false;
  #drained: Promise<void> | undefined;
  readonly #life: WebSocketKeepalive;
  readonly #flush = () => this.flush();

  constructor(
    private readonly webSocket: IpcWebSocket,
    private readonly socket: Socket,
  ) {
    this.#life = new WebSocketKeepalive(webSocket, socket);
    webSocket.flush = this.#flush;
  }

  get bufferedBytes(): number {
    return this.socket.writableLength + this.#filled;
  }

  write(frame: IpcFrame): void {
    if (this.webSocket.readyState !== WebSocket.OPEN) return;
    this.#schedule();
    if (typeof frame === 'string') this.#writeText(frame);
    else this.#writePart(frame as Uint8Array);
    if (this.bufferedBytes > HIGH_WATER) this.#slow();
  }

  defer(work: () => void): void {
    // Behind the promises of this turn, whose handlers are those that answer.
    process.nextTick(work);
  }

  drained(): Promise<void> {
    this.flush();
    if (this.socket.destroyed || !this.socket.writableNeedDrain) return Promise.resolve();
    this.#drained ??= new Promise((resolve) => {
      const done = () => {
        this.socket.off('drain', done).off('close', done);
        this.#drained = undefined;
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
    return this.#drained;
  }

  close(code: number, reason: string): void {
    // What the peer says about closing has to be read.
    this.#paused = 0;
    this.webSocket.resume();
    this.webSocket.close(code, clipped(reason));
  }

  /** Stops reading until {@link resume} was called as often. */
  pause(): void {
    if (this.#paused++ === 0) this.webSocket.pause();
  }

  resume(): void {
    if (this.#paused > 0 && --this.#paused === 0) this.webSocket.resume();
  }

  /** Asks the peer for a sign of life. @returns whether there was one since the last time */
  beat(): boolean {
    // One that is not read yet, as its handlers are still being made, cannot give any.
    return this.#life.beat(this.#paused <= Number(this.#isSlow));
  }

  /** Asks the peer for a sign of life, and waits for it. */
  isAlive(timeoutMs: number): Promise<boolean> {
    return this.#life.isAlive(timeoutMs);
  }

  /** Sends what was collected. */
  flush(): void {
    this.#scheduled = false;
    const batch = this.#batch;
    this.#pass();
    if (this.#corked) this.socket.uncork();
    this.#corked = false;
    // Mostly the kernel has it all by now.
    if (batch && this.socket.writableLength === 0 && spare.length < MOST_SPARE) spare.push(batch);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.defer(this.#flush);
  }

  #writeText(text: string): void {
    const length = Buffer.byteLength(text);
    if (length + 10 > BATCH) {
      this.#writeAlone(TEXT, Buffer.from(text));
      return;
    }
    const batch = this.#room(length + 10);
    this.#filled = writeHead(batch, this.#filled, TEXT, length);
    this.#filled += batch.write(text, this.#filled, length, 'utf8');
  }

  #writePart(part: Uint8Array): void {
    if (part.byteLength >= LARGE_PART) {
      this.#writeAlone(BINARY, part);
      return;
    }
    const batch = this.#room(part.byteLength + 10);
    this.#filled = writeHead(batch, this.#filled, BINARY, part.byteLength);
    batch.set(part, this.#filled);
    this.#filled += part.byteLength;
  }

  #writeAlone(opcode: number, payload: Uint8Array): void {
    const batch = this.#room(10);
    this.#filled = writeHead(batch, this.#filled, opcode, payload.byteLength);
    this.#passOn();
    this.socket.write(payload);
  }

  /** The batch, with room for so many bytes more. */
  #room(bytes: number): Buffer {
    if (this.#batch && this.#filled + bytes > BATCH) this.#passOn();
    return (this.#batch ??= spare.pop() ?? Buffer.allocUnsafeSlow(BATCH));
  }

  /** Passes the batch on to the socket, to be sent with what follows. */
  #passOn(): void {
    if (!this.#corked) this.socket.cork();
    this.#corked = true;
    this.#pass();
  }

  #pass(): void {
    if (this.#filled > 0) this.socket.write(this.#batch!.subarray(0, this.#filled));
    this.#batch = undefined;
    this.#filled = 0;
  }

  /** The peer takes less than it asks for: it is read again when it has what it asked for. */
  #slow(): void {
    if (this.#isSlow) return;
    this.#isSlow = true;
    this.pause();
    void this.drained().then(() => {
      this.#isSlow = false;
      this.resume();
    });
  }
}

/** The head of a frame from a server (RFC 6455, 5.2). */
function writeHead(buffer: Buffer, offset: number, opcode: number, length: number): number {
  buffer[offset++] = opcode;
  if (length < 126) {
    buffer[offset++] = length;
    return offset;
  }
  if (length < 65_536) {
    buffer[offset++] = 126;
    return buffer.writeUInt16BE(length, offset);
  }
  buffer[offset++] = 127;
  return buffer.writeUInt32BE(length, buffer.writeUInt32BE(Math.floor(length / 2 ** 32), offset));
}

function clipped(reason: string): Buffer {
  // A letter that is cut through is left out, as the peer would refuse it.
  return Buffer.from(
    new TextDecoder().decode(Buffer.from(reason).subarray(0, LONGEST_REASON), { stream: true }),
  );
}
