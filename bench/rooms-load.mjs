// Rooms over several nodes with Redis between them: what is sent, received and used.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../scripts/example.process.mjs';
import { Client } from './ipc-client.mjs';
import { wires } from './ipc-wires.mjs';
import { pinned, startServer } from './processes.mjs';

// Nodes, Redis and the load share all processors.
if (pinned) spawnSync('taskset', ['-a', '-c', '-p', `0-${cpus().length - 1}`, String(process.pid)]);

/** The systems: their server, and the wire that their clients speak. */
const systems = {
  linnet: { server: 'rooms-linnet', wire: { ...wires['ipc-linnet-durable'], pushed: 'itwin.bench-push' } },
  'socket.io': { server: 'rooms-socket.io', wire: wires['socket.io'] },
};

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
    url,
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

/** Starts nodes. Nothing is pinned: they share the processors with Redis and the load. */
export function startNodes(system, count, redis) {
  const options = { env: { REDIS_URL: redis.url }, isPinned: false };
  return Promise.all(
    Array.from({ length: count }, () => startServer(systems[system].server, ['--expose-gc'], options)),
  );
}

/** A member of a room, which counts the messages that it receives. */
class Member {
  received = 0;
  /** The numbers of messages, where they are kept. */
  numbers;
  #onCount = () => {};

  static async enter(system, node, room, keepsNumbers = false) {
    const { wire } = systems[system];
    const member = new Member();
    if (keepsNumbers) member.numbers = new Set();
    const client = (member.client = await Client.open(node.port, wire));
    const marker = Buffer.from(wire.pushed);
    const entered = new Promise((resolve, reject) => {
      client.onClose = reject;
      client.onFrame = (frame) => {
        if (frame.includes('entered')) resolve();
        const count = member.#count(frame, marker);
        if (count === 0) return;
        member.received += count;
        client.received(count);
        member.#onCount();
      };
    });
    client.send(wire.call('enter', [room])(0));
    await entered;
    client.onClose = () => {};
    return member;
  }

  /** Resolves when so many have arrived. */
  until(count) {
    return new Promise((resolve) => {
      this.#onCount = () => this.received >= count && resolve();
      this.#onCount();
    });
  }

  #count(frame, marker) {
    let count = 0;
    for (let at = frame.indexOf(marker); at >= 0; at = frame.indexOf(marker, at + marker.length)) {
      count++;
      const [, n] = this.numbers
        ? /^[^\d]*(\d+)/.exec(frame.latin1Slice(at + marker.length, Math.min(at + 60, frame.length)))
        : [];
      if (n !== undefined) this.numbers.add(Number(n));
    }
    return count;
  }
}

/** Has nodes send, and waits until they have. @param told receives the number of each message that a sender was told of */
function order({ child }, flood, told = () => {}) {
  return new Promise((resolve) => {
    const receive = (message) => {
      if (message.told !== undefined) told(message.told);
      if (!message.isDone) return;
      child.off('message', receive);
      resolve();
    };
    child.on('message', receive);
    child.send(flood);
  });
}

/** All nodes send to a room with so many members. @returns messages, deliveries, seconds, and processor time */
export async function fanOut(system, nodes, redis, members, deliveries) {
  const room = `room of ${members}`;
  const all = [];
  for (let i = 0; i < members; i++) all.push(await Member.enter(system, nodes[i % nodes.length], room));
  const each = Math.max(20, Math.round(deliveries / members / nodes.length));
  const send = (count) => Promise.all(nodes.map((node) => order(node, { rooms: [room], count })));
  // Compiled code is what is measured.
  await send(Math.ceil(each / 4));
  await Promise.all(all.map((member) => member.until(nodes.length * Math.ceil(each / 4))));
  const before = await usage(nodes, redis);
  const start = performance.now();
  const goal = nodes.length * (each + Math.ceil(each / 4));
  await Promise.all([send(each), ...all.map((member) => member.until(goal))]);
  const seconds = (performance.now() - start) / 1000;
  const after = await usage(nodes, redis);
  await Promise.all(all.map(({ client }) => client.close()));
  const messages = nodes.length * each;
  return {
    messages: messages / seconds,
    deliveries: (messages * members) / seconds,
    nodeMicros: (after.nodes - before.nodes) / messages / members,
    redisMicros: (after.redis - before.redis) / messages,
  };
}

async function usage(nodes, redis) {
  const all = await Promise.all(nodes.map((node) => node.resources()));
  return { nodes: all.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0), redis: await redis.cpuMicros() };
}

/** Steady messages to rooms. @returns processor time of nodes and Redis in a second, and the memory of the nodes */
export async function steady(system, nodes, redis, { rooms, members, perSecond, seconds }) {
  const none = await memoryOf(nodes);
  const names = Array.from({ length: rooms }, (_, i) => `room ${i}`);
  const all = [];
  for (let i = 0; i < rooms * members; i++)
    all.push(await Member.enter(system, nodes[i % nodes.length], names[Math.floor(i / members)]));
  const idle = await memoryOf(nodes);
  const flood = {
    rooms: names,
    perSecond: perSecond / nodes.length,
    count: (seconds * perSecond) / nodes.length,
  };
  const before = await usage(nodes, redis);
  const goal = (nodes.length * flood.count) / rooms;
  const start = performance.now();
  await Promise.all([...nodes.map((node) => order(node, flood)), ...all.map((member) => member.until(goal))]);
  const took = (performance.now() - start) / 1000;
  const after = await usage(nodes, redis);
  const busy = await memoryOf(nodes);
  await Promise.all(all.map(({ client }) => client.close()));
  return {
    took,
    nodes: (after.nodes - before.nodes) / took / 1e4,
    redis: (after.redis - before.redis) / took / 1e4,
    eachKiB: (idle - none) / all.length / 1024,
    busyMiB: busy / 2 ** 20,
  };
}

/** Memory in use of all nodes after a collection, in bytes. */
async function memoryOf(nodes) {
  let used = 0;
  for (const node of nodes) {
    await node.resources();
    used += (await node.resources()).used;
  }
  return used;
}

/** Counts the messages that are lost although their sender was told, while a node or Redis ends. */
export async function losses(system, what) {
  const redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const nodes = await startNodes(system, 2, redis);
  const [sender, other] = nodes;
  const member = await Member.enter(system, other, 'room', true);
  const told = new Set();
  const flood = { rooms: ['room'], perSecond: 1000, count: 4000, isReported: true };
  const done = order(sender, flood, (n) => told.add(n));
  await sleep(1000);
  const kill = async () => {
    sender.child.kill('SIGKILL');
    await once(sender.child, 'exit');
  };
  if (what === 'sender') await kill();
  else if (what === 'both') {
    await redis.kill();
    await sleep(300);
    await kill();
    await redis.begin();
  } else {
    await redis.kill();
    await sleep(500);
    await redis.begin();
    await done;
  }
  await sleep(3000);
  const lost = [...told].filter((n) => !member.numbers.has(n)).length;
  await Promise.all(nodes.map((node) => node.stop()));
  await redis.stop();
  return { told: told.size, lost, notTold: [...member.numbers].filter((n) => !told.has(n)).length };
}
