import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientRequestContext, IpcHost, IpcModule, RpcInterface, RpcModule } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { createRpcClient } from '@linnet/common';
import { hasNginx, startNginx } from '../harness/nginx.server.js';
import type { NginxServer } from '../harness/nginx.server.js';
import { until } from '../harness/waiting.js';
import { Flow, FlowImpl, journal } from '../streams/http/flow.js';
import { blocksOf, readGuide } from './guide.js';

// The configuration of nginx in docs/deploying.md.

abstract class Echo extends RpcInterface {
  static readonly interfaceName = 'Echo';
  static interfaceVersion = '1.0.0';
  async length(_text: string): Promise<object> {
    return this.forward(arguments);
  }
}

@RpcInterface(Echo)
class EchoImpl implements Echo {
  async length(text: string) {
    return { length: text.length, askedBy: ClientRequestContext.current.activityId };
  }
}

const hosts = ['fleet.example.com'];
@Module({
  imports: [RpcModule.forRoot({ hosts }), IpcModule.forRoot({ hosts })],
  providers: [EchoImpl, FlowImpl],
})
class EchoModule {}

/** A gateway with the guide's configuration, in front of a backend. */
function startGateway(backend: string, change = (configuration: string) => configuration) {
  const { code } = blocksOf(readGuide('docs/deploying.md').text).find(
    ({ language }) => language === 'nginx',
  )!;
  return startNginx(`events {} http { ${change(code).replaceAll('127.0.0.1:3000', backend)} }`);
}

(hasNginx ? describe : describe.skip)('the gateway of docs/deploying.md', () => {
  let app: INestApplication;
  let backend: string;
  let gateway: NginxServer;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    app = await NestFactory.create(EchoModule);
    app.setGlobalPrefix('api');
    await app.listen(0, '127.0.0.1');
    backend = new URL(await app.getUrl()).host;
    gateway = await startGateway(backend);
  }, 30_000);

  afterAll(async () => {
    await gateway.stop();
    await app.close();
  });

  /** Asks the gateway by the name that is served. */
  async function send(
    port: number,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ) {
    const host = 'fleet.example.com';
    const message = request({ host: '127.0.0.1', port, method, path, headers: { host, ...headers } });
    message.end(body);
    const [response] = (await once(message, 'response')) as [IncomingMessage];
    return { status: response.statusCode, text: await text(response) };
  }
  const call = (headers: Record<string, string>, length: number, { port } = gateway) => {
    const all = { 'Content-Type': 'text/plain', 'X-Correlation-ID': 'click 7', ...headers };
    return send(port, 'POST', '/api/Echo-1.0.0-length', all, JSON.stringify(['x'.repeat(length)]));
  };

  it('forwards calls with their ids, also from its own pages, and the backend refuses other pages', async () => {
    const answer = { status: 200, text: '{"length":3,"askedBy":"click 7"}' };
    expect(await call({}, 3)).toEqual(answer);
    expect(await call({ Origin: 'https://fleet.example.com' }, 3)).toEqual(answer);
    expect(await call({ Origin: 'https://evil.example' }, 3)).toMatchObject({ status: 403 });
  });

  it('must forward the Host header', async () => {
    const withoutHost = (configuration: string) => configuration.replaceAll(/proxy_set_header Host .*;/g, '');
    const careless = await startGateway(backend, withoutHost);
    const answer = await call({ Origin: 'https://fleet.example.com' }, 3, careless);
    await careless.stop();
    expect(answer).toMatchObject({ status: 403 });
  });

  it('forwards bodies up to the limit of the backend', async () => {
    expect(await call({}, 4 * 1024 * 1024)).toMatchObject({ status: 200 });
    expect(await call({}, 6 * 1024 * 1024)).toMatchObject({ status: 413 });
  });

  it('passes each item of a stream on at once, in both directions', async () => {
    journal.clear();
    const flow = createRpcClient({ uriPrefix: `http://127.0.0.1:${gateway.port}/api` }).client(Flow);
    const items = flow.once('gateway')[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    (await until(() => journal.passes.get('gateway')))();
    expect(await items.next()).toEqual({ done: false, value: 2 });
    expect(await items.next()).toEqual({ done: true, value: undefined });
    async function* pieces() {
      yield new Uint8Array(1000);
      // The method has read the first one while the request is still being sent.
      await until(() => journal.produced.get('upload') === 1000);
      yield new Uint8Array(1000);
    }
    expect(await flow.measure('upload', pieces())).toEqual({ bytes: 2000, sum: 0 });
  });

  it('forwards sessions, and no other paths', async () => {
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${gateway.port}/ipc`));
    await frontend.ready;
    const [session] = app.get(IpcHost).sessions;
    const pushed = new Promise((resolve) => frontend.addListener('news', (_event, item) => resolve(item)));
    await session!.send('news', 'hello');
    expect(await pushed).toBe('hello');
    frontend.close();
    await session!.closed;
    expect(await send(gateway.port, 'GET', '/elsewhere')).toMatchObject({ status: 404 });
  });
});
