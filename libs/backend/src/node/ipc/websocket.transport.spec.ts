import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { settled, until } from '../../../../../test/harness/waiting.js';
import { IpcWebSocket, WebSocketTransport } from './websocket.transport.js';

interface Frame {
  head: number;
  payload: Buffer;
}

/** A peer that reads frames when it is told to, and checks that each is whole and written in the shortest way. */
class Peer {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  ended = false;
  #bytes: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = 2;
  #open = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.ended = true));
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.byteLength;
      if (this.#size < this.#wanted) return;
      this.#bytes = Buffer.concat(this.#chunks);
      while (this.#take());
      this.#chunks = [this.#bytes];
      this.#size = this.#bytes.byteLength;
    });
    this.socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  }

  /** An empty frame of a kind, masked with nothing. */
  say(opcode: number): void {
    this.socket.write(Buffer.of(0x80 | opcode, 0x80, 0, 0, 0, 0));
  }

  async take(count: number): Promise<Frame[]> {
    await until(() => this.frames.length >= count);
    return this.frames.splice(0, count);
  }

  #take(): boolean {
    this.#wanted = 2;
    if (!this.#open) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return false;
      this.#open = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    const bytes = this.#bytes;
    if (bytes.byteLength < 2) return false;
    const short = bytes[1]!;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.byteLength < start) return false;
    let length = short;
    if (start === 4) length = bytes.readUInt16BE(2);
    if (start === 10) length = Number(bytes.readBigUInt64BE(2));
    if (length < [0, 126, 65_536][[2, 4, 10].indexOf(start)]!)
      throw new Error(`${length} is written too long`);
    this.#wanted = start + length;
    if (bytes.byteLength < this.#wanted) return false;
    this.frames.push({ head: bytes[0]!, payload: bytes.subarray(start, start + length) });
    this.#bytes = bytes.subarray(start + length);
    return true;
  }
}

let server: Server;
let port = 0;
const peers: Peer[] = [];
let opened: { transport: WebSocketTransport; webSocket: IpcWebSocket; socket: Socket }[] = [];

beforeEach(async () => {
  const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, WebSocket: IpcWebSocket });
  server = createServer();
  server.on('upgrade', (request, socket, head) =>
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => undefined);
      opened.push({
        transport: new WebSocketTransport(webSocket, socket as Socket),
        webSocket,
        socket: socket as Socket,
      });
    }),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.destroy();
  for (const { webSocket } of opened) webSocket.terminate();
  opened = [];
  server.close();
  await once(server, 'close');
});

async function open() {
  const before = opened.length;
  const peer = new Peer(port);
  peers.push(peer);
  await until(() => opened.length > before);
  return { peer, ...opened[before]! };
}

/** Writes a message of the compatible wire. */
function write(transport: WebSocketTransport, text: string, parts: readonly Uint8Array[]): void {
  transport.write(text);
  for (const part of parts) transport.write(part);
}

const TEXT = 0x81;
const BINARY = 0x82;

describe('a WebSocketTransport', () => {
  const lengths = [
    0, 1, 125, 126, 127, 16_383, 16_384, 65_524, 65_526, 65_535, 65_536, 65_537, 70_000, 300_000,
  ];

  it.each(lengths)('writes frames of %i bytes whole and in order', async (length) => {
    const { peer, transport } = await open();
    const text = 'x'.repeat(length);
    const part = randomBytes(length);
    write(transport, text, []);
    write(transport, 'between', [part, part]);
    write(transport, 'after', []);
    const frames = await peer.take(5);
    expect(frames.map(({ head }) => head)).toEqual([TEXT, TEXT, BINARY, BINARY, TEXT]);
    const payloads = frames.map(({ payload }) => payload);
    expect(payloads[0]!.toString() === text).toBe(true);
    expect(payloads[1]!.toString()).toBe('between');
    expect(payloads[2]!.equals(part) && payloads[3]!.equals(part)).toBe(true);
    expect(payloads[4]!.toString()).toBe('after');
  });

  it.each([1, 100, 125, 126, 30_000, 65_535, 65_536, 100_000])(
    'writes a text of %i times three multi-byte letters with the right length',
    async (n) => {
      const { peer, transport } = await open();
      // Half a surrogate pair has no bytes: it is replaced, and the length is right.
      const text = `${'é€😀'.repeat(n)}\ud800`;
      write(transport, text, []);
      write(transport, 'after', []);
      const [first, second] = await peer.take(2);
      expect(first!.payload.toString() === Buffer.from(text).toString()).toBe(true);
      expect(second!.payload.toString()).toBe('after');
    },
  );

  it('writes frames of one turn in their order, whatever their sizes', async () => {
    const { peer, transport } = await open();
    const sent: Buffer[] = [];
    for (let i = 0; i < 400; i++) {
      const parts = Array.from({ length: i % 4 }, (_, n) => randomBytes((i * 7919 + n * 104_729) % 40_000));
      write(transport, `message ${i}`, parts);
      sent.push(Buffer.from(`message ${i}`), ...parts);
    }
    const frames = await peer.take(sent.length);
    expect(frames.every(({ payload }, i) => payload.equals(sent[i]!))).toBe(true);
  });

  it('writes frames of one turn together', async () => {
    const { peer, transport, socket } = await open();
    let writes = 0;
    const pass = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      writes++;
      return pass(...args);
    };
    for (let i = 0; i < 100; i++) write(transport, `{"i":${i}}`, [Uint8Array.of(i)]);
    await Promise.resolve().then(() => write(transport, 'behind a promise', []));
    expect(writes).toBe(0);
    await peer.take(201);
    expect(writes).toBe(1);
  });

  it('keeps its frames in order with the control frames of ws', async () => {
    const { peer, transport, webSocket } = await open();
    const part = randomBytes(100_000);
    const expected: string[] = [];
    webSocket.on('ping', () => write(transport, 'pong was sent', []));
    for (let i = 0; i < 50; i++) {
      write(transport, `before ${i}`, [part]);
      webSocket.ping(`ping ${i}`);
      write(transport, `behind ${i}`, []);
      expected.push(`before ${i}`, `behind ${i}`);
      if (i % 10 === 0) {
        const pinged = once(webSocket, 'ping');
        peer.say(0x9);
        await pinged;
      }
    }
    transport.close(1000, 'done');
    const frames = await peer.take(50 * 4 + 5 * 2 + 1);
    const own = frames.filter(({ head }) => head === TEXT).map(({ payload }) => payload.toString());
    expect(own.filter((text) => text !== 'pong was sent')).toEqual(expected);
    expect(frames.filter(({ head }) => head === 0x89)).toHaveLength(50);
    expect(frames.filter(({ head }) => head === 0x8a)).toHaveLength(5);
    // A part is directly behind its text, or a control frame is between them: never another message.
    const data = frames.filter(({ head }) => head < 0x88);
    for (const [i, { head, payload }] of data.entries()) {
      if (head === BINARY) expect(data[i - 1]!.payload.toString()).toMatch(/^before/);
      if (head === BINARY) expect(payload.equals(part)).toBe(true);
    }
    expect(frames.at(-1)!.head).toBe(0x88);
  });

  it('writes views, shared memory and single bytes', async () => {
    const { peer, transport } = await open();
    const shared = new Uint8Array(new SharedArrayBuffer(40_000)).fill(7);
    const pooled = new Uint8Array(randomBytes(60_000).buffer, 3, 50_000);
    const parts = [shared, shared.subarray(1, 3), pooled, pooled.subarray(5, 6), new Uint8Array()];
    write(transport, 'parts', parts);
    const [, ...frames] = await peer.take(6);
    expect(frames.map(({ payload }) => payload.toString('hex'))).toEqual(
      parts.map((part) => Buffer.from(part).toString('hex')),
    );
  });
});

describe('the memory of batches of WebSocketTransport', () => {
  it('is reused only after it was sent, with many slow and fast peers', async () => {
    const all = [];
    for (let i = 0; i < 24; i++) all.push(await open());
    const slow = all.filter((_, i) => i % 3 === 0);
    const sent = all.map((): Buffer[] => []);
    // Enough that the system takes nothing more, and batches have to wait.
    const large = Buffer.alloc(8 * 1024 * 1024, 1);
    for (const [i, { peer, transport }] of all.entries()) {
      if (i % 3 > 0) continue;
      peer.socket.pause();
      write(transport, '', [large]);
      sent[i]!.push(Buffer.alloc(0), large);
    }
    for (let round = 0; round < 60; round++) {
      for (const [i, { transport }] of all.entries()) {
        const text = `peer ${i} round ${round} ${String.fromCharCode(97 + (i % 26)).repeat(20_000)}`;
        const part = Buffer.alloc(1 + ((i * 31 + round * 977) % 16_000), i + 1);
        write(transport, text, [part]);
        sent[i]!.push(Buffer.from(text), part);
      }
      await turn();
      // A peer that takes a little, now and then.
      const { peer } = slow[round % slow.length]!;
      peer.socket.resume();
      await turn();
      if (round < 50) peer.socket.pause();
    }
    for (const { peer } of slow) peer.socket.resume();
    for (const [i, { peer }] of all.entries()) {
      const frames = await peer.take(sent[i]!.length);
      const wrong = frames.findIndex(({ payload }, n) => !payload.equals(sent[i]![n]!));
      expect([i, wrong]).toEqual([i, -1]);
    }
  });
});

describe('a WebSocketTransport whose peer does not read', () => {
  const MiB = 1024 * 1024;

  /** Bytes that a system takes of a connection that is not read: by the defaults of Linux 6 MiB there and 4 MiB here, in its own time. */
  const MOST_TAKEN = 10 * MiB;

  /** Writes more than the system takes, by so much. */
  async function fill(transport: WebSocketTransport, beyond: number): Promise<number> {
    let frames = 0;
    for (let written = 0; written < MOST_TAKEN + beyond; written += MiB) {
      write(transport, '', [new Uint8Array(MiB)]);
      frames += 2;
      await turn();
    }
    return frames;
  }

  it('counts the bytes that the system has not taken in bufferedBytes', async () => {
    const { peer, transport } = await open();
    peer.socket.pause();
    expect(transport.bufferedBytes).toBe(0);
    write(transport, 'abc', [new Uint8Array(3)]);
    expect(transport.bufferedBytes).toBe(10);
    await turn();
    expect(transport.bufferedBytes).toBe(0);
    await fill(transport, 2 * MiB);
    expect(transport.bufferedBytes).toBeGreaterThanOrEqual(2 * MiB);
    peer.socket.resume();
    await transport.drained();
    expect(transport.bufferedBytes).toBe(0);
  });

  it('resolves drained() only when the peer reads again, each time', async () => {
    const { peer, transport } = await open();
    for (let round = 0; round < 3; round++) {
      // With nothing on its way there is nothing to wait for.
      await transport.drained();
      peer.socket.pause();
      const frames = await fill(transport, 2 * MiB);
      let drained = 0;
      for (let i = 0; i < 3; i++) void transport.drained().then(() => drained++);
      await settled();
      expect(drained).toBe(0);
      peer.socket.resume();
      await peer.take(frames);
      await until(() => drained === 3);
    }
  });

  it('resolves drained() when the connection ends', async () => {
    for (const end of ['server', 'peer']) {
      const { peer, transport, webSocket } = await open();
      peer.socket.pause();
      await fill(transport, 2 * MiB);
      const drained = transport.drained();
      if (end === 'peer') peer.socket.resetAndDestroy();
      else webSocket.terminate();
      await drained;
      await transport.drained();
      // Nobody is there.
      write(transport, 'x', [new Uint8Array(100_000)]);
      transport.close(1000, '');
      await settled();
    }
  });

  it('stops reading until the peer has taken the frames', async () => {
    const { peer, transport, webSocket } = await open();
    let messages = 0;
    webSocket.on('message', () => messages++);
    peer.socket.pause();
    const frames = await fill(transport, 6 * MiB);
    expect(webSocket.isPaused).toBe(true);
    for (let i = 0; i < 20; i++) peer.say(0x2);
    await settled();
    expect(messages).toBe(0);
    peer.socket.resume();
    await peer.take(frames);
    await until(() => messages === 20);
  });

  it('reads again after close(), so that the close frame of the peer arrives', async () => {
    const { peer, transport, webSocket } = await open();
    transport.pause();
    transport.pause();
    transport.close(1013, 'too slow');
    const [frame] = await peer.take(1);
    expect([frame!.head, frame!.payload.readUInt16BE(0), frame!.payload.toString('utf8', 2)]).toEqual([
      0x88,
      1013,
      'too slow',
    ]);
    peer.say(0x8);
    await once(webSocket, 'close');
  });
});

describe('a sign of life of the peer of a WebSocketTransport', () => {
  it('is any frame, such as the answer to a ping', async () => {
    const { peer, transport } = await open();
    expect(transport.beat()).toBe(true);
    await peer.take(1);
    expect(transport.beat()).toBe(false);
    peer.say(0xa);
    await until(() => transport.beat());
    await expect(transport.isAlive(20)).resolves.toBe(false);
    const asked = transport.isAlive(12_000);
    peer.say(0xa);
    await expect(asked).resolves.toBe(true);
  });

  it('is that a slow peer takes some of the bytes that wait for it', async () => {
    const { peer, transport } = await open();
    transport.beat();
    write(transport, '', [new Uint8Array(24 * 1024 * 1024)]);
    peer.socket.pause();
    await until(() => transport.beat());
    for (let i = 0; i < 8; i++) {
      const { bytesRead } = peer.socket;
      peer.socket.resume();
      while (peer.socket.bytesRead < bytesRead + 2 * 1024 * 1024) await turn();
      peer.socket.pause();
      expect(transport.bufferedBytes).toBeGreaterThan(0);
      // The system passes on what there is space for when it comes to it.
      await until(() => transport.beat());
    }
    // The system may go on taking bytes for a while after the peer has stopped reading.
    await until(async () => !(await transport.isAlive(20)));
    // The first beat reports what came since the one before.
    transport.beat();
    expect(transport.beat()).toBe(false);
    const asked = transport.isAlive(50);
    peer.socket.resume();
    // A busy machine may not get to it in that time; each question begins where the last one ended.
    await until(async () => (await asked) || (await transport.isAlive(50)));
  });

  it('is assumed while the peer is not read', async () => {
    const { transport } = await open();
    transport.pause();
    for (let i = 0; i < 3; i++) expect(transport.beat()).toBe(true);
    transport.resume();
    expect(transport.beat()).toBe(true);
    expect(transport.beat()).toBe(false);
  });
});

describe('close() of a WebSocketTransport', () => {
  it('writes its frame behind the frames of the same turn, and none after it', async () => {
    const { peer, transport } = await open();
    write(transport, 'last', [Uint8Array.of(1)]);
    transport.close(1001, 'going');
    write(transport, 'never', []);
    const frames = await peer.take(3);
    expect(frames.map(({ head }) => head)).toEqual([TEXT, BINARY, 0x88]);
    // The backend ends the connection behind its last frame.
    peer.say(0x8);
    await until(() => peer.ended);
    expect(peer.frames).toEqual([]);
  });

  it('cuts a reason between letters', async () => {
    const { peer, transport } = await open();
    transport.close(1008, `${'x'.repeat(121)}€€`);
    const [{ payload }] = (await peer.take(1)) as [Frame];
    expect(payload.toString('utf8', 2)).toBe('x'.repeat(121));
  });

  it('sends one close frame if it is called twice', async () => {
    const { peer, transport } = await open();
    transport.close(1008, 'first');
    transport.close(1001, 'second');
    const [{ payload }] = (await peer.take(1)) as [Frame];
    expect(payload.toString('utf8', 2)).toBe('first');
  });
});
