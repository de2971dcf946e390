// Rooms over several nodes with a broker between them: what is sent, received and used.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from './brokers.mjs';
import { Client } from './ipc-client.mjs';
import { wires } from './ipc-wires.mjs';
import { pinLoad, startServer } from './processes.mjs';

// Nodes, broker and the load share all processors.
pinLoad(false);

const linnet = {
  server: 'rooms-linnet',
  wire: { ...wires['ipc-linnet-durable'], pushed: 'itwin.bench-push' },
};

/** The systems: their server, and the wire that their clients speak. */
const systems = {
  linnet,
  'linnet, NATS': linnet,
  'socket.io': { server: 'rooms-socket.io', wire: wires['socket.io'] },
};

/** Starts nodes. Nothing is pinned: they share the processors with the broker and the load. */
export function startNodes(system, count, { env }) {
  const options = { env, isPinned: false };
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

/** Has a process send, and waits until they have. @param told receives the number of each message that a sender was told of */
export function order({ child }, flood, told = () => {}) {
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

/** A room with one member gets no more than this, which takes long enough to measure. */
const MOST_MESSAGES = 20_000;

/** All nodes send to a room with so many members. @returns messages, deliveries, seconds, and processor time */
export async function fanOut(system, nodes, broker, members, deliveries) {
  const room = `room of ${members}`;
  const all = [];
  for (let i = 0; i < members; i++) all.push(await Member.enter(system, nodes[i % nodes.length], room));
  const messages = Math.min(MOST_MESSAGES, Math.round(deliveries / members));
  const each = Math.max(20, Math.round(messages / nodes.length));
  const send = (count) => Promise.all(nodes.map((node) => order(node, { rooms: [room], count })));
  // Compiled code is what is measured.
  await send(Math.ceil(each / 4));
  await Promise.all(all.map((member) => member.until(nodes.length * Math.ceil(each / 4))));
  const before = await usage(nodes, broker);
  const start = performance.now();
  const goal = nodes.length * (each + Math.ceil(each / 4));
  await Promise.all([send(each), ...all.map((member) => member.until(goal))]);
  const seconds = (performance.now() - start) / 1000;
  const after = await usage(nodes, broker);
  await Promise.all(all.map(({ client }) => client.close()));
  const sent = nodes.length * each;
  return {
    messages: sent / seconds,
    deliveries: (sent * members) / seconds,
    nodeMicros: (after.nodes - before.nodes) / sent / members,
    brokerMicros: (after.broker - before.broker) / sent,
  };
}

async function usage(nodes, broker) {
  const all = await Promise.all(nodes.map((node) => node.resources()));
  return { nodes: all.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0), broker: await broker.cpuMicros() };
}

/** Steady messages to rooms. @returns processor time of nodes and Redis in a second, and the memory of the nodes */
export async function steady(system, nodes, broker, { rooms, members, perSecond, seconds }) {
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
  const before = await usage(nodes, broker);
  const goal = (nodes.length * flood.count) / rooms;
  if (flood.count % rooms !== 0) throw new Error('Every room has to get the same number of messages.');
  const start = performance.now();
  await Promise.all([...nodes.map((node) => order(node, flood)), ...all.map((member) => member.until(goal))]);
  const took = (performance.now() - start) / 1000;
  const after = await usage(nodes, broker);
  const busy = await memoryOf(nodes);
  await Promise.all(all.map(({ client }) => client.close()));
  return {
    took,
    nodes: (after.nodes - before.nodes) / took / 1e4,
    broker: (after.broker - before.broker) / took / 1e4,
    noneMiB: none / 2 ** 20,
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
