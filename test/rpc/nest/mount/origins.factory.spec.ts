import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RpcInterface, RpcModule } from '@linnet/backend';
import { definitionOf, rpcHeaders, send, ways } from '../../../harness/nest.harness.js';

const good = 'https://app.example.com';
const evil = 'https://evil.example';
const cors = { origin: good, exposedHeaders: ['X-Protocol-Version', 'Retry-After'] };

@RpcInterface(definitionOf('Origins', 'go'))
class OriginsImpl {
  async go() {
    return 1;
  }
}

let app: INestApplication;
afterEach(() => app.close());

/** The status of a call from a page, and the origin that its answer names. */
async function callFrom(page: string) {
  if (!app.getHttpServer().listening) await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const headers = { ...rpcHeaders, Origin: page };
  const reply = await send(port, { target: '/Origins-1.0.0-go', body: '[]', headers });
  return [reply.status, reply.headers['access-control-allow-origin']];
}

describe.each(Object.entries(ways))(
  'the CORS settings of the application apply to RPC, by way of %s,',
  (name, way) => {
    async function create(appOptions: object = {}) {
      // One for each application: its decorator is read by the application.
      @Module({ imports: [RpcModule.forRoot()], providers: [OriginsImpl] })
      class AppModule {}
      app = await NestFactory.create(AppModule, way.adapter(), { logger: false, ...appOptions });
    }
    const expectPolicy = async () => {
      expect(await callFrom(good)).toEqual([200, good]);
      // As for a controller, the browser keeps the answer from the page.
      expect(await callFrom(evil)).toEqual([200, good]);
    };

    it('if enableCors is called after NestFactory.create', async () => {
      await create();
      app.enableCors(cors);
      await expectPolicy();
    });

    it('if cors is an option of NestFactory.create', async () => {
      await create({ cors });
      await expectPolicy();
    });

    it('if enableCors is called later, or with its own hook', async () => {
      await create();
      await new Promise((resolve) => setImmediate(resolve));
      app.enableCors({ ...cors, ...(name === 'Fastify' && { hook: 'preHandler' }) });
      await expectPolicy();
    });

    if (name === 'Fastify') {
      it('if a plugin of Fastify is registered', async () => {
        await create();
        await (app as NestFastifyApplication).register(import('@fastify/cors'), cors);
        await expectPolicy();
      });

      it('except a plugin that is registered for a part of the application', async () => {
        await create();
        await (app as NestFastifyApplication).register(async (part: any) => {
          await part.register(import('@fastify/cors'), cors);
        });
        expect(await callFrom(good)).toEqual([403, undefined]);
      });
    }
  },
);
