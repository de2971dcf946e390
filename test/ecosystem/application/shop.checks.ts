import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as Sentry from '@sentry/node';
import { served, ways } from './callers.js';
import { failureOf } from './outcome.js';
import { shopChannel } from './shop.js';
import type { ShopNews } from './shop.js';

/** The first notification of a kind that a new session gets. */
async function nextNews(name: keyof ShopNews) {
  const frontend = served.frontend();
  await frontend.ready;
  const news = new Promise<unknown[]>((resolve) =>
    frontend.addListener(shopChannel, (_event, ...[kind, ...args]) => {
      if (kind === name) resolve(args);
    }),
  );
  // A promise in a promise would be awaited with it.
  return { news };
}

describe('zod', () => {
  for (const way of ways) {
    it(`gives the method what the schema returns over ${way}`, async () => {
      assert.equal(await served.shop(way).place({ article: 'bolt' }), '1 × bolt');
    });

    it(`refuses an argument that breaks its schema over ${way}`, async () => {
      const failure = await failureOf(served.shop(way).place({ article: '', count: 1 }));
      assert.equal(failure.name, 'ValidationError');
      assert.equal(failure.status, way === 'RPC' ? 400 : undefined);
      assert.deepEqual(
        failure.details?.map(({ argument, path }) => [argument, path]),
        [[1, ['article']]],
      );
    });
  }
});

describe('@nestjs/cache-manager', () => {
  for (const way of ways) {
    it(`answers a repeated call without the method, and another call with it, over ${way}`, async () => {
      const shop = served.shop(way);
      const first = await shop.forecast(`bolt ${way}`);
      assert.deepEqual(await shop.forecast(`bolt ${way}`), first);
      assert.notEqual((await shop.forecast(`nut ${way}`)).number, first.number);
    });
  }

  it('shares the entries of an interface between HTTP and IPC', async () => {
    const first = await served.shop('RPC').forecast('shared');
    assert.deepEqual(await served.shop('RPC over IPC').forecast('shared'), first);
  });
});

describe('@nestjs/schedule', () => {
  it('runs a job that notifies all frontends', async () => {
    const { news } = await nextNews('taken');
    const [number] = await news;
    assert.equal(typeof number, 'number');
  });
});

describe('@nestjs/cqrs', () => {
  for (const way of ways) {
    it(`runs handlers of commands and events in the context of the call over ${way}`, async () => {
      const { news } = await nextNews('reserved');
      const { activityId } = await served.shop(way).reserve(`bolt ${way}`);
      assert.ok(activityId);
      assert.deepEqual(await news, [`bolt ${way}`, activityId]);
    });

    it(`gives the caller the error of a handler over ${way}`, async () => {
      const { message } = await failureOf(served.shop(way).reserve(''));
      assert.equal(message, 'The name of the article is empty.');
    });
  }
});

describe('@nestjs/microservices', () => {
  for (const way of ways) {
    it(`passes a call on to a message handler with its activity id over ${way}`, async () => {
      const [first, second] = await Promise.all(
        ['bolt', 'screw'].map((name) => served.shop(way).count(name)),
      );
      assert.deepEqual([first?.count, second?.count], [4, 5]);
      assert.ok(first?.activityId);
      assert.notEqual(first.activityId, second?.activityId);
    });

    it(`gives the caller the error of a message handler over ${way}`, async () => {
      const { message } = await failureOf(served.shop(way).count(''));
      assert.equal(message, 'The name of the article is empty.');
    });
  }
});

describe('@nestjs/terminus', () => {
  it('reports the state of Linnet beside that of the database', async () => {
    await served.frontend().ready;
    const response = await fetch(`${served.url}/health`);
    assert.equal(response.status, 200);
    const { status, details } = (await response.json()) as {
      status: string;
      details: Record<string, { status: string; sessions?: number }>;
    };
    assert.deepEqual([status, details.linnet.status, details.database.status], ['ok', 'up', 'up']);
    assert.ok(details.linnet.sessions! > 0);
  });
});

describe('@sentry/node', () => {
  /** The events of Sentry while something fails. None is sent. */
  const events: Sentry.ErrorEvent[] = [];
  Sentry.init({
    dsn: 'https://key@127.0.0.1/1',
    beforeSend: (event) => {
      events.push(event);
      return null;
    },
  });
  const reported = async (text: string) => {
    await Sentry.flush(5000);
    return events.filter(({ exception }) => exception?.values?.some(({ value }) => value === text));
  };

  for (const way of ways) {
    it(`gets an error that callers may not see once, with its call, over ${way}`, async () => {
      const { message } = await failureOf(served.shop(way).fail(`fault ${way}`));
      assert.equal(message, 'Internal error');
      const [event, ...more] = await reported(`fault ${way}`);
      assert.deepEqual(more, []);
      assert.equal(event?.tags?.rpcMethod, way === 'IPC' ? 'shop-v1.fail' : 'fail');
      assert.ok(event?.tags?.activityId);
    });

    it(`gets no error that callers may see over ${way}`, async () => {
      await failureOf(served.shop(way).reserve(''));
      assert.deepEqual(await reported('The name of the article is empty.'), []);
    });
  }

  it('gets a fault of a controller once, and no HttpException', async () => {
    const statuses = await Promise.all(
      ['hidden', 'shown'].map(async (path) => (await fetch(`${served.url}/fault/${path}`)).status),
    );
    assert.deepEqual(statuses, [500, 404]);
    assert.equal((await reported('a fault of a controller')).length, 1);
    assert.deepEqual(await reported('Not Found'), []);
  });
});
