// Rooms over several nodes with Redis, compared to Socket.IO with its Redis Streams adapter.
//
//   npm run bench:rooms -- [--quick] [--rounds 3] [--only growth,calls,compared,losses] [--write]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compile } from '../scripts/packages.mjs';
import { calls } from './ipc-load.mjs';
import { fanOut, losses, startNodes, startRedis, steady } from './rooms-load.mjs';
import { plot } from './plot.mjs';
import { writeSection } from './report.mjs';
import { machine, markdown, median } from './tables.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const all = 'growth,calls,compared,losses';
const parts = (options.only ?? all).split(',');
// Half a run would take the place of a whole one.
if (options.write && options.only) throw new Error('--write is for all parts.');
const deliveries = options.quick ? 20_000 : 100_000;
const rounds = options.quick ? 1 : Number(options.rounds);
const COUNTS = [1, 2, 4];
const FANS = [1, 10, 100, 1000];

compile('bench');
const text = [`${machine({ pinned: false, rounds })} Nodes, Redis and the load share the processors.`];
if (parts.includes('growth')) await growth();
if (parts.includes('calls')) await callsOfNodes();
if (parts.includes('compared')) await compared();
if (parts.includes('losses')) await lossesOf();
console.log(text.join('\n\n'));
if (options.write) writeSection('Rooms over several nodes', text);
process.exit();

/** Room messages with some nodes and members. */
async function growth() {
  const points = new Map(COUNTS.map((count) => [count, []]));
  const rows = [];
  for (const count of COUNTS) {
    for (const members of FANS) {
      const found = await inRounds('linnet', count, (nodes, redis) =>
        fanOut('linnet', nodes, redis, members, deliveries),
      );
      points.get(count).push([members, found.deliveries]);
      rows.push([
        count,
        members,
        rate(found.messages),
        rate(found.deliveries),
        micros(found.nodeMicros),
        micros(found.redisMicros),
      ]);
    }
  }
  const columns = [
    'nodes',
    'members',
    'messages/s',
    'deliveries/s',
    'CPU of the nodes per delivery',
    'CPU of Redis per message',
  ];
  text.push('### (rooms-growth) messages to one room, all nodes send', table(columns, rows));
  if (!options.write) return;
  const lines = Array.from(points, ([count, found]) => ({
    name: `${count} ${count === 1 ? 'node' : 'nodes'}`,
    points: found,
  }));
  const svg = plot({
    title: 'Deliveries to the members of a room',
    x: 'members of the room',
    y: 'deliveries/s',
    lines,
  });
  writeFileSync(new URL('../docs/images/rooms-growth.svg', import.meta.url), svg);
}

/** Calls to nodes that have a frontend each. */
async function callsOfNodes() {
  const rows = [];
  for (const count of COUNTS) {
    const found = await inRounds('linnet', count, async (nodes) => {
      const row = { server: 'ipc-linnet-durable', operation: 'add' };
      const all = await Promise.all(
        nodes.map((node) => calls(node, row, { outstanding: 64, milliseconds: options.quick ? 500 : 2000 })),
      );
      return {
        rate: all.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0),
        cpu:
          all.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0) /
          all.reduce((sum, { requests }) => sum + requests, 0),
      };
    });
    rows.push([count, rate(found.rate), micros(found.cpu)]);
  }
  text.push(
    '### (rooms-calls) `add(a, b)`, 64 calls outstanding for each node',
    table(['nodes', 'calls/s', 'CPU per call'], rows),
  );
}

/** The same rooms and rates. */
async function compared() {
  const rows = [];
  for (const members of [10, 100]) {
    for (const system of ['linnet', 'socket.io']) {
      const most = await inRounds(system, 2, (nodes, redis) =>
        fanOut(system, nodes, redis, members, deliveries),
      );
      rows.push([
        system,
        members,
        rate(most.messages),
        rate(most.deliveries),
        micros(most.nodeMicros),
        micros(most.redisMicros),
      ]);
    }
  }
  const columns = [
    'system',
    'members',
    'messages/s',
    'deliveries/s',
    'CPU of the nodes per delivery',
    'CPU of Redis per message',
  ];
  text.push('### (rooms-compared) 2 nodes, as many messages to one room as possible', table(columns, rows));
  const same = { rooms: 100, members: 10, perSecond: 500, seconds: options.quick ? 3 : 10 };
  const steadyRows = [];
  for (const system of ['linnet', 'socket.io']) {
    const found = await inRounds(system, 2, (nodes, redis) => steady(system, nodes, redis, same));
    steadyRows.push([
      system,
      `${found.nodes.toFixed(0)} %`,
      `${found.redis.toFixed(0)} %`,
      `${found.eachKiB.toFixed(1)} KiB`,
      `${found.busyMiB.toFixed(0)} MiB`,
    ]);
  }
  text.push(
    '### (rooms-steady) 2 nodes, 100 rooms of 10, 500 messages/s: 5,000 deliveries/s',
    table(
      [
        'system',
        'CPU of the nodes, of one processor',
        'CPU of Redis',
        'memory in use by each session',
        'memory in use of both nodes',
      ],
      steadyRows,
    ),
  );
}

/** Messages that are lost although their sender was told that they are sent. */
async function lossesOf() {
  const rows = [];
  for (const [what, title] of [
    ['sender', 'the node of the sender is killed'],
    ['redis', 'Redis is killed and starts again with its data'],
    ['both', 'Redis is killed, and the node of the sender before it is back'],
  ]) {
    for (const system of ['linnet', 'socket.io']) {
      const all = [];
      for (let round = 0; round < rounds; round++) all.push(await losses(system, what));
      const sum = (of) => all.reduce((total, each) => total + of(each), 0);
      rows.push([title, system, rate(sum(({ told }) => told)), rate(sum(({ lost }) => lost))]);
    }
  }
  text.push(
    '### (rooms-losses) 1,000 messages/s to a member on another node',
    table(['event', 'system', 'messages that count as sent', 'of them lost'], rows),
    'Linnet counts a message as sent when its promise has resolved. Socket.IO has no confirmation: it counts when `emit` has returned.',
  );
}

/** Runs work in rounds, each with nodes and a Redis of its own. @returns the medians of what it returns */
async function inRounds(system, count, work) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const redis = await startRedis();
    const nodes = await startNodes(system, count, redis);
    try {
      found.push(await work(nodes, redis));
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
      await redis.stop();
    }
  }
  return Object.fromEntries(
    Object.keys(found[0]).map((name) => [name, median(found.map((each) => each[name]))]),
  );
}

function table(columns, rows) {
  return markdown(columns, rows).join('\n');
}

function rate(value) {
  return Math.round(value).toLocaleString('en');
}

function micros(value) {
  return `${value.toFixed(1)} µs`;
}
