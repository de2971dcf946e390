import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { INestApplication, Type } from '@nestjs/common';
import request from 'supertest';
import { IpcModule, RpcModule } from '@linnet/backend';
import { RawFrontend } from '../ipc/raw.frontend.js';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = join(import.meta.dirname, 'extracted');

/** The code blocks of a language, as they stand in the README. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map(([, code]) => code!);
}

/** Runs a block as the module it is. */
async function run(name: string, code: string): Promise<Record<string, unknown>> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, code);
  return (await import(file)) as Record<string, unknown>;
}

// A block that is a test itself: it declares its test when it is run.
await run('shelves', blocks('ts')[1]!);
await run('shelves.test', blocks('ts')[3]!);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the curl line of the README says, sent to a server. */
function curl(server: unknown, line: string) {
  const target = /http:\/\/[^/]+(\S+)/.exec(line)![1]!;
  const call = request(server as never).post(target);
  for (const [, name, value] of line.matchAll(/-H '([^:]+): ([^']+)'/g)) void call.set(name!, value!);
  return call.send(/-d '([^']+)'/.exec(line)?.[1]);
}

describe('README', () => {
  it('has a smallest server that answers its curl line with what it says', async () => {
    process.env['PORT'] = '0';
    const { app } = (await run('smallest', blocks('ts')[0]!)) as { app: INestApplication };
    try {
      const answer = await curl(app.getHttpServer(), blocks('sh')[1]!);
      expect([answer.status, answer.text]).toEqual([200, /answers `(.+?)`/.exec(readme)![1]]);
    } finally {
      await app.close();
      delete process.env['PORT'];
    }
  });

  it("shows Nest's guards and pipes around a method, and an error that keeps its number", async () => {
    const { ShelvesImpl, BadgeGuard } = (await run('shelves', blocks('ts')[1]!)) as Record<string, Type>;
    const module = await Test.createTestingModule({
      imports: [RpcModule.forRoot()],
      providers: [ShelvesImpl!, BadgeGuard!],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.init();
    const weigh = (shelf: string, badge: string) =>
      request(app.getHttpServer() as never)
        .post('/Shelves-1.0.0-weigh')
        .set({ 'X-Correlation-Id': 'four', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' })
        .set('Authorization', badge)
        .send(shelf);
    try {
      expect((await weigh('["3"]', 'Badge 7')).text).toBe('12');
      expect((await weigh('["3"]', 'Badge 8')).status).toBe(403);
      expect((await weigh('["x"]', 'Badge 7')).status).toBe(400);
      const missing = await weigh('["100"]', 'Badge 7');
      expect(missing.status).toBe(404);
      expect(JSON.parse(missing.text)).toMatchObject({
        message: 'There is no shelf 100.',
        errorNumber: 65574,
      });
    } finally {
      await app.close();
    }
  });

  it('has a smallest session, which calls and is notified until it ends', async () => {
    const { ClockHandler } = (await run('session', blocks('ts')[2]!)) as Record<string, Type>;
    const module = await Test.createTestingModule({
      imports: [IpcModule.forRoot()],
      providers: [ClockHandler!],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const destroyed = jest.spyOn(ClockHandler!.prototype, 'onModuleDestroy');
    try {
      const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
      const frontend = await RawFrontend.open(port);
      expect(await frontend.invoke('itwin.clock-v1', 'start', 5)).toEqual({ result: 'started' });
      const pushed = await frontend.messages(2);
      expect(pushed.map(({ channel, data }) => ({ channel, data }))).toEqual(
        [1, 2].map((count) => ({ channel: 'itwin.clock-v1', data: ['tick', count] })),
      );
      await frontend.close();
      while (destroyed.mock.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      await app.close();
    }
  });

  it('has a smallest test, of ten lines', () => {
    const [, body] = /^it\(.*\n([^]*)^\}\);/m.exec(blocks('ts')[3]!)!;
    expect(body!.trim().split('\n').length + 2).toBeLessThanOrEqual(10);
  });

  it('refers to files that exist', () => {
    const targets = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, target]) => target!);
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});
