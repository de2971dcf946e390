// The real backend of iTwin.js, in a process of its own: `IpcWebSocketBackend` over `ws`, wired as `LocalhostIpcHost`
// does it, with the envelope that `IpcHandler` of `@itwin/core-backend` writes. Tells its parent the port it listens on.
// An argument `views` has `ws` give it memory, and not a Buffer of it; one `no-protocol` has it agree to no subprotocol.
import {
  IModelError,
  IpcWebSocket,
  IpcWebSocketBackend,
  IpcWebSocketMessage,
  IpcWebSocketTransport,
} from '@itwin/core-common';
import { WebSocketServer } from 'ws';

const modes = process.argv.slice(2);

class Transport extends IpcWebSocketTransport {
  #sent = new Map();

  send(message) {
    for (const [socket, sequence] of this.#sent) {
      this.#sent.set(socket, sequence + 1);
      for (const part of this.serialize({ ...message, sequence })) socket.send(part);
    }
  }

  connect(socket) {
    if (modes.includes('views')) socket.binaryType = 'arraybuffer';
    this.#sent.set(socket, 0);
    socket.on('message', async (data, isBinary) => {
      const message = await this.notifyIncoming(isBinary ? data : data.toString(), socket);
      if (IpcWebSocketMessage.skip(message)) return;
      for (const receiver of IpcWebSocket.receivers) receiver({}, message);
    });
    socket.on('close', () => {
      this.#sent.delete(socket);
      this.notifyClose(socket);
    });
  }
}

const handlers = {
  add: async (a, b) => a + b,
  echo: async (...args) => args,
  nothing: async () => undefined,
  /** A description of the received value, in words. */
  describe: async (view) => ({ kind: view.constructor.name, values: [...new Uint8Array(view.buffer)] }),
  /** A view of each kind. */
  views: async () => [
    Uint8Array.of(1, 2, 3),
    Int16Array.of(-1, 2),
    Float32Array.of(1.5),
    Float64Array.of(0.1, -2),
    new DataView(Uint8Array.of(9, 8).buffer),
  ],
  push: async (count) => {
    for (let i = 0; i < count; i++) backend.send('itwin.told', 'moved', i, Float64Array.of(i / 2));
  },
  never: () => new Promise(() => undefined),
  heard: async () => heard.splice(0),
  failNumbered: async () => {
    throw new IModelError(65537, 'not there');
  },
  failPlain: async () => {
    throw new TypeError('no function');
  },
  failText: async () => {
    throw 'a text'; // oxlint-disable-line no-throw-literal -- as an application may
  },
  protocol: async () => [...server.clients].at(-1).protocol,
};
const heard = [];

IpcWebSocket.transport = new Transport();
const backend = new IpcWebSocketBackend();
backend.addListener('itwin.heard', (_event, ...args) => heard.push(args));
backend.handle('itwin.bare', async (_event, method, ...args) => [method, ...args]);
backend.handle('itwin.real', async (_event, method, ...args) => {
  try {
    const handler = handlers[method];
    if (!handler) throw new IModelError(65606, `Method "${method}" not found.`);
    return { result: await handler(...args) };
  } catch (error) {
    if (typeof error !== 'object') return { error };
    return { error: { ...error, name: error.name, message: error.message, stack: error.stack } };
  }
});

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(modes.find((mode) => /^\d+$/.test(mode)) ?? 0),
  ...(modes.includes('no-protocol') && { handleProtocols: () => false }),
});
server.on('connection', (socket) => IpcWebSocket.transport.connect(socket));
server.on('listening', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
