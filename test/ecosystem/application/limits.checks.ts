import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { served, ways } from './callers.js';
import type { Way } from './callers.js';
import { failureOf } from './outcome.js';

describe('@nestjs/throttler', () => {
  /** Calls from an address, behind a proxy that is trusted. */
  const from = (address: string, way: Way) => served.calls(way, { 'X-Forwarded-For': address });

  for (const [i, way] of ways.entries()) {
    it(`limits the calls of an address, and not those of another, over ${way}`, async () => {
      const [one, other] = [from(`10.0.${i}.1`, way), from(`10.0.${i}.2`, way)];
      await one.limited();
      await one.limited();
      const failure = await failureOf(one.limited());
      assert.equal(failure.name, 'ThrottlerException');
      // Over IPC an error has no status, nor a header that says when to come back.
      assert.equal(failure.status, way === 'RPC' ? 429 : undefined);
      assert.equal(failure.retryAfterMs, way === 'RPC' ? 60_000 : undefined);
      assert.equal(await other.limited(), 'served');
    });
  }

  it('counts two sessions of one address together', async () => {
    const sessions = [1, 2, 3].map(() => from('10.0.9.1', 'IPC'));
    await sessions[0].limited();
    await sessions[1].limited();
    assert.equal((await failureOf(sessions[2].limited())).name, 'ThrottlerException');
  });
});
