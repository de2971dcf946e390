import { isInstalled, startBroker } from './broker.process.js';
import type { BrokerProcess, BrokerProgram } from './broker.process.js';

const program: BrokerProgram = {
  name: 'NATS',
  binary: process.env['NATS_BINARY'] ?? 'nats-server',
  arguments: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
  output: 'stderr',
  ready: 'Server is ready',
};

/** Whether there is a NATS server on this computer (`NATS_BINARY` may name one). */
export const hasNats = isInstalled(program);

/** A server of NATS that listens on loopback. */
export interface NatsServer extends BrokerProcess {
  readonly servers: string;
}

/** Starts NATS with JetStream. @param port default: one that is free @param options further arguments of its command */
export async function startNats(port?: number, ...options: readonly string[]): Promise<NatsServer> {
  const broker = await startBroker(program, options, port);
  return { ...broker, servers: `nats://127.0.0.1:${broker.port}` };
}
