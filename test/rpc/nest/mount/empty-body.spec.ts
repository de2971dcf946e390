import { raw, text } from 'express';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ExpressAdapter } from '@nestjs/platform-express';
import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { closeApps, definitionOf, startApp } from '../../../harness/nest.harness.js';
import type { TestApp } from '../../../harness/nest.harness.js';
import { draining, late } from './body.middleware.js';

@RpcInterface(definitionOf('Empty', 'kinds'))
class EmptyImpl {
  async kinds(...args: unknown[]) {
    return args.map((arg) => (arg instanceof Uint8Array ? arg.byteLength : typeof arg));
  }
}

const octets = { 'Content-Type': 'application/octet-stream' };
const target = '/Empty-1.0.0-kinds';

/** A body of no bytes, by its length and without one. */
const emptyBodies = (headers: Record<string, string>) => [
  { target, headers, body: '' },
  { target, headers: { ...headers, 'Transfer-Encoding': 'chunked' } },
];

afterEach(closeApps);

describe.each([
  ['the stock Express adapter', () => new ExpressAdapter()],
  ['LinnetExpressAdapter', () => new LinnetExpressAdapter()],
])('an empty body on %s', (_name, adapter) => {
  const start = (configure: (app: NestExpressApplication) => unknown): Promise<TestApp> =>
    startApp({
      way: { adapter },
      providers: [EmptyImpl],
      options: { shutdownTimeoutMs: 50 },
      configure: (app) => configure(app as NestExpressApplication),
    });

  it.each<[string, (app: NestExpressApplication) => unknown]>([
    ['no middleware', () => undefined],
    ['no middleware before it is complete', (app) => app.use(late)],
    ["Nest's raw parser", (app) => app.useBodyParser('raw', { type: 'application/octet-stream' })],
    ["Nest's text parser", (app) => app.useBodyParser('text', { type: 'text/plain' })],
    ['express.raw', (app) => app.use(raw({ type: '*/*' }))],
    ['express.text', (app) => app.use(text({ type: '*/*' }))],
  ])('of bytes that is read by %s is one argument without bytes', async (_by, configure) => {
    const { send } = await start(configure);
    for (const sent of emptyBodies(octets)) {
      const reply = await send(sent);
      expect([reply.status, reply.text]).toEqual([200, '[0]']);
    }
    const three = await send({ target, headers: octets, body: 'abc' });
    expect([three.status, three.text]).toEqual([200, '[3]']);
  });

  it.each<[string, (app: NestExpressApplication) => unknown]>([
    ["Nest's text parser", (app) => app.useBodyParser('text', { type: 'text/plain' })],
    ["Nest's raw parser", (app) => app.useBodyParser('raw', { type: 'text/plain' })],
    ['express.text', (app) => app.use(text({ type: '*/*' }))],
    ['no middleware before it is complete', (app) => app.use(late)],
  ])('of text that is read by %s has the same answer as one that is not read', async (_by, configure) => {
    const untouched = await start(() => undefined);
    const { send } = await start(configure);
    for (const sent of emptyBodies({})) {
      const expected = await untouched.send(sent);
      const reply = await send(sent);
      expect([reply.status, reply.text]).toEqual([expected.status, expected.text]);
    }
    expect((await send({ target, body: '[1]' })).text).toBe('["number"]');
  });

  it('that a middleware drains is answered', async () => {
    const { send } = await start((app) => app.use(draining));
    for (const headers of [octets, {}]) {
      for (const sent of emptyBodies(headers)) {
        const reply = await send(sent);
        expect(reply.status).not.toBe(413);
        expect(reply.json).toBeDefined();
      }
    }
  });
});
