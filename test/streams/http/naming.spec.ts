import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, wireNaming } from '@linnet/common';
import { until } from '../../harness/waiting.js';
import { listen } from '../../rpc/plain/plain.servers.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { all } from '../flow.js';
import { allItems, Flow, FlowImpl, journal } from './flow.js';

/** `/rpc/1.0.0/Flow/items`. */
const naming = wireNaming({
  paths: {
    write: ({ interfaceName, version, operation }) => `/rpc/${version}/${interfaceName}/${operation}`,
    read: (path) => {
      const [, root, version = '', interfaceName = '', operation = ''] = path.split('/');
      return root === 'rpc' ? { interfaceName, version, operation, token: undefined } : undefined;
    },
  },
  headers: {
    'X-Correlation-Id': 'X-Request-Id',
    'X-Linnet-Progress': 'X-Progress',
    'X-Linnet-Client': 'X-Client',
    'X-Protocol-Version': 'X-Protocol',
  },
  statuses: { 202: 299, 404: 470 },
});

describe('streams with an own naming', () => {
  let server: PlainServer;
  const client = (options = {}) =>
    createRpcClient({ uriPrefix: server.url, naming, ...options }).client(Flow);

  beforeAll(async () => {
    const rpc = createRpcServer({ interfaces: [[Flow, FlowImpl]], naming, report: () => undefined });
    server = await listen(createServer(rpc.handler));
  });
  afterAll(() => server.stop());
  beforeEach(() => journal.clear());

  it('arrive as results and arguments', async () => {
    async function* values() {
      yield* [1, 2, 3];
    }
    expect(await all(client().items())).toEqual(allItems());
    expect(await client().sum(values())).toBe(6);
    expect(await client().measure('blob', new Blob([new Uint8Array(2000)]))).toEqual({ bytes: 2000, sum: 0 });
    expect(await all(client().copy(values()))).toEqual([1, 2, 3]);
  });

  it('end with the error of their producer, before and behind the first item', async () => {
    for (const items of [0, 1])
      await expect(all(client().failing(items))).rejects.toMatchObject({ errorNumber: 4711, left: items });
  });

  it('stop their producer if the reader leaves', async () => {
    for await (const _ of client().watch('left', 10)) break;
    await until(() => journal.ended.includes('left'));
  });

  it('have progress', async () => {
    const reports: unknown[] = [];
    expect(
      await client()
        .with({ onProgress: (value) => reports.push(value) })
        .report(3),
    ).toBe('done');
    expect(reports.at(-1)).toBe(2);
  });

  it('are server-sent events, which have the names of the naming and continue', async () => {
    const headers = { Accept: 'text/event-stream', 'Last-Event-ID': '2', 'X-Request-Id': 'a' };
    const answer = await fetch(`${server.url}/rpc/1.0.0/Flow/from`, { method: 'POST', headers, body: '[3]' });
    expect(answer.headers.get('x-protocol')).toBe('2');
    expect(await answer.text()).toBe('id: 3\ndata: 3\n\nevent: end\ndata:\n\n');
  });
});
