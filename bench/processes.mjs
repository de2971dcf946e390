// Servers in processes of their own, on another core than the load.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const scripts = {
  raw: ['raw.server.js'],
  'raw-with-nest': ['raw.server.js', 'with-nest'],
  'linnet-express': ['linnet.server.js', 'linnet'],
  'linnet-express-middleware': ['linnet.server.js', 'linnet', 'middleware'],
  'stock-express': ['linnet.server.js', 'express'],
  fastify: ['linnet.server.js', 'fastify'],
  controller: ['controller.server.js'],
  'ws-raw': ['ws-raw.server.js'],
  'ws-raw-with-nest': ['ws-raw.server.js', 'with-nest'],
  'ipc-linnet': ['ipc-linnet.server.js'],
  'ipc-linnet-durable': ['ipc-linnet.server.js'],
  'ipc-reference': ['ipc-reference.server.js'],
  'ws-nest-gateway': ['ws-nest-gateway.server.js'],
  'socket.io': ['socket-io.server.js'],
  'raw-stream': ['raw-stream.server.js'],
  'linnet-stream': ['linnet-stream.server.js'],
  trpc: ['trpc.server.js'],
  orpc: ['orpc.server.js'],
  connect: ['connect.server.js'],
  'rooms-linnet': ['rooms-linnet.server.js'],
  'nats-linnet-serve': ['nats-calls.server.js', 'linnet', 'serve'],
  'nats-linnet-call': ['nats-calls.server.js', 'linnet', 'call'],
  'nats-raw-serve': ['nats-calls.server.js', 'raw', 'serve'],
  'nats-raw-call': ['nats-calls.server.js', 'raw', 'call'],
  'rooms-socket.io': ['rooms-socket-io.server.js'],
};
export const serverNames = Object.keys(scripts);

const SERVER_CORE = '0';
const LOAD_CORE = '1';

/** Moves all threads of this process. @returns whether it could */
function moveTo(cores) {
  return spawnSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)]).status === 0;
}

/** Whether server and load have a core each: this very process is moved to the load's. */
export const pinned = process.platform === 'linux' && availableParallelism() > 1 && moveTo(LOAD_CORE);

/** Lets this process, and servers that are not pinned, use all cores, or moves it back to the load's. */
export function pinLoad(isPinned) {
  if (pinned) moveTo(isPinned ? LOAD_CORE : `0-${cpus().length - 1}`);
}

/** Starts a server and waits until it listens. `NODE_ARGUMENTS` (a profiler, for instance) go to its Node. */
export async function startServer(name, moreArguments = [], { env = {}, isPinned = pinned } = {}) {
  const [script, ...rest] = scripts[name];
  const path = fileURLToPath(new URL(`../dist/bench/${script}`, import.meta.url));
  const nodeArguments = [...(process.env.NODE_ARGUMENTS?.split(' ') ?? []), ...moreArguments];
  const command = [process.execPath, '--enable-source-maps', ...nodeArguments, path, ...rest];
  const [file, ...args] = isPinned ? ['taskset', '-c', SERVER_CORE, ...command] : command;
  const child = spawn(file, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env, NODE_ENV: 'production' },
  });
  const [{ port }] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`The server ${name} ended with ${code}.`);
    }),
  ]);
  return {
    port,
    child,
    async resources() {
      const answer = once(child, 'message');
      child.send('resources');
      return (await answer)[0];
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
