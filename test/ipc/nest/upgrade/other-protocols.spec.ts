import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Body, Controller, Get, Headers, Post } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import { adapters, closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';
import { definitionOf } from '../../../harness/nest.harness.js';
import { certificate, privateKey } from '../../../harness/localhost.js';

@Controller()
class PlainController {
  @Get('plain')
  get(@Headers('x-robot') robot?: string) {
    return `plain ${robot ?? ''}`;
  }
  @Post('echo')
  echo(@Body() body: object) {
    return body;
  }
}

@RpcInterface(definitionOf('Robots', 'count'))
class RobotsImpl {
  async count(n: number) {
    return `counted ${n}`;
  }
}

const sockets: Socket[] = [];

/** A connection, and what came over it so far. */
function talk(socket: Socket): { socket: Socket; text: () => string } {
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  return { socket, text: () => text };
}

const head = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
const upgrade = ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'];
const answers = (text: string) => text.split(/(?=HTTP\/1\.1 )/).filter(Boolean);

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeIpcApps();
});

// Clients such as curl and Java's ask for HTTP/2 this way, and do not mind being answered without it.
describe.each(Object.entries(adapters))('a request that offers another protocol, on %s', (_name, way) => {
  const start = () => startIpcApp({ way, rpc: {}, controllers: [PlainController], providers: [RobotsImpl] });

  it('is answered by its controller', async () => {
    const { port } = await start();
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    socket.write(
      head('GET /plain', 'X-Robot: \u00e9', 'Connection: close, Upgrade, HTTP2-Settings', ...upgrade),
      'latin1',
    );
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 200 /);
    expect(Buffer.from(text(), 'latin1').toString()).toMatch(/plain \u00e9$/);
  });

  it('can have a body, in the same packet or later', async () => {
    const { port, app } = await start();
    const accepted: Socket[] = [];
    (app.getHttpServer() as Server).on('connection', (socket: Socket) => accepted.push(socket));
    const body = JSON.stringify({ robot: 'r'.repeat(50_000) });
    const sent = head(
      'POST /echo',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: Upgrade, HTTP2-Settings, close',
      ...upgrade,
    );
    for (const cut of [sent.length + 10_000, sent.length, 0]) {
      const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
      const all = sent + body;
      if (cut > 0) {
        socket.write(all.slice(0, cut));
        await until(() => accepted.at(-1)?.bytesRead === cut);
      }
      socket.write(all.slice(cut));
      await once(socket, 'close');
      expect(text()).toMatch(/^HTTP\/1\.1 201 /);
      expect(text()).toContain(body.slice(0, 1000));
    }
  });

  it('can be an RPC call', async () => {
    const { port } = await start();
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    const headers = ['Content-Type: text/plain', 'Content-Length: 3', 'X-Correlation-ID: a1'];
    for (let n = 1; n <= 2; n++) {
      socket.write(head('POST /Robots-1.0.0-count', ...headers, 'Connection: Upgrade', ...upgrade) + '[7]');
      await until(() => answers(text()).length === n && text().endsWith('"counted 7"'));
    }
    expect(text()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('can have a body in chunks', async () => {
    const { port } = await start();
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    socket.write(head('POST /echo', ...headers, 'Connection: Upgrade, close', 'Upgrade: h2c'));
    socket.write('4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n');
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 201 /);
    expect(text()).toContain('{"a":1}');
  });

  it('leaves its connection to later requests', async () => {
    const { port } = await start();
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    for (let n = 1; n <= 3; n++) {
      socket.write(head('GET /plain', `X-Robot: ${n}`, 'Connection: Upgrade, HTTP2-Settings', ...upgrade));
      await until(() => text().includes(`plain ${n}`));
      socket.write(head('GET /plain', `X-Robot: then ${n}`));
      await until(() => text().includes(`plain then ${n}`));
    }
    expect(answers(text())).toHaveLength(6);
    expect(socket.listenerCount('error')).toBe(1);
  });

  it('leaves its connection to requests that were sent with it', async () => {
    const { port } = await start();
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    socket.write(
      head('GET /plain', 'X-Robot: 1', 'Connection: Upgrade', 'Upgrade: h2c') +
        head('GET /plain', 'X-Robot: 2') +
        head('GET /plain', 'X-Robot: 3', 'Connection: close'),
    );
    await once(socket, 'close');
    expect(answers(text()).map((answer) => answer.slice(-7))).toEqual(['plain 1', 'plain 2', 'plain 3']);
  });

  it('does not add listeners to its connection each time', async () => {
    const { port, app } = await start();
    const accepted: Socket[] = [];
    (app.getHttpServer() as Server).once('connection', (socket: Socket) => accepted.push(socket));
    const { socket, text } = talk(connectTcp(port, '127.0.0.1'));
    const counts: number[] = [];
    for (let n = 1; n <= 15; n++) {
      socket.write(head('GET /plain', `X-Robot: <${n}>`, 'Connection: Upgrade', 'Upgrade: h2c'));
      await until(() => text().includes(`<${n}>`));
      const names = accepted[0]!.eventNames() as string[];
      counts.push(Math.max(...names.map((name) => accepted[0]!.listenerCount(name))));
    }
    expect(counts.at(-1)).toBe(counts[1]);
  });
});

describe.each(Object.entries(adapters).slice(0, 2))('an application over TLS, on %s', (_name, way) => {
  const httpsOptions = { key: privateKey, cert: certificate };

  it('serves a frontend', async () => {
    const { connect, port, host } = await startIpcApp({ way, appOptions: { httpsOptions } });
    host.handle('echo', (_event, _method, ...args) => args);
    const createConnection = () => connectTls({ port, host: '127.0.0.1', ca: certificate });
    const { ask } = await connect({ createConnection });
    expect(await ask('echo.it', 1, 'x'.repeat(300_000))).toEqual([1, 'x'.repeat(300_000)]);
  });

  it('answers a request that offers another protocol by its controller', async () => {
    const { port } = await startIpcApp({ way, appOptions: { httpsOptions }, controllers: [PlainController] });
    const { socket, text } = talk(connectTls({ port, host: '127.0.0.1', ca: certificate }));
    socket.write(head('GET /plain', 'X-Robot: 1', 'Connection: Upgrade, HTTP2-Settings', ...upgrade));
    await until(() => text().includes('plain 1'));
    socket.write(head('GET /plain', 'X-Robot: 2', 'Connection: close'));
    await once(socket, 'close');
    expect(answers(text())).toHaveLength(2);
  });
});
