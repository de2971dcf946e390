import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { memoryBackplane } from '@linnet/common';
import type { BackplaneEvents, BackplaneNode, IpcBackplane } from '@linnet/common';
import { natsBackplane } from '@linnet/nats';
import { redisBackplane } from '@linnet/redis';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import { replicatePromises } from './replicate.conformance.js';
import type { MortalBackplane } from './replicate.conformance.js';
import { endAll, startLine } from './weather.js';

const shared = memoryBackplane();
replicatePromises('the backplane of one process', async () => mortalMemory(shared), false);

(hasRedis ? describe : describe.skip)('with a Redis server', () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedis()));
  afterEach(endAll);
  afterAll(() => redis?.stop());

  replicatePromises('Redis', async () => {
    const line = await startLine(Number(new URL(redis.url).port));
    return { ...line, backplane: redisBackplane({ url: `redis://127.0.0.1:${line.port}` }) };
  });
});

(hasNats ? describe : describe.skip)('with a NATS server', () => {
  let nats: NatsServer;
  beforeAll(async () => void (nats = await startNats()));
  afterEach(endAll);
  afterAll(() => nats?.stop());

  replicatePromises('NATS', async () => {
    const line = await startLine(Number(new URL(nats.servers).port));
    return { ...line, backplane: natsBackplane({ servers: `nats://127.0.0.1:${line.port}` }) };
  });
});

/** A node in memory that can be cut off: the others take it for dead, and what it calls waits. */
function mortalMemory(hub: IpcBackplane): MortalBackplane {
  let waiting: Promise<void> | undefined;
  let mend = () => undefined as void;
  let inner: BackplaneNode;
  let rejoin = () => undefined as void;
  const later = <T>(work: () => Promise<T>): Promise<T> => (waiting ? waiting.then(work) : work());
  const join = (id: string, events: BackplaneEvents): BackplaneNode => {
    const filtered: BackplaneEvents = {
      frame: (topic, frame) => void later(async () => events.frame(topic, frame)),
      restored: (hasMissed) => events.restored(hasMissed),
    };
    inner = hub.join(id, filtered);
    rejoin = () => {
      inner = hub.join(id, filtered);
      events.restored(true);
    };
    const logs = inner.logs!;
    return {
      publish: (...args) => later(() => inner.publish(...args)),
      send: (...args) => later(() => inner.send(...args)),
      lives: (...args) => later(() => inner.lives(...args)),
      subscribe: (...args) => later(() => inner.subscribe(...args)),
      unsubscribe: (...args) => later(() => inner.unsubscribe(...args)),
      set: (...args) => later(() => inner.set(...args)),
      delete: (...args) => later(() => inner.delete(...args)),
      get: (...args) => later(() => inner.get(...args)),
      list: (...args) => later(() => inner.list(...args)),
      count: (...args) => later(() => inner.count(...args)),
      keep: (...args) => later(() => inner.keep(...args)),
      take: (...args) => later(() => inner.take(...args)),
      logs: {
        append: (...args) => later(() => logs.append(...args)),
        read: (...args) => later(() => logs.read(...args)),
        missed: (...args) => later(() => logs.missed(...args)),
        position: 0,
      },
      leave: () => later(() => inner.leave()),
    };
  };
  return {
    backplane: { join },
    cut() {
      void inner.leave();
      waiting = new Promise((resolve) => (mend = resolve));
    },
    mend() {
      if (!waiting) return;
      waiting = undefined;
      rejoin();
      mend();
    },
  };
}
