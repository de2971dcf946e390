import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IpcHost } from '@linnet/backend';
import { served, token, ways } from './callers.js';
import { failureOf } from './outcome.js';

describe('@nestjs/passport with passport-jwt', () => {
  for (const way of ways) {
    it(`refuses a call without a token over ${way}`, async () => {
      assert.equal((await failureOf(served.calls(way).whoAmI())).status, 401);
    });

    it(`refuses a call with a wrong token over ${way}`, async () => {
      const calls = served.calls(way, { Authorization: `Bearer ${token}x` });
      assert.equal((await failureOf(calls.whoAmI())).status, 401);
    });

    it(`gives the user of a token to request and activity over ${way}`, async () => {
      const { requestUser, activityUser } = await served
        .calls(way, { Authorization: `Bearer ${token}` })
        .whoAmI();
      assert.deepEqual([requestUser, activityUser], [{ name: 'anna' }, { name: 'anna' }]);
    });

    if (way === 'RPC') continue;
    it(`leaves the user of the session as it is over ${way}`, async () => {
      const { sessionUser } = await served.calls(way, { Authorization: `Bearer ${token}` }).whoAmI();
      assert.equal(sessionUser, 'frontend');
      for (const { user } of served.app.get(IpcHost).sessions) assert.equal(user, 'frontend');
    });
  }
});
