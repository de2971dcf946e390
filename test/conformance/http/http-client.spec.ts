import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clientDifferences } from './client.differences.js';
import { expectAnswer } from '../tables/compare.js';
import { ConformanceModule } from '../tables/fixture.js';
import { send } from './raw.client.js';
import type { RawRequest, RawResponse } from './raw.client.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { serverNames, start } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';

interface ClientVector {
  id: string;
  title: string;
  exchanges: { request: RawRequest; response: RawResponse }[];
  clientOutcome: unknown;
}

const { vectors, count } = readVectors('http-client') as { vectors: ClientVector[]; count: number };

it('the recorded requests of the client are complete', () => {
  expect(vectors).toHaveLength(count);
  const ids = vectors.map(({ id }) => id);
  expect(Object.keys(clientDifferences).filter((id) => !ids.includes(id))).toEqual([]);
});

describe.each(serverNames)('the recorded requests of the client over %s', (adapter) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(ConformanceModule, adapter);
  });
  afterAll(() => server.stop());

  it.each(vectors)('$id $title', async ({ id, exchanges }) => {
    const differences = clientDifferences[id]?.exchanges ?? [];
    for (const [i, { request, response }] of exchanges.entries())
      expectAnswer(await send(server.port, request), response, differences[i]);
  });
});
