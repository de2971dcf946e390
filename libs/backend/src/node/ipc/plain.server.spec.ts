import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { createIpcServer } from './plain.server.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The answer to an upgrade request, as text. */
async function upgrade(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('\r\n\r\n')) break;
  }
  socket.destroy();
  return text;
}

describe('two IPC servers on one HTTP server', () => {
  it('each take the upgrades of their own path, and leave others to the HTTP server', async () => {
    const http = createServer((_request, response) => response.writeHead(404).end());
    const ipc = ['/robots', '/doors'].map((path) => createIpcServer({ path }));
    for (const each of ipc) each.attach(http);
    const port = await listen(http);
    for (const path of ['/robots', '/doors']) expect(await upgrade(port, path)).toMatch(/^HTTP\/1.1 101 /);
    expect(await upgrade(port, '/elsewhere')).toMatch(/^HTTP\/1.1 404 /);
    for (const each of ipc) await each.close(100);
  });

  it('survive a peer that resets the connection of an upgrade that nobody takes', async () => {
    const http = createServer();
    // The request is never answered.
    http.on('request', () => undefined);
    for (const path of ['/robots', '/doors']) createIpcServer({ path }).attach(http);
    const port = await listen(http);
    const requested = once(http, 'request');
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'GET /elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await requested;
    socket.resetAndDestroy();
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/doors`);
    await once(webSocket, 'open');
    webSocket.terminate();
  });
});

describe('authorize of an IPC server without Nest', () => {
  it('refuses with 500 if it throws a value that cannot be read', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const reports: string[] = [];
    const ipc = createIpcServer({
      authorize: () => {
        throw proxy;
      },
      report: ({ kind }) => reports.push(kind),
    });
    const http = createServer();
    ipc.attach(http);
    expect(await upgrade(await listen(http), '/ipc')).toMatch(/^HTTP\/1.1 500 /);
    expect(reports).toEqual(['error']);
  });
});
