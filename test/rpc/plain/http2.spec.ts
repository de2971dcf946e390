import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, Http2Server } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RpcInterface as Implements, RpcModule } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { RpcInterface } from '@linnet/common';

abstract class Stars extends RpcInterface {
  static readonly interfaceName = 'Stars';
  static readonly interfaceVersion = '1.0.0';
  async count(_sky: string): Promise<number> {
    return this.forward(arguments);
  }
}

@Implements(Stars)
class StarsImpl implements Stars {
  async count(sky: string) {
    return sky.length;
  }
}

@Module({ imports: [RpcModule.forRoot()], providers: [StarsImpl] })
class StarsModule {}

interface Http2Stop {
  readonly port: number;
  stop(): Promise<unknown>;
}

const servers: Record<string, () => Promise<Http2Stop>> = {
  'node:http2': async () => {
    const rpc = createRpcServer({ interfaces: [[Stars, StarsImpl]] });
    const server: Http2Server = createServer((request, response) =>
      // Only the part that Node's HTTP/1 compatibility has is used.
      rpc.handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      stop: () => new Promise((resolve) => server.close(resolve)),
    };
  },
  'Nest on Fastify': async () => {
    const adapter = new FastifyAdapter({ http2: true } as object);
    const app = await NestFactory.create(StarsModule, adapter, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return { port: (app.getHttpServer().address() as AddressInfo).port, stop: () => app.close() };
  },
};

describe.each(Object.keys(servers))('RPC over HTTP/2 on %s', (name) => {
  let server: Http2Stop;
  let session: ClientHttp2Session;
  afterEach(async () => {
    session.close();
    await server.stop();
  });

  async function call(authority: string, headers: Record<string, string> = {}) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/Stars-1.0.0-count',
      ':authority': authority,
      'content-type': 'text/plain',
      'x-correlation-id': 'h2',
      ...headers,
    });
    stream.end('["Orion"]');
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
    return [answer[':status'], await text(stream), answer['access-control-allow-origin']];
  }

  it('is served for a trusted host name, and refused for another one', async () => {
    server = await servers[name]!();
    session = connect(`http://127.0.0.1:${server.port}`);
    expect(await call(`localhost:${server.port}`)).toEqual([200, '5', undefined]);
    const evil = `evil.example:${server.port}`;
    for (const headers of [{}, { origin: `http://${evil}` }])
      expect(await call(evil, headers as Record<string, string>)).toEqual([
        403,
        expect.stringContaining(`Host \\"${evil}\\" is not served on a loopback address`),
        undefined,
      ]);
  });
});
