import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Inbox } from './raw.frontend.inbox.js';

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** A frame of WebSocket itself (RFC 6455, 5.2), which may be anything but right. */
export interface WebSocketFrame {
  opcode: number;
  payload?: string | Uint8Array;
  /** Default: true. */
  fin?: boolean;
  /** The three reserved bits. Default: 0. */
  reserved?: number;
  /** Duties of a frontend. Default: true. */
  masked?: boolean;
  /** The length that is declared; the payload that follows is what it is. */
  declared?: number | bigint;
}

/** No byte of it is zero, so that a mask that is forgotten shows. */
const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

export function frameBytes(frame: WebSocketFrame): Buffer {
  const { opcode, fin = true, reserved = 0, masked = true } = frame;
  const payload = Buffer.from((frame.payload ?? '') as string);
  const length = BigInt(frame.declared ?? payload.byteLength);
  const size = length < 126n ? 2 : length < 65_536n ? 4 : 10;
  const head = Buffer.alloc(size);
  head[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (size === 2 ? Number(length) : size === 4 ? 126 : 127);
  if (size === 4) head.writeUInt16BE(Number(length), 2);
  if (size === 10) head.writeBigUInt64BE(BigInt.asUintN(64, length), 2);
  if (!masked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, MASK, payload.map((byte, i) => byte ^ MASK[i % 4]!)]);
}

export interface HandshakeOptions {
  /** Default: `/ipc`. */
  path?: string;
  /** Headers that differ from a correct handshake, by name as written there; `null`: not sent. */
  headers?: Record<string, string | null>;
}

/** The head of an upgrade request. */
export function handshake(port: number, { path = '/ipc', headers = {} }: HandshakeOptions = {}): string {
  const all: Record<string, string | null> = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

export interface BareOptions extends HandshakeOptions {
  /** Bytes that go out with the handshake, in the same packet. */
  behind?: Uint8Array;
  /** Whether a close frame is answered with one, as it has to be. Default: true. */
  answersClose?: boolean;
  patienceMs?: number;
}

/** A frame that came in. */
export interface ReceivedFrame {
  opcode: number;
  fin: boolean;
  reserved: number;
  masked: boolean;
  payload: Buffer;
}

/** The end of a connection: by a close frame of the server, or without one (1006). */
export interface BareEnd {
  code: number;
  reason: string;
}

/** A frontend below `ws`: it writes bytes, and reads frames without judging them. */
export class BareFrontend {
  readonly socket: Socket;
  /** Resolves when the connection is over. */
  readonly closed: Promise<BareEnd>;
  /** The answer to the handshake. */
  status = 0;
  head = '';
  #bytes: Buffer = Buffer.alloc(0);
  /** The chunks received since, and the number of bytes at which joining them is worthwhile. */
  #pieces: Buffer[] = [];
  #needed = 0;
  #end: BareEnd = { code: 1006, reason: '' };
  readonly #frames = new Inbox<ReceivedFrame>();
  readonly #heads = new Inbox<string>();
  readonly #options: BareOptions;

  private constructor(port: number, options: BareOptions) {
    this.#options = options;
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        for (const inbox of [this.#heads, this.#frames])
          inbox.end(`closed with ${this.#end.code} ${this.#end.reason}`);
        resolve(this.#end);
      });
    });
  }

  /** Connects and says nothing. */
  static async connect(port: number, options: BareOptions = {}): Promise<BareFrontend> {
    const bare = new BareFrontend(port, options);
    await once(bare.socket, 'connect');
    return bare;
  }

  /** Connects and sends the handshake; resolves with the server's answer to it, which may be a refusal. */
  static async open(port: number, options: BareOptions = {}): Promise<BareFrontend> {
    const bare = await BareFrontend.connect(port, options);
    bare.write(Buffer.concat([Buffer.from(handshake(port, options)), options.behind ?? Buffer.alloc(0)]));
    await bare.answered();
    return bare;
  }

  /** Waits until the handshake was answered. */
  async answered(): Promise<void> {
    await this.#heads.take(this.#patienceMs);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes frames in one packet. */
  frame(...frames: WebSocketFrame[]): void {
    this.write(Buffer.concat(frames.map(frameBytes)));
  }

  text(payload: string): void {
    this.frame({ opcode: Opcode.Text, payload });
  }

  /** The next frame, whatever it is. */
  next(withinMs = this.#patienceMs): Promise<ReceivedFrame> {
    return this.#frames.take(withinMs);
  }

  /** The next frame as text. */
  async nextText(withinMs = this.#patienceMs): Promise<string> {
    const { opcode, payload } = await this.next(withinMs);
    if (opcode !== Opcode.Text) throw new Error(`a frame of opcode ${opcode}: ${payload.toString('hex')}`);
    return payload.toString();
  }

  /** The text after the head of a refusal. */
  get body(): string {
    return this.status === 101 ? '' : this.#bytes.toString();
  }

  destroy(): void {
    this.socket.resetAndDestroy();
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? 10_000;
  }

  #read(chunk: Buffer): void {
    this.#pieces.push(chunk);
    const size = this.#pieces.reduce((sum, piece) => sum + piece.byteLength, this.#bytes.byteLength);
    if (size < this.#needed) return;
    this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces]);
    this.#pieces = [];
    if (this.status === 0) this.#readHead();
    if (this.status === 101) while (this.#readFrame());
  }

  #readHead(): void {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head = this.#bytes.toString('latin1', 0, end);
    this.status = Number(this.head.slice(9, 12));
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#heads.put(this.head);
  }

  #readFrame(): boolean {
    const bytes = this.#bytes;
    if (bytes.byteLength < 2) return false;
    const short = bytes[1]! & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.byteLength < start) return false;
    const length =
      start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    this.#needed = start + length;
    if (bytes.byteLength < this.#needed) return false;
    this.#needed = 0;
    this.#bytes = bytes.subarray(start + length);
    this.#take({
      opcode: bytes[0]! & 0x0f,
      fin: bytes[0]! >= 0x80,
      reserved: (bytes[0]! >> 4) & 7,
      masked: bytes[1]! >= 0x80,
      payload: bytes.subarray(start, start + length),
    });
    return true;
  }

  #take(frame: ReceivedFrame): void {
    if (frame.opcode === Opcode.Close) {
      const { payload } = frame;
      const code = payload.byteLength >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#end = { code, reason: payload.toString('utf8', 2) };
      if (this.#options.answersClose ?? true) this.frame({ opcode: Opcode.Close, payload });
    }
    this.#frames.put(frame);
  }
}
