import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Activity, CurrentActivity, RpcInterface, RpcModule, RpcPendingResponse } from '@linnet/backend';
import type { RpcClient } from '@linnet/common';
import { startServer } from '../conformance/server.js';

// The code of docs/rpc-client.md, as it stands there, against a server.

abstract class Fleet extends RpcInterface {
  static readonly interfaceName = 'Fleet';
  static readonly interfaceVersion = '1.0.0';
  count(..._arguments: unknown[]): Promise<number> {
    return this.forward(arguments);
  }
  survey(_shelves: number): Promise<string> {
    return this.forward(arguments);
  }
  plan(_token: object): Promise<Uint8Array> {
    return this.forward(arguments);
  }
}

const seen: Activity[] = [];

@RpcInterface(Fleet)
class FleetImpl implements Fleet {
  #surveyed = 0;
  async count(building: string, @CurrentActivity() activity?: Activity): Promise<number> {
    seen.push(activity!);
    return building.length;
  }
  async survey(shelves: number): Promise<string> {
    if (this.#surveyed++ < shelves) throw new RpcPendingResponse(`${this.#surveyed} of ${shelves}`);
    return 'done';
  }
  async plan() {
    return new Uint8Array();
  }
}

@Module({ imports: [RpcModule.forRoot()], providers: [FleetImpl] })
class FleetModule {}

const folder = join(import.meta.dirname, 'extracted');
const text = readFileSync(join(import.meta.dirname, '../../docs/rpc-client.md'), 'utf8');
const blocks = [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code!);

describe('docs/rpc-client.md', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows what works', async () => {
    const app = await startServer(FleetModule, 'stock Express');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'rpc-client.ts');
    const code = blocks.join('\n').replaceAll('https://fleet.example.com', app.url);
    // The documentation need not wait ten seconds for its survey.
    writeFileSync(
      file,
      code.replace('interfaces: [Fleet] }', 'interfaces: [Fleet], pendingIntervalMs: 10 }'),
    );
    try {
      const shown = (await import(file)) as { server: RpcClient } & Record<string, unknown>;
      expect(shown).toMatchObject({ count: 6, again: 6, counted: 6, report: 'done', three: 3 });
      expect(shown['progress']).toEqual(['1 of 2', '2 of 2']);
      expect(seen.map(({ deadline }) => deadline !== undefined)).toEqual([false, false, true]);
    } finally {
      await app.stop();
    }
  });

  it('names every option of a client', async () => {
    const source = readFileSync(
      join(import.meta.dirname, '../../libs/common/src/rpc/rpc.client.options.ts'),
      'utf8',
    );
    const body = /interface RpcClientOptions [^{]*\{([^]*?)\n\}/.exec(source)![1]!;
    const calls = /interface RpcCallOptions \{([^]*?)\n\}/.exec(source)![1]!;
    const names = [...(calls + body).matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });
});
