import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryBackplane } from '@linnet/common';
import type { OnceStore } from '@linnet/common';
import { joinOnce } from '@linnet/common/internal';
import { redisBackplane } from '@linnet/redis';
import { backplaneOver } from '../../../libs/backend/src/node/cluster/cluster.backplane.js';
import { ClusterHub } from '../../../libs/backend/src/node/cluster/cluster.hub.js';
import { brokers } from '../../harness/brokers.js';
import { hasRedis, startRedis } from '../../harness/redis.server.js';
import { settled, until } from '../../harness/waiting.js';
import { channel } from '../../rooms/cluster.channel.js';
import { bank, closeBanks, ends, failure, start } from './bank.js';

afterEach(closeBanks);

let hub = memoryBackplane();
let primary: ClusterHub;
const all = {
  memory: {
    isThere: true,
    start: async () => {
      hub = memoryBackplane();
      return { port: 0, stop: async () => undefined };
    },
    connect: (_port: number) => hub,
  },
  'a cluster': {
    isThere: true,
    start: async () => {
      primary = new ClusterHub(64 * 1024 * 1024);
      return { port: 0, stop: async () => undefined };
    },
    connect: (_port: number) => {
      const [end, worker] = channel();
      primary.attach(end);
      return backplaneOver(worker, 5_000);
    },
  },
  ...brokers,
};

describe.each(Object.entries(all))('an operation that runs once on the nodes of %s', (_name, broker) => {
  const test = broker.isThere ? it : it.skip;
  const open = async () => {
    const { port, stop } = await broker.start();
    ends.push(stop);
    return () => broker.connect(port);
  };

  test('gives a repetition on another node the answer of the first run', async () => {
    const connect = await open();
    const [one, two] = [await start({ once: { backplane: connect() } }), await start({}, connect())];
    const first = await one.as('a').pay(5, Uint8Array.of(1, 2));
    expect(await two.as('a').pay(5, Uint8Array.of(1, 2))).toStrictEqual(first);
    await failure(two.as('b').fail('nest'));
    expect(await failure(one.as('b').fail('nest'))).toMatchObject({ status: 409, message: 'paid already' });
    expect(bank.runs).toBe(2);
    // The store outlives a node that ends in good order.
    await one.end();
    expect(await two.as('a').pay(5, Uint8Array.of(1, 2))).toStrictEqual(first);
  });

  test('lets a repetition on another node wait for the answer of a run', async () => {
    const connect = await open();
    const [one, two] = [await start({}, connect()), await start({}, connect())];
    const first = one.as('a').hold();
    await bank.begun.opened;
    const second = two.as('a').hold();
    await settled();
    bank.held.open();
    expect(await Promise.all([first, second])).toEqual([1, 1]);
  });

  test('runs on one of several nodes that are called at once', async () => {
    const connect = await open();
    const nodes = [await start({}, connect()), await start({}, connect()), await start({}, connect())];
    const answers = await Promise.all(nodes.flatMap(({ as }) => [as('a').pay(5), as('a').pay(5)]));
    expect(answers).toEqual(answers.map(() => ({ run: 1, amount: 5 })));
  });

  test('has an unknown outcome if the node that ran it is gone', async () => {
    const connect = await open();
    // The claim of a node that dies without a word.
    const lost = joinOnce(connect());
    const keys: string[] = [];
    const spying: OnceStore = {
      claim: (key, lifeMs) => {
        keys.push(key);
        return lost.claim(key, lifeMs);
      },
      look: (key) => lost.look(key),
    };
    const one = await start({ once: { store: spying } });
    const two = await start({}, connect());
    void one
      .as('a')
      .hold()
      .catch(() => undefined);
    await bank.begun.opened;
    await lost.close();
    expect(await failure(two.as('a').hold())).toMatchObject({
      name: 'OutcomeUnknownError',
      message: 'The process that had the call has ended. The call is not run again.',
    });
    expect(bank.runs).toBe(1);
    expect(keys).toHaveLength(1);
  });

  test('is not run if what the backplane has of it cannot be read', async () => {
    const connect = await open();
    const events = { frame: () => undefined, restored: () => undefined };
    const hostile = connect().join('hostile', events);
    ends.push(() => hostile.leave());
    const logs = (hostile.records ?? hostile.logs)!;
    const [one, two] = [await start({}, connect()), await start({}, connect())];
    const honest = joinOnce(connect());
    const keys: string[] = [];
    const store: OnceStore = {
      claim: (key, lifeMs) => {
        keys.push(`once ${key}`);
        return honest.claim(key, lifeMs);
      },
      look: (key) => honest.look(key),
      close: () => honest.close(),
    };
    const three = await start({ once: { store } });
    const frames = [[0], [9, 9], [2], [2, 0, 0, 0, 200, 123], [2, 0, 0, 0, 2, 123, 125], [1], [1, 32]];
    for (const [i, frame] of frames.entries()) {
      await three.as(`a${i}`).pay(1);
      const key = keys.at(-1)!;
      await until(async () => (await logs.read(key)).frames.at(-1)?.[0] === 2);
      const { last } = await logs.read(key);
      await logs.append(key, Uint8Array.from(frame), { after: last, replaces: true, lifeMs: 60_000 });
      for (const { as } of [one, two])
        expect(await failure(as(`a${i}`).pay(1))).toMatchObject({ name: 'OutcomeUnknownError' });
    }
    expect(bank.runs).toBe(frames.length);
  });
});

(hasRedis ? describe : describe.skip)('an operation that runs once while Redis does not answer', () => {
  it('is refused with a 503 that promises that it has not begun, and runs once afterwards', async () => {
    const redis = await startRedis();
    ends.push(redis.stop);
    const connect = () => redisBackplane({ url: redis.url, timeoutMs: 300, leaseMs: 60_000 });
    const [one, two] = [await start({ once: { backplane: connect() } }), await start({}, connect())];
    await one.as('before').pay(1);
    await two.as('before').pay(1);
    redis.freeze();
    const failures = await Promise.all([one, two].map(({ as }) => failure(as('a').pay(5))));
    expect(failures.map((error) => error?.status)).toEqual([503, 503]);
    expect(bank.runs).toBe(1);
    redis.thaw();
    // Redis may have taken the claim of the call that was refused: it is released in the background.
    const answer = await until(() =>
      two
        .as('a')
        .pay(5)
        .catch(() => undefined),
    );
    expect(await one.as('a').pay(5)).toEqual(answer);
    expect(bank.runs).toBe(2);
  });

  it('keeps an answer for which Redis was away', async () => {
    const redis = await startRedis();
    ends.push(redis.stop);
    const connect = () => redisBackplane({ url: redis.url, timeoutMs: 300, leaseMs: 60_000 });
    const [one, two] = [await start({}, connect()), await start({}, connect())];
    const first = one.as('a').hold();
    await bank.begun.opened;
    redis.freeze();
    bank.held.open();
    expect(await first).toBe(1);
    redis.thaw();
    expect(
      await until(() =>
        two
          .as('a')
          .hold()
          .catch(() => undefined),
      ),
    ).toBe(1);
    expect(bank.runs).toBe(1);
  });
});
