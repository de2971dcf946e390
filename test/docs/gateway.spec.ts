import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientRequestContext, IpcHost, IpcModule, RpcInterface, RpcModule } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { blocksOf, readGuide } from './guide.js';
import { freePort } from './guide.run.js';
import { soon } from './shown.js';

// The configuration of nginx in docs/deploying.md, where there is an nginx (or NGINX_BINARY says where).

const nginx = process.env['NGINX_BINARY'] ?? 'nginx';
const isThere = spawnSync(nginx, ['-v']).status === 0;
if (!isThere) console.log('There is no nginx here: the configuration in docs/deploying.md is not tried.');

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
@Module({ imports: [RpcModule.forRoot({ hosts }), IpcModule.forRoot({ hosts })], providers: [EchoImpl] })
class EchoModule {}

(isThere ? describe : describe.skip)('the gateway of docs/deploying.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'linnet-nginx-'));
  let app: INestApplication;
  let port: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    app = await NestFactory.create(EchoModule);
    app.setGlobalPrefix('api');
    await app.listen(0, '127.0.0.1');
    port = await freePort();
    const { code } = blocksOf(readGuide('docs/deploying.md').text).find(
      ({ language }) => language === 'nginx',
    )!;
    const ours = code.replaceAll('3080', port).replaceAll('127.0.0.1:3000', new URL(await app.getUrl()).host);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const http = `http { access_log off; ${places.join(' ')} ${ours} }`;
    // Its workers are another user where this one is root.
    chmodSync(folder, 0o755);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, `pid ${folder}/pid; daemon off; error_log stderr crit; events {} ${http}`);
    const child = spawn(nginx, ['-c', file, '-p', folder], { stdio: 'inherit' });
    stop = async () => {
      child.kill();
      await once(child, 'exit');
    };
    await soonListening();
  }, 30_000);

  afterAll(async () => {
    await stop();
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const soonListening = async () => {
    let status: number | undefined;
    const look = () =>
      void send('GET', '/api/ping').then(
        (answer) => (status = answer.status),
        () => undefined,
      );
    await soon('nginx', () => (look(), status), 200);
  };

  /** Asks the gateway by the name that is served. */
  async function send(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
    const host = 'fleet.example.com';
    const message = request({ host: '127.0.0.1', port, method, path, headers: { host, ...headers } });
    message.end(body);
    const [response] = (await once(message, 'response')) as [IncomingMessage];
    return { status: response.statusCode, text: await text(response) };
  }
  const call = (headers: Record<string, string>, length: number) => {
    const all = { 'Content-Type': 'text/plain', 'X-Correlation-ID': 'click 7', ...headers };
    return send('POST', '/api/Echo-1.0.0-length', all, JSON.stringify(['x'.repeat(length)]));
  };

  it('hands calls on with their id, those of its own pages too, and refuses other pages', async () => {
    const answer = { status: 200, text: '{"length":3,"askedBy":"click 7"}' };
    expect(await call({}, 3)).toEqual(answer);
    expect(await call({ Origin: 'https://fleet.example.com' }, 3)).toEqual(answer);
    expect(await call({ Origin: 'https://evil.example' }, 3)).toMatchObject({ status: 403 });
  });

  it('lets bodies through up to the limit of the backend', async () => {
    expect(await call({}, 4 * 1024 * 1024)).toMatchObject({ status: 200 });
    expect(await call({}, 6 * 1024 * 1024)).toMatchObject({ status: 413 });
  });

  it('opens sessions, and lets nothing else through', async () => {
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
    await frontend.ready;
    const [session] = app.get(IpcHost).sessions;
    const pushed = new Promise((resolve) => frontend.addListener('news', (_event, item) => resolve(item)));
    await session!.send('news', 'hello');
    expect(await pushed).toBe('hello');
    frontend.close();
    await session!.closed;
    expect(await send('GET', '/elsewhere')).toMatchObject({ status: 404 });
  });
});
