import { raw, json, text, urlencoded } from 'express';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { ExpressAdapter } from '@nestjs/platform-express';
import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { closeApps, definitionOf, startApp } from '../../../harness/nest.harness.js';
import { draining, late } from './body.middleware.js';
import type { Middleware } from './body.middleware.js';

@RpcInterface(definitionOf('Body', 'echo', 'size'))
class BodyImpl {
  async echo(...args: unknown[]) {
    return args;
  }
  async size(bytes: Uint8Array) {
    return [bytes instanceof Uint8Array, bytes.byteLength];
  }
}

const type = '*/*';
const bytes = { 'Content-Type': 'application/octet-stream' };

/** Reads it and does not wait. */
const hasty: Middleware = (req, _res, next) => {
  req.resume();
  next();
};
/** Looks at it as it passes, without taking it away. */
const listening: Middleware = (req, _res, next) => {
  req.on('data', () => undefined);
  next();
};
const pausing: Middleware = (req, _res, next) => {
  req.pause();
  setImmediate(next);
};

afterEach(closeApps);

describe.each([
  ['the stock Express adapter', () => new ExpressAdapter()],
  ['LinnetExpressAdapter', () => new LinnetExpressAdapter()],
])('a body that arrives through middleware of %s', (_name, adapter) => {
  const start = (middleware: Middleware | undefined, appOptions = {}) =>
    startApp({
      way: { adapter },
      providers: [BodyImpl],
      appOptions,
      configure: (app) => middleware && (app as NestExpressApplication).use(middleware),
    });

  it.each([
    ['express.text', text({ type })],
    ['express.raw', raw({ type })],
    ['express.json', json({ type })],
    ['no middleware before the body is complete', late],
    ['no middleware while the request is paused', pausing],
  ])('and is read by %s is the list of arguments', async (_by, middleware) => {
    const { call } = await start(middleware as Middleware);
    expect((await call('Body.echo', [1, { a: ['ä'] }, null])).json).toEqual([1, { a: ['ä'] }, null]);
    expect((await call('Body.echo', [])).json).toEqual([]);
  });

  it('and is read by express.raw can be bytes', async () => {
    const { send } = await start(raw({ type }) as Middleware);
    const reply = await send({ target: '/Body-1.0.0-size', headers: bytes, body: Buffer.alloc(3) });
    expect(reply.json).toEqual([true, 3]);
  });

  it.each([
    ['express.urlencoded', urlencoded({ type, extended: true })],
    ['a middleware that drains it', draining],
    ['a middleware that does not wait', hasty],
    ['a middleware that listens', listening],
  ])('and is read by %s is answered', async (_by, middleware) => {
    const { call, send } = await start(middleware as Middleware);
    const reply = await call('Body.echo', [1]);
    expect([200, 500]).toContain(reply.status);
    if (reply.status === 500) expect(reply.json.message).toContain('read by a middleware');
    else expect(reply.json).toEqual([1]);
    const large = await send({ target: '/Body-1.0.0-size', headers: bytes, body: Buffer.alloc(1_000_000) });
    if (large.status === 200) expect(large.json).toEqual([true, 1_000_000]);
    else expect([413, 500]).toContain(large.status);
  });

  it('and is refused by a parser is answered with 413', async () => {
    const { call } = await start(json({ type, limit: 10 }) as Middleware);
    expect((await call('Body.echo', ['much more than ten bytes'])).status).toBe(413);
  });

  it('is limited by RPC, even if a parser accepts more', async () => {
    const { call } = await start(text({ type, limit: '20mb' }) as Middleware);
    expect((await call('Body.echo', ['x'.repeat(6 * 1024 * 1024)])).status).toBe(413);
  });

  it('is read although rawBody keeps a copy', async () => {
    const { call, send } = await start(late, { rawBody: true });
    expect((await call('Body.echo', [1])).json).toEqual([1]);
    const wrong = await send({
      target: '/Body-1.0.0-echo',
      headers: { 'Content-Type': 'application/json' },
      body: '[1]',
    });
    expect(wrong.status).toBe(415);
  });
});
