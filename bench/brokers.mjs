// The brokers that the benchmarks start, and their processor time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../scripts/example.process.mjs';

/** Starts Redis. @param options further options, for instance to keep what it confirms on disk */
export async function startRedis(...options) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'linnet-bench-'));
  const args = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...options];
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  let child;
  const begin = async () => {
    child = spawn('redis-server', args, { stdio: 'ignore' });
    await client.ping();
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  await begin();
  return {
    env: { REDIS_URL: url },
    begin,
    kill,
    /** Processor time that it has used, in microseconds. */
    async cpuMicros() {
      const info = await client.info('cpu');
      const [, system] = /used_cpu_sys:([\d.]+)/.exec(info);
      const [, user] = /used_cpu_user:([\d.]+)/.exec(info);
      return 1e6 * (Number(system) + Number(user));
    },
    async stop() {
      client.disconnect();
      await kill();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Linux counts the processor time of another process in hundredths of a second. */
const TICK_MICROS = 10_000;

/** Starts NATS with JetStream. */
export async function startNats() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'linnet-bench-'));
  const args = ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder];
  const child = spawn(process.env.NATS_BINARY ?? 'nats-server', args, { stdio: 'ignore' });
  while (!(await accepts(port))) await sleep(20);
  return {
    env: { NATS_URL: `nats://127.0.0.1:${port}` },
    /** Processor time that it has used, in microseconds. */
    async cpuMicros() {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      return TICK_MICROS * (Number(user) + Number(system));
    },
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
  };
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}
