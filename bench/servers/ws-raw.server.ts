// The floor of IPC: the same work by hand on `ws` with JSON text frames, and nothing else.
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { reportToParent } from './parent.js';
import { SEND_AHEAD } from './pushing.js';
import { pieces } from './stream.data.js';

interface Call {
  id: number;
  method: string;
  args: number[];
}

const operations: Record<string, (socket: WebSocket, ...args: number[]) => unknown> = {
  add: (_socket, a, b) => a + b,
  push,
  bytes,
  upload: (socket, length) => new Promise<void>((done) => uploads.set(socket, { missing: length, done })),
};

/** The bytes that a socket still has to receive. */
const uploads = new Map<WebSocket, { missing: number; done: () => void }>();

async function push(socket: WebSocket, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    socket.send(JSON.stringify({ event: 'moved', data: [i, 1.5, 2.5] }));
    while (socket.bufferedAmount > SEND_AHEAD) await setTimeout(1);
  }
}

async function bytes(socket: WebSocket, count: number): Promise<void> {
  for await (const piece of pieces(count)) {
    if (socket.bufferedAmount < SEND_AHEAD) socket.send(piece);
    else await new Promise((resolve) => socket.send(piece, resolve));
  }
}

/** @returns whether the bytes belong to an upload */
function uploaded(socket: WebSocket, data: Buffer): boolean {
  const upload = uploads.get(socket);
  if (!upload) return false;
  upload.missing -= data.length;
  if (upload.missing > 0) return true;
  uploads.delete(socket);
  upload.done();
  return true;
}

// The same, in a process as large as a Nest application: what its heap costs a server that allocates much.
if (process.argv[2] === 'with-nest') await import('@nestjs/platform-express');

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      if (!uploaded(socket, data)) socket.send(data);
      return;
    }
    const { id, method, args } = JSON.parse(data.toString()) as Call;
    const result = operations[method]!(socket, ...args);
    if (result instanceof Promise) void result.then(() => socket.send(JSON.stringify({ id, result: null })));
    else socket.send(JSON.stringify({ id, result }));
  });
});
server.on('listening', () => reportToParent((server.address() as AddressInfo).port));
