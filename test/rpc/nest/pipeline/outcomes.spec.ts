import { Catch, Injectable, Scope, UseFilters } from '@nestjs/common';
import { CurrentActivity, Exposed, IModelError, RpcInterface } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';
import type { LogRecorder } from '../../../harness/nest.harness.js';

class QueryFailed extends Error {
  readonly sql = 'SELECT secret FROM users';
  constructor() {
    super('SELECT secret FROM users: connect 10.0.0.1');
  }
}
/** Errors of classes that do not extend `Error`. */
class Numbered {
  readonly errorNumber = 5;
  readonly message = 'numbered';
  readonly detail = { shelf: 7 };
}
@Exposed()
class Shown {
  readonly message = 'shown';
  readonly detail = [1, 2];
}
class Hidden {
  readonly message = 'secret';
}

const results: Record<string, () => unknown> = {
  big: () => ({ list: [{ big: 1n }] }),
  toJson: () => ({
    list: [
      {
        toJSON() {
          throw new QueryFailed();
        },
      },
    ],
  }),
  getter: () => ({
    get member() {
      throw new QueryFailed();
    },
  }),
};
const thrown: Record<string, () => unknown> = {
  numbered: () => new Numbered(),
  shown: () => new Shown(),
  hidden: () => new Hidden(),
  text: () => 'secret',
  number: () => 4711,
  object: () => ({ code: 'secret' }),
};

@RpcInterface(definitionOf('Outcome', 'give', 'fail', 'two'))
class OutcomeImpl {
  async give(kind: string) {
    return results[kind]!();
  }
  async fail(kind: string) {
    throw thrown[kind]!();
  }
  async two(a: number, b: number, @CurrentActivity() activity: Activity) {
    return [a, b, activity.activityId];
  }
}

/** Everything that was logged so that somebody looks at it. */
const loud = ({ lines }: LogRecorder) =>
  lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ message }) => message);

afterEach(closeApps);

describe.each(Object.entries(ways))('outcomes, by way of %s:', (_name, way) => {
  const start = (options = {}) => startApp({ way, providers: [OutcomeImpl], options });

  describe('a result that cannot be sent', () => {
    it('is logged with an error that names its place', async () => {
      const { call, log } = await start();
      const reply = await call('Outcome.give', ['big']);
      expect(reply.status).toBe(500);
      expect(loud(log)).toEqual([expect.stringContaining('value.list[0].big is a BigInt')]);
    });

    it.each(['toJson', 'getter'])('is answered without the reason (%s)', async (kind) => {
      const { call, log } = await start();
      const reply = await call('Outcome.give', [kind]);
      expect(reply.status).toBe(500);
      expect(reply.json).toMatchObject({ message: 'Internal error', activityId: 'activity-1' });
      expect(reply.text).not.toMatch(/SELECT|secret|10\.0\.0\.1/);
      expect(loud(log)).toEqual([expect.stringContaining('SELECT secret FROM users: connect 10.0.0.1')]);
    });
  });

  describe('a thrown value that is not an Error', () => {
    it.each([
      ['numbered', { errorNumber: 5, message: 'numbered', detail: { shelf: 7 } }],
      ['shown', { message: 'shown', detail: [1, 2] }],
      ['object', { code: 'secret' }],
    ])('is sent with all its members if it is exposed (%s)', async (kind, members) => {
      const { call } = await start();
      const reply = await call('Outcome.fail', [kind]);
      expect(reply.status).toBe(500);
      expect(reply.json).toMatchObject(members);
    });

    it('is hidden by default', async () => {
      const { call, log } = await start();
      expect((await call('Outcome.fail', ['hidden'])).json).toMatchObject({ message: 'Internal error' });
      expect(loud(log)).toHaveLength(1);
    });

    it.each(Object.keys(thrown))('is hidden if exposeError returns false (%s)', async (kind) => {
      const { call } = await start({ exposeError: () => false });
      const reply = await call('Outcome.fail', [kind]);
      expect(reply.status).toBe(500);
      expect(reply.json.message).toBe('Internal error');
      expect(reply.text).not.toMatch(/secret|4711|shelf|shown/);
    });
  });

  describe('a call with more arguments than parameters', () => {
    it('is refused with an error for the caller, and not logged', async () => {
      const { call, log } = await start();
      expect((await call('Outcome.two', [1, 2])).json).toEqual([1, 2, 'activity-1']);
      const reply = await call('Outcome.two', [1, 2, 'forged']);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.json.message).toMatch(/\b3 arguments\b.*\btwo takes at most 2\b/);
      expect(loud(log)).toEqual([]);
    });
  });
});

describe('a filter that returns a value', () => {
  @Catch()
  class Returning {
    catch() {
      return 'ignored';
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class OfRequest {}

  it.each([Scope.DEFAULT, Scope.REQUEST])('causes one warning for each method (scope %d)', async (scope) => {
    @RpcInterface(definitionOf('Filtered', 'fail', 'other'), { scope })
    @UseFilters(Returning)
    class FilteredImpl {
      async fail() {
        throw new IModelError(1, 'first');
      }
      async other() {
        throw new IModelError(1, 'second');
      }
    }
    const { call, log } = await startApp({ providers: [FilteredImpl, OfRequest] });
    for (let i = 0; i < 3; i++) expect((await call('Filtered.fail')).json.message).toBe('first');
    expect(log.find('warn', 'FilteredImpl.fail returned a value')).toHaveLength(1);
    for (let i = 0; i < 3; i++) expect((await call('Filtered.other')).json.message).toBe('second');
    expect(log.find('warn', 'FilteredImpl.other returned a value')).toHaveLength(1);
  });
});
