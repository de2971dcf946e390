import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { INestApplication } from '@nestjs/common';
import { createTestRpcClient } from '@linnet/backend/testing';
import type { RpcProxy } from '@linnet/common';
import { makeApp, ways } from '../../harness/nest.harness.js';
import { until } from '../../harness/waiting.js';
import { all } from '../flow.js';
import { allItems, Flow, FlowImpl, journal } from './flow.js';

describe.each(['the stock Express adapter', 'Fastify'] as const)(
  'streams without a port, by way of %s,',
  (name) => {
    let app: INestApplication;
    let flow: RpcProxy<Flow>;

    beforeEach(async () => {
      journal.clear();
      const options = { shutdownTimeoutMs: 20 };
      ({ app } = await makeApp({ way: ways[name]!, providers: [FlowImpl], options }));
      if (name === 'Fastify') await app.init();
      expect(app.getHttpAdapter() instanceof FastifyAdapter).toBe(name === 'Fastify');
      flow = await createTestRpcClient(app, Flow);
    });
    afterEach(() => app.close());

    it('arrive as a result, with values of every kind', async () => {
      expect(await all(flow.items())).toEqual(allItems());
    });

    it('end with the error of their producer', async () => {
      await expect(all(flow.failing(2))).rejects.toMatchObject({ message: 'no more', errorNumber: 4711 });
    });

    it('stop their producer if the reader leaves', async () => {
      for await (const _ of flow.watch('left', 10)) break;
      await until(() => journal.ended.includes('left'));
    });

    it('stop their producer if the call is aborted', async () => {
      const abort = new AbortController();
      const items = all(flow.with({ signal: abort.signal }).quiet('aborted'));
      await until(() => journal.produced.has('aborted'));
      abort.abort(new Error('enough'));
      await expect(items).rejects.toThrow('enough');
      await until(() => journal.ended.includes('aborted'));
    });

    it('arrive as arguments', async () => {
      async function* values() {
        yield* [1, 2, 3];
      }
      expect(await flow.sum(values())).toBe(6);
      expect(await flow.measure('blob', new Blob([new Uint8Array(3_000_000)]))).toEqual({
        bytes: 3_000_000,
        sum: 0,
      });
    });

    it('stop the producer of an argument that is not read to its end', async () => {
      let hasEnded = false;
      async function* values() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          hasEnded = true;
        }
      }
      expect(await flow.first(values())).toBe(0);
      await until(() => hasEnded);
    });

    it('go in both directions at once', async () => {
      async function* values() {
        yield* ['a', 'b'];
      }
      expect(await all(flow.copy(values()))).toEqual(['a', 'b']);
    });

    it('have progress', async () => {
      const reports: unknown[] = [];
      expect(await flow.with({ onProgress: (value) => reports.push(value) }).report(3)).toBe('done');
      expect(reports.at(-1)).toBe(2);
    });

    it('end if the application closes', async () => {
      const items = flow.watch('closed', 10)[Symbol.asyncIterator]();
      await items.next();
      const failure = all({ [Symbol.asyncIterator]: () => items }).catch((error: unknown) => error);
      await app.close();
      expect(await failure).toMatchObject({ status: -1 });
      await until(() => journal.ended.includes('closed'));
    });
  },
);
