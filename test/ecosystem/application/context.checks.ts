import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lines } from './app.js';
import { served, ways } from './callers.js';

/** The line that pino has written of a message. */
function lineOf(message: string): Record<string, unknown> {
  const line = lines.find(({ msg }) => msg === message);
  assert.ok(line, `There is no line "${message}".`);
  return line;
}

describe('nestjs-cls', () => {
  for (const way of ways) {
    it(`keeps the stores of concurrent calls apart over ${way}`, async () => {
      const calls = served.calls(way, { 'X-Tenant': 'shop' });
      const found = await Promise.all(['first', 'second'].map((label) => calls.remember(label)));
      // Middleware runs for requests of HTTP alone; the other calls have the store of ClsGuard.
      const byMiddleware = way === 'RPC' ? 'shop' : undefined;
      assert.deepEqual(
        found.map(({ label, byGuard, byMiddleware: tenant }) => [label, byGuard, tenant]),
        ['first', 'second'].map((label) => [label, label, byMiddleware]),
      );
      assert.equal(new Set(found.map(({ id }) => id)).size, 2);
    });

    it(`gives a call nothing from the call before it over ${way}`, async () => {
      const calls = served.calls(way);
      await Promise.all([calls.remember('a'), calls.remember('b')]);
      assert.equal(await calls.isRemembered(), false);
    });
  }
});

describe('nestjs-pino', () => {
  for (const way of ways) {
    it(`writes the ids of the call, and members that are assigned during the call, over ${way}`, async () => {
      const activityId = `click ${way}`;
      await served.calls(way, { 'X-Tenant': 'shop', 'X-Correlation-ID': activityId }).log(way);
      const [first, second] = [lineOf(`before ${way}`), lineOf(`after ${way}`)];
      const rpcMethod = way === 'IPC' ? 'store-v1.log' : 'log';
      assert.deepEqual([first.rpcMethod, second.rpcMethod], [rpcMethod, rpcMethod]);
      assert.ok(first.ActivityId);
      assert.equal(first.ActivityId, second.ActivityId);
      assert.deepEqual([first.article, second.article], [undefined, way]);
      // The request of nestjs-pino's middleware, which runs for HTTP alone.
      const request = second.req as { headers: Record<string, string> } | undefined;
      assert.equal(request?.headers['x-tenant'], way === 'RPC' ? 'shop' : undefined);
    });
  }
});
