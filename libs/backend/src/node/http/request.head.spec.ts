import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { NodeRequestHead } from './request.head.js';

const headOf = (socket: unknown) =>
  new NodeRequestHead({ method: 'GET', url: '/', headers: {}, socket } as IncomingMessage);

/** The facts that a server knows about a connection, while it is there and when it is gone. */
async function heads(where: string | number) {
  const server = createServer().listen(where);
  await once(server, 'listening');
  const address = server.address() as string | AddressInfo;
  const client = typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const before = headOf(socket).isNative();
  socket.destroy();
  const gone = headOf(Object.assign(new Socket(), { server }));
  const after = [gone.isLoopback(), gone.isNative()];
  client.destroy();
  server.close();
  return { before, after };
}

describe('a request on this computer', () => {
  it('is not native any more after its TCP connection is closed', async () => {
    expect(await heads(0)).toEqual({ before: true, after: [false, false] });
  });

  it('is native over a pipe, which has no addresses', async () => {
    const path =
      process.platform === 'win32' ? '\\\\.\\pipe\\head' : join(tmpdir(), `head-${process.pid}.sock`);
    expect(await heads(path)).toEqual({ before: true, after: [true, true] });
  });

  it('is native over a pair of streams in one process', () => {
    expect(headOf(duplexPair()[0]).isNative()).toBe(true);
  });
});
