import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { IpcFrame, IpcServerTransport } from '@linnet/common';
import { WebSocketKeepalive } from './websocket.keepalive.js';

/** The reasons of codes with which `ws` closes by itself (RFC 6455, 7.4.1). */
const reasons: Readonly<Record<number, string>> = {
  1002: 'The frames are not those of WebSocket.',
  1007: 'A text frame is not UTF-8.',
  1008: 'A message came in too many pieces.',
  1009: 'A frame is too big.',
};

/** A WebSocket of the server that gives a reason when it closes, and first writes what is still held back. */
export class IpcWebSocket extends WebSocket {
  /** Writes the frames that are still held back. */
  flush: () => void = () => undefined;
  /** The code with which this side has closed; 1006 before that. */
  closeCode = 1006;

  override close(code?: number, reason?: string | Buffer): void {
    this.flush();
    this.closeCode = code ?? 1005;
    super.close(code, reason ?? reasons[code ?? 0]);
  }
}

/** Frames written in one turn of the event loop are collected up to this size, and then sent as one. */
const BATCH = 64 * 1024;
/** Parts from this size on are written alone. */
const LARGE_PART = 16 * 1024;
/** Batches for reuse, for all sockets. */
const spare: Buffer[] = [];
const MAX_SPARE_BATCHES = 16;
/** Above this many bytes that the peer has not taken, reading from it stops. */
const HIGH_WATER = 4 * 1024 * 1024;
/** The longest reason of a close frame, in bytes. */
const MAX_REASON_BYTES = 123;

/** Most bytes of the head of a frame. */
const HEAD_BYTES = 10;
const TEXT = 0x81;
const BINARY = 0x82;

/**
 * The frames of a WebSocket. They are written here and not by `ws`, whose two writes for each frame are most of the
 * cost of a small message. The frames of one turn of the event loop go out together.
 */
export class WebSocketTransport implements IpcServerTransport {
  readonly name = 'WebSocket';
  #batch: Buffer | undefined;
  #filled = 0;
  #scheduled = false;
  #corked = false;
  #paused = 0;
  #isSlow = false;
  #drained: Promise<void> | undefined;
  readonly #keepalive: WebSocketKeepalive;
  readonly #flush = () => this.flush();

  constructor(
    private readonly webSocket: IpcWebSocket,
    private readonly socket: Socket,
  ) {
    this.#keepalive = new WebSocketKeepalive(webSocket, socket);
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
    // After the promises of this turn, whose handlers write answers.
    process.nextTick(work);
  }

  drained(): Promise<void> {
    this.flush();
    // The kernel mostly takes all of it at once, long before the event.
    if (this.socket.destroyed || this.socket.writableLength === 0) return Promise.resolve();
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
    // The close frame of the peer has to be read.
    this.#paused = 0;
    this.webSocket.resume();
    this.webSocket.close(code, clipped(reason));
  }

  terminate(): void {
    this.webSocket.terminate();
  }

  /** Stops reading until {@link resume} was called as often. */
  pause(): void {
    if (this.#paused++ === 0) this.webSocket.pause();
  }

  resume(): void {
    if (this.#paused > 0 && --this.#paused === 0) this.webSocket.resume();
  }

  /** Requests a sign of life from the peer. @returns whether one came since the last call */
  beat(): boolean {
    // A peer that is not read, because its session still opens, cannot give any.
    return this.#keepalive.beat(this.#paused <= Number(this.#isSlow));
  }

  /** Requests a sign of life from the peer, and waits for it. */
  isAlive(timeoutMs: number): Promise<boolean> {
    return this.#keepalive.isAlive(timeoutMs);
  }

  /** Sends the collected frames. */
  flush(): void {
    this.#scheduled = false;
    const batch = this.#batch;
    this.#pass();
    if (this.#corked) this.socket.uncork();
    this.#corked = false;
    // The kernel mostly has all of it by now.
    if (batch && this.socket.writableLength === 0 && spare.length < MAX_SPARE_BATCHES) spare.push(batch);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.defer(this.#flush);
  }

  #writeText(text: string): void {
    const length = Buffer.byteLength(text);
    if (length + HEAD_BYTES > BATCH) {
      this.#writeAlone(TEXT, Buffer.from(text));
      return;
    }
    const batch = this.#space(length + HEAD_BYTES);
    this.#filled = writeHead(batch, this.#filled, TEXT, length);
    this.#filled += batch.write(text, this.#filled, length, 'utf8');
  }

  #writePart(part: Uint8Array): void {
    if (part.byteLength >= LARGE_PART) {
      this.#writeAlone(BINARY, part);
      return;
    }
    const batch = this.#space(part.byteLength + HEAD_BYTES);
    this.#filled = writeHead(batch, this.#filled, BINARY, part.byteLength);
    batch.set(part, this.#filled);
    this.#filled += part.byteLength;
  }

  #writeAlone(opcode: number, payload: Uint8Array): void {
    if (this.#filled > 0) this.#passOn();
    if (!this.#corked) this.socket.cork();
    this.#corked = true;
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    this.socket.write(head.subarray(0, writeHead(head, 0, opcode, payload.byteLength)));
    this.socket.write(payload);
  }

  /** A batch with space for this many bytes. */
  #space(bytes: number): Buffer {
    if (this.#batch && this.#filled + bytes > BATCH) this.#passOn();
    return (this.#batch ??= spare.pop() ?? Buffer.allocUnsafeSlow(BATCH));
  }

  /** Passes the batch to the socket, which sends it with the next write. */
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

  /** The peer takes less than it requests: reading goes on when it has taken all. */
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
  // A letter that would be cut is left out, because the peer would refuse it.
  return Buffer.from(
    new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON_BYTES), { stream: true }),
  );
}
