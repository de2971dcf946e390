import { once } from 'node:events';
import type { Server } from 'node:http';
import { Controller, Get } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { IpcChannel, IpcSession } from '@linnet/backend';
import { Server as SocketIoServer } from 'socket.io';
import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { WebSocket, WebSocketServer } from 'ws';
import { adapters, closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { holdTimers, holdTimersFrom, releaseTimers } from '../../../harness/held.timers.js';
import { gate, settled, until } from '../../../harness/waiting.js';
import type { IpcAppSetup } from '../../../harness/ipc.harness.js';

@IpcChannel('where')
class WhereHandler {
  constructor(private readonly session: IpcSession) {}
  async am() {
    return `here ${this.session.isOpen}`;
  }
}

@Controller()
class PlainController {
  @Get('plain')
  get() {
    return 'plain';
  }
}

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('say')
  say(_client: unknown, text: string) {
    return { event: 'said', data: text };
  }
}

const gateways: Record<string, (app: INestApplication) => unknown> = {
  'no adapter of gateways': () => undefined,
  WsAdapter: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
  'the Socket.IO adapter': (app) => app.useWebSocketAdapter(new IoAdapter(app)),
};

const sockets: { close(): unknown }[] = [];

/** The answer of a gateway of `ws`. */
async function sayByWs(port: number, path = '/chat'): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  sockets.push(socket);
  await once(socket, 'open');
  socket.send(JSON.stringify({ event: 'say', data: 'hello' }));
  const [answer] = (await once(socket, 'message')) as [Buffer];
  return answer.toString();
}

/** The answer of a gateway of Socket.IO, over WebSocket alone. */
async function sayBySocketIo(port: number, path = '/chat'): Promise<string> {
  const socket: Socket = io(`http://127.0.0.1:${port}`, { path, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.on('said', resolve);
    socket.emit('say', 'hello');
  });
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await closeIpcApps();
  releaseTimers();
});

describe.each(Object.entries(adapters))('IPC on %s', (_name, way) => {
  describe.each(Object.entries(gateways))('with %s', (name, configure) => {
    const start = (setup: IpcAppSetup = {}) => {
      const providers = name === 'no adapter of gateways' ? [WhereHandler] : [WhereHandler, ChatGateway];
      return startIpcApp({ way, configure, providers, controllers: [PlainController], ...setup });
    };

    it('works beside controllers and gateways, and ends with the application', async () => {
      const { connect, send, port, close } = await start();
      const { raw, ask } = await connect();
      expect(await ask('where.am')).toEqual({ result: 'here true' });
      expect((await send({ method: 'GET', target: '/plain' })).text).toBe('plain');
      if (name === 'WsAdapter')
        expect(JSON.parse(await sayByWs(port))).toEqual({ event: 'said', data: 'hello' });
      if (name === 'the Socket.IO adapter') expect(await sayBySocketIo(port)).toBe('hello');
      expect(await (await connect()).ask('where.am')).toEqual({ result: 'here true' });
      // The end waits for no timer.
      holdTimersFrom(100);
      await close();
      expect((await raw.closed).code).toBe(1001);
    });
  });
});

describe('an upgrade of IPC', () => {
  const start = (setup: IpcAppSetup = {}) =>
    startIpcApp({ providers: [WhereHandler], controllers: [PlainController], ...setup });

  it('can wait for authorize longer than an adapter of gateways would allow', async () => {
    // Socket.IO gives an upgrade that it does not know a second.
    const adapterTimers = holdTimers(1000);
    let asked = 0;
    const verdict = gate();
    const authorize = async () => {
      asked++;
      await verdict.opened;
      return true;
    };
    const apps = await Promise.all(
      Object.values(gateways)
        .slice(1)
        .map((configure) => start({ configure, ipc: { authorize }, providers: [WhereHandler, ChatGateway] })),
    );
    const answers = apps.map(async ({ connect }) => (await connect()).ask('where.am'));
    await until(() => asked === 2);
    adapterTimers.expire();
    await settled();
    verdict.open();
    expect(await Promise.all(answers)).toEqual([{ result: 'here true' }, { result: 'here true' }]);
  });

  it('is not handled by listeners that are added later', async () => {
    const { app, connect, port } = await start();
    const server = app.getHttpServer() as Server;
    server.prependListener('upgrade', (_request, socket) => {
      if (_request.url!.startsWith('/ipc')) socket.destroy();
    });
    expect(await (await connect()).ask('where.am')).toEqual({ result: 'here true' });
    const chat = new SocketIoServer(server, { path: '/later' });
    chat.on('connection', (socket) => {
      socket.on('say', (text: string) => socket.emit('said', text));
    });
    expect(await (await connect()).ask('where.am')).toEqual({ result: 'here true' });
    expect(await sayBySocketIo(port, '/later')).toBe('hello');
    chat.disconnectSockets(true);
  });

  it('is left to a server of the application if its path is another one', async () => {
    const { app, connect, port } = await start();
    const own = new WebSocketServer({ noServer: true });
    const server = app.getHttpServer() as Server;
    server.on('upgrade', (request, socket, head) =>
      own.handleUpgrade(request, socket, head, (webSocket) => webSocket.send(`own ${request.url}`)),
    );
    const socket = new WebSocket(`ws://127.0.0.1:${port}/own`);
    sockets.push(socket);
    expect(String((await once(socket, 'message'))[0])).toBe('own /own');
    expect(await (await connect()).ask('where.am')).toEqual({ result: 'here true' });
  });

  it('is refused with 404 if its path only begins like the path of IPC', async () => {
    const { refused } = await start();
    for (const path of ['/ipc/', '/ipcs', '/IPC', '/api/ipc'])
      expect((await refused({ path })).status).toBe(404);
  });

  it('can have a query, and its path has no global prefix', async () => {
    const { connect } = await start({ configure: (app) => app.setGlobalPrefix('api') });
    expect(await (await connect({ path: '/ipc?robot=7' })).ask('where.am')).toEqual({ result: 'here true' });
  });

  it('goes to the application whose server received it', async () => {
    const [one, other] = [await start(), await start({ ipc: { path: '/other' } })];
    const first = await one.connect();
    const second = await other.connect({ path: '/other' });
    await until(() => one.host.sessions.length === 1 && other.host.sessions.length === 1);
    void one.host.send('told', 'one');
    void other.host.send('told', 'other');
    expect((await first.raw.nextMessage()).data).toEqual(['one']);
    expect((await second.raw.nextMessage()).data).toEqual(['other']);
    await one.close();
    expect((await first.raw.closed).code).toBe(1001);
    expect(await second.ask('where.am')).toEqual({ result: 'here true' });
  });

  it.each([
    ['a plain request', { method: 'GET', target: '/ipc' }, 404],
    [
      'another protocol',
      { target: '/ipc', headers: { Upgrade: 'h2c', Connection: 'Upgrade' }, body: '{}' },
      426,
    ],
    [
      'another method',
      { target: '/ipc', headers: { Upgrade: 'websocket', Connection: 'Upgrade' }, body: '' },
      426,
    ],
  ])('is a GET request with the protocol websocket: %s is refused', async (_what, sent, status) => {
    const { send } = await start();
    const reply = await send(sent);
    expect(reply.status).toBe(status);
    if (status === 426) {
      expect(reply.headers['upgrade']).toBe('websocket');
      expect(reply.text).toBe('A session is opened by upgrading to a WebSocket.\n');
    }
  });
});
