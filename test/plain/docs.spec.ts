import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Express } from 'express';
import type { PlainRpcServer, WebRpcConfiguration } from '@linnet/backend/node';
import { createRpcClient, RpcInterface } from '@linnet/common';
import { listen } from './plain.servers.js';

// The code of docs/plain-servers.md, as it stands there.

abstract class Shelves extends RpcInterface {
  static readonly interfaceName = 'Shelves';
  static readonly interfaceVersion = '1.0.0';
  weigh(_shelf: number): Promise<number> {
    return this.forward(arguments);
  }
}

interface Shown {
  default: { fetch(request: Request): Promise<Response> };
  rpc: PlainRpcServer;
  guarded: PlainRpcServer;
  server: Server;
  ownServer: Server;
  app: Express;
  webServer: Express;
  rpcConfiguration: WebRpcConfiguration;
  shelves: Shelves;
  weight: number;
  shutDown(): Promise<void>;
}

const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'extracted');
const text = readFileSync(join(root, 'docs/plain-servers.md'), 'utf8');
const blocks = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!);

/** A port that is free, as the documentation names its own. */
async function freePort(): Promise<number> {
  const probe = await listen(createServer());
  await probe.stop();
  return probe.port;
}

describe('docs/plain-servers.md', () => {
  let shown: Shown;
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'plain-servers.ts');
    const [first, second] = [await freePort(), await freePort()];
    const code = blocks.join('\n').replaceAll('3001', String(first)).replaceAll('3002', String(second));
    writeFileSync(file, code);
    shown = (await import(file)) as Shown;
  });
  afterAll(async () => {
    shown.ownServer.closeAllConnections();
    shown.ownServer.close();
    await shown.shutDown();
    rmSync(folder, { recursive: true, force: true });
  });

  const weigh = (uriPrefix: string, headers = {}) =>
    createRpcClient({ uriPrefix }).client(Shelves).with({ activityId: 'four', headers }).weigh(3);
  const on = async <T>(handler: Parameters<typeof createServer>[1], use: (url: string) => Promise<T>) => {
    const server = await listen(createServer(handler));
    try {
      return await use(server.url);
    } finally {
      await server.stop();
    }
  };

  it('shows a server, and a client that is used in it', async () => {
    const { port } = shown.server.address() as AddressInfo;
    expect(await weigh(`http://127.0.0.1:${port}`)).toBe(12);
    // Outside of a call it has an id of its own, of 36 characters.
    expect(await shown.shelves.weigh(3)).toBe(108);
  });

  it('shows a middleware of Express', async () => {
    await on(shown.app, async (url) => {
      expect(await weigh(`${url}/api`)).toBe(12);
      expect(await (await fetch(url)).text()).toBe('the application');
    });
  });

  it('shows a fetch handler', async () => {
    const call = (host: string) =>
      shown.default.fetch(
        new Request(`https://${host}/Shelves-1.0.0-weigh`, {
          method: 'POST',
          headers: { 'X-Correlation-Id': 'four', 'Content-Type': 'text/plain' },
          body: '[3]',
        }),
      );
    expect((await call('other.example.com')).status).toBe(403);
    // This runtime has a context, but nobody who keeps it: the implementation sees an empty id.
    expect(await (await call('rpc.example.com')).text()).toBe('0');
  });

  it('shows who refuses calls', async () => {
    await on(shown.guarded.handler, async (url) => {
      await expect(weigh(url)).rejects.toThrow('There is nothing for you.');
      expect(await weigh(url, { Authorization: 'Badge 7' })).toBe(12);
    });
  });

  it('shows the server of iTwin.js', async () => {
    await on(shown.webServer, async (url) => {
      expect(await weigh(url)).toBe(12);
      expect(await weigh(`${url}/any/path`)).toBe(12);
      const description = await (await fetch(`${url}/v3/swagger.json`)).json();
      expect(description).toMatchObject({ info: { title: 'Warehouse', version: 'v1.0' } });
    });
  });

  it('shows a configuration of its own', () => expect(shown.weight).toBe(12));

  it('names every option of a server', () => {
    const files = ['http.service.ts', 'http.options.ts', 'http.origin.ts'].map((name) => `http/${name}`);
    const names = [...files, 'wire/error.codec.ts'].flatMap((name) => {
      const source = readFileSync(join(root, 'libs/common/src', name), 'utf8');
      const body = /interface (?:\w+Options|ErrorPolicy)\b[^{]*\{([^]*?)\n\}/.exec(
        source.replace(/<T [^>]*>/, ''),
      )![1]!;
      return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, option]) => option!);
    });
    expect(names.length).toBeGreaterThan(18);
    // How the platform decodes is for those who make platforms.
    expect(names.filter((name) => name !== 'decodeText' && !text.includes(`\`${name}\``))).toEqual([]);
  });
});
