// The iTwin.js reference: the IPC backend of `@itwin/core-common`, wired to `ws` as `LocalhostIpcHost` does it.
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import {
  IpcWebSocket,
  IpcWebSocketBackend,
  IpcWebSocketMessage,
  IpcWebSocketTransport,
} from '@itwin/core-common';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { reportToParent } from './parent.js';
import { SEND_AHEAD } from './pushing.js';

/** Every message goes to every connection, numbered for each. */
class Transport extends IpcWebSocketTransport {
  readonly #sent = new Map<WebSocket, number>();

  send(message: IpcWebSocketMessage): void {
    for (const [socket, sequence] of this.#sent) {
      this.#sent.set(socket, sequence + 1);
      for (const part of this.serialize({ ...message, sequence })) socket.send(part as string | Buffer);
    }
  }

  connect(socket: WebSocket): void {
    this.#sent.set(socket, 0);
    socket.on(
      'message',
      (data: Buffer, isBinary) => void this.#receive(isBinary ? data : String(data), socket),
    );
    socket.on('close', () => {
      this.#sent.delete(socket);
      this.notifyClose(socket);
    });
  }

  /** The longest queue of unsent bytes among the connections. */
  get ahead(): number {
    let most = 0;
    for (const { bufferedAmount } of this.#sent.keys()) most = Math.max(most, bufferedAmount);
    return most;
  }

  async #receive(data: string | Buffer, socket: WebSocket): Promise<void> {
    const message = await this.notifyIncoming(data, socket);
    if (IpcWebSocketMessage.skip(message)) return;
    for (const receiver of IpcWebSocket.receivers) receiver({} as Event, message);
  }
}

async function add(a: number, b: number): Promise<number> {
  return a + b;
}

async function echo(bytes: Uint8Array): Promise<Uint8Array> {
  return bytes;
}

async function push(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    backend.send('itwin.bench-push', i, 1.5, 2.5);
    while (transport.ahead > SEND_AHEAD) await setTimeout(1);
  }
}

const transport = new Transport();
IpcWebSocket.transport = transport;
const backend = new IpcWebSocketBackend();
const operations = { add, echo, push } as Record<string, (...args: unknown[]) => Promise<unknown>>;
// The envelope of `IpcHandler`.
backend.handle('itwin.bench', async (_event: Event, method: string, ...args: unknown[]) => {
  try {
    return { result: await operations[method]!(...args) };
  } catch (error) {
    return { error };
  }
});

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => transport.connect(socket));
server.on('listening', () => reportToParent((server.address() as AddressInfo).port));
