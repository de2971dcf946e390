import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConformanceModule } from '../../conformance/tables/fixture.js';
import { differences, outcomeAt, vectors } from './recorded.calls.js';
import { open, ways } from './ways.js';
import type { Way } from './ways.js';

describe.each(ways)('an RPC client over %s', (name) => {
  let way: Way;
  beforeAll(async () => {
    way = await open(ConformanceModule, name);
  });
  afterAll(() => way.stop());

  it.each(vectors)('gets the recorded outcome of $id: $title', async (vector) => {
    expect(await outcomeAt(way.at, vector)).toEqual(differences[vector.id] ?? vector.clientOutcome);
  });
});
