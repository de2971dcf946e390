import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Post } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RpcInterface } from '@linnet/backend';
import {
  closeApps,
  definitionOf,
  makeApp,
  rpcHeaders,
  startApp,
  ways,
} from '../../../harness/nest.harness.js';
import { certificate, privateKey } from '../../../harness/localhost.js';

const definition = definitionOf('my', 'op');

@RpcInterface(definition)
class MyImpl {
  async op() {
    return 'rpc';
  }
}

@Controller()
class LookalikeController {
  @Post('cats/my-cool-route')
  cool() {
    return 'cool';
  }
  @Post('mode/:m/imodel/:id/x-1-y')
  model() {
    return 'model';
  }
  @Post('cats/my-1.0.0-op')
  exact() {
    return 'exact';
  }
  @Get('cats/:name')
  cat() {
    return 'cat';
  }
}

@Controller()
class ServicesController {
  @Get('ping')
  ping() {
    return 'pong';
  }
  @Get('v3/swagger.json')
  openApi() {
    return { mine: true };
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('routes of the application, by way of %s,', (_name, way) => {
  const start = (setup: object = {}) =>
    startApp({ way, providers: [MyImpl], controllers: [LookalikeController], ...setup });

  it.each([
    ['/cats/my-cool-route', 'cool'],
    ['/mode/1/imodel/2/x-1-y', 'model'],
    ['/cats/my-1.0.0-op', 'exact'],
  ])('are not treated as RPC: %s', async (target, text) => {
    const { send } = await start();
    const reply = await send({ target, headers: { 'Content-Type': 'application/json' }, body: '[]' });
    expect([reply.status, reply.text]).toEqual([201, text]);
  });

  it('do not hide operations on similar paths', async () => {
    const { send } = await start();
    expect((await send({ target: '/dogs/my-1.0.0-op', body: '[]' })).json).toBe('rpc');
    expect((await send({ target: '/mode/1/imodel/3/my-1.0.0-op', body: '[]' })).json).toBe('rpc');
  });

  it.each([
    ['POST', '/dogs/my-cool-route'],
    ['POST', '/nothing'],
    ['GET', '/my'],
    ['PUT', '/my-1.0.0-op'],
    ['DELETE', '/my-1.0.0-op'],
  ])('keep the 404 of Nest: %s %s', async (method, target) => {
    const { send } = await start();
    const reply = await send({ method, target, headers: { 'Content-Type': 'application/json' }, body: '{}' });
    expect(reply.status).toBe(404);
    expect(reply.json).toEqual({
      message: `Cannot ${method} ${target}`,
      error: 'Not Found',
      statusCode: 404,
    });
  });

  it('come before the built-in endpoints of RPC', async () => {
    const { send } = await start({ controllers: [ServicesController] });
    expect((await send({ method: 'GET', target: '/ping' })).text).toBe('pong');
    expect((await send({ method: 'GET', target: '/v3/swagger.json' })).json).toEqual({ mine: true });
  });

  it('have no built-in endpoints of RPC beside them if the options disable these', async () => {
    const on = await start();
    expect((await on.send({ method: 'GET', target: '/ping' })).text).toBe('Success');
    expect((await on.send({ method: 'GET', target: '/v3/swagger.json' })).json.openapi).toBe('3.0.0');
    const off = await start({ options: { ping: false, openApi: false } });
    expect((await off.send({ method: 'GET', target: '/ping' })).status).toBe(404);
    expect((await off.send({ method: 'GET', target: '/v3/swagger.json' })).status).toBe(404);
  });
});

describe.each(Object.entries(ways))('RPC over https, by way of %s,', (name, way) => {
  it('is served', async () => {
    const httpsOptions = { key: privateKey, cert: certificate };
    // Fastify makes its server before Nest has its options.
    const secure =
      name === 'Fastify' ? { adapter: () => new FastifyAdapter({ https: httpsOptions } as never) } : way;
    const { app } = await makeApp({ way: secure, providers: [MyImpl], appOptions: { httpsOptions } });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const agent = new Agent({ ca: certificate });
    const text = await new Promise<string>((resolve, reject) => {
      const options = {
        host: 'localhost',
        port,
        agent,
        method: 'POST',
        path: '/my-1.0.0-op',
        headers: rpcHeaders,
      };
      request({ ...options, family: 4 }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk))).on('end', () => resolve(text));
      })
        .on('error', reject)
        .end('[]');
    });
    agent.destroy();
    await app.close();
    expect(text).toBe('"rpc"');
  });
});
