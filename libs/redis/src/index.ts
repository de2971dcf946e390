export { redisBackplane } from './redis.backplane.js';
export type { RedisBackplaneOptions } from './redis.backplane.js';
