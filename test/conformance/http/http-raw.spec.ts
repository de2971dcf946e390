import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectAnswer } from '../tables/compare.js';
import { ConformanceModule } from '../tables/fixture.js';
import { send } from './raw.client.js';
import type { RawRequest, RawResponse } from './raw.client.js';
import { rawDifferences } from './raw.differences.js';
import type { PlainServer } from '../../rpc/plain/plain.servers.js';
import { serverNames, start } from '../tables/server.js';
import { readVectors } from '../tables/vectors.js';

interface Vector {
  id: string;
  title: string;
  request: RawRequest;
  response: RawResponse;
}

const { vectors, count } = readVectors('http-raw') as { vectors: Vector[]; count: number };

it('the hand-made requests are complete', () => {
  expect(vectors).toHaveLength(count);
  const ids = vectors.map(({ id }) => id);
  expect(Object.keys(rawDifferences).filter((id) => !ids.includes(id))).toEqual([]);
});

describe.each(serverNames)('the hand-made requests over %s', (adapter) => {
  let server: PlainServer;
  beforeAll(async () => {
    server = await start(ConformanceModule, adapter);
  });
  afterAll(() => server.stop());

  it.each(vectors)('$id $title', async ({ id, request, response }) => {
    expectAnswer(await send(server.port, request), response, rawDifferences[id]);
  });
});
