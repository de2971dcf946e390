import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, UseGuards } from '@nestjs/common';
import type { CanActivate, INestApplication } from '@nestjs/common';
import { createRpcServer } from '@linnet/backend/node';
import { RpcInterface } from '@linnet/backend';
import { platforms } from '../../plain/plain.servers.js';
import { closeApps, definitionOf, rpcHeaders, startApp, ways } from '../../../harness/nest.harness.js';

const tenant = new AsyncLocalStorage<string>();

let seenByGuard: unknown;

@Injectable()
class StoreGuard implements CanActivate {
  canActivate() {
    seenByGuard = tenant.getStore();
    return true;
  }
}

class Tenants {
  async plain(_text: string) {
    return tenant.getStore() ?? 'none';
  }

  async guarded(_text: string) {
    const before = tenant.getStore();
    await Promise.resolve();
    return { guard: seenByGuard ?? 'none', before: before ?? 'none', after: tenant.getStore() ?? 'none' };
  }
}

const definition = definitionOf('Tenants', 'plain', 'guarded');

@RpcInterface(definition)
class TenantsImpl extends Tenants {
  @UseGuards(StoreGuard)
  override guarded(text: string) {
    return super.guarded(text);
  }
}

const text = JSON.stringify(['x'.repeat(300_000)]);
/** Pieces are sent one by one: the later ones arrive in events of their own. */
const bodies: Record<string, { pieces: Buffer[]; encoding?: string }> = {
  'in one piece': { pieces: [Buffer.from('["x"]')] },
  'in two pieces': { pieces: [Buffer.from('["x'), Buffer.from('y"]')] },
  'of 300 KB': { pieces: [Buffer.from(text)] },
  'in compressed form': { pieces: [gzipSync(text)], encoding: 'gzip' },
};

async function post(
  port: number,
  operation: string,
  { pieces, encoding }: (typeof bodies)[string],
): Promise<unknown> {
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const headers = {
    ...rpcHeaders,
    'Content-Length': length,
    ...(encoding && { 'Content-Encoding': encoding }),
  };
  return new Promise((resolve, reject) => {
    const target = {
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: `/Tenants-1.0.0-${operation}`,
      agent: false,
    };
    const message = request({ ...target, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    message.on('error', reject);
    void (async () => {
      for (const piece of pieces) {
        await new Promise<unknown>((written) => message.write(piece, written));
        await new Promise((next) => setImmediate(next));
      }
      message.end();
    })();
  });
}

/** Does what tracing does: the whole request, from its event on, runs in a store. */
function aroundRequests(server: Server): void {
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = ((...args: unknown[]) =>
    args[0] === 'request' ? tenant.run('acme', () => emit(...args)) : emit(...args)) as Server['emit'];
}

/** Puts a store around what comes behind, as applications do. */
const stores: Record<string, (app: INestApplication, isFastify: boolean) => unknown> = {
  'a middleware': (app, isFastify) => {
    if (isFastify)
      app
        .getHttpAdapter()
        .getInstance()
        .addHook('onRequest', (_request: unknown, _reply: unknown, done: () => void) =>
          tenant.run('acme', done),
        );
    else app.use((_request: unknown, _response: unknown, next: () => void) => tenant.run('acme', next));
  },
  'the event of the request': (app) => aroundRequests(app.getHttpServer() as Server),
};

afterEach(closeApps);

describe.each(Object.entries(ways))('an AsyncLocalStorage, by way of %s,', (name, way) => {
  it.each(Object.keys(stores).flatMap((store) => Object.keys(bodies).map((body) => [store, body] as const)))(
    'that is set by %s is available in guards and methods, with a body %s',
    async (store, body) => {
      const { port } = await startApp({
        way,
        providers: [TenantsImpl],
        configure: (app) => stores[store]!(app, name === 'Fastify'),
      });
      seenByGuard = undefined;
      expect(await post(port, 'plain', bodies[body]!)).toBe('acme');
      expect(await post(port, 'guarded', bodies[body]!)).toEqual({
        guard: 'acme',
        before: 'acme',
        after: 'acme',
      });
    },
  );
});

describe.each(Object.entries(platforms))('an AsyncLocalStorage without Nest, on %s', (_name, makeServer) => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each(Object.keys(bodies))('is available in methods, with a body %s', async (body) => {
    const rpc = createRpcServer({ interfaces: [[definition, Tenants]] });
    const inner = makeServer(rpc);
    const [listener] = inner.listeners('request') as ((...args: unknown[]) => void)[];
    const server = createServer((...messages) => tenant.run('acme', () => listener!(...messages)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await post((server.address() as AddressInfo).port, 'plain', bodies[body]!)).toBe('acme');
  });
});
