import type { IpcBackplane } from '@linnet/common';
import { natsBackplane } from '@linnet/nats';
import { redisBackplane } from '@linnet/redis';
import type { BrokerProcess } from './broker.process.js';
import { hasNats, startNats } from './nats.server.js';
import { hasRedis, startRedis } from './redis.server.js';

/** A broker that carries a backplane. */
interface Broker {
  /** Whether it is installed on this computer. */
  readonly isThere: boolean;
  /** Starts it so that it keeps what it has confirmed. */
  start(): Promise<BrokerProcess>;
  /** @param timeoutMs how long a promise waits for the broker, in milliseconds */
  connect(port: number, timeoutMs?: number): IpcBackplane;
}

/** The brokers, by name. */
export const brokers: Readonly<Record<string, Broker>> = {
  Redis: {
    isThere: hasRedis,
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
    connect: (port, timeoutMs) => redisBackplane({ url: `redis://127.0.0.1:${port}`, timeoutMs }),
  },
  NATS: {
    isThere: hasNats,
    start: () => startNats(),
    connect: (port, timeoutMs) => natsBackplane({ servers: `nats://127.0.0.1:${port}`, timeoutMs }),
  },
};
