import { isInstalled, startBroker } from './broker.process.js';
import type { BrokerProcess, BrokerProgram } from './broker.process.js';

const program: BrokerProgram = {
  name: 'Redis',
  binary: process.env['REDIS_BINARY'] ?? 'redis-server',
  arguments: (port, folder) => ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
  output: 'stdout',
  ready: 'Ready to accept connections',
};

/** Whether Redis is installed (`REDIS_BINARY` may name it). */
export const hasRedis = isInstalled(program);

/** A Redis server that listens on loopback. */
export interface RedisServer extends BrokerProcess {
  readonly url: string;
}

/** Starts Redis. @param options further arguments of its command, for instance `--appendonly yes` */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const broker = await startBroker(program, options);
  return { ...broker, url: `redis://127.0.0.1:${broker.port}` };
}
