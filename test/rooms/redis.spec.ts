import { afterAll, beforeAll, describe } from '@jest/globals';
import { redisBackplane } from '@linnet/redis';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import { backplanePromises } from './backplane.conformance.js';

(hasRedis ? describe : describe.skip)('with a Redis server', () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis?.stop());

  backplanePromises('Redis', () => ({ connect: () => redisBackplane({ url: redis.url }) }));
});
