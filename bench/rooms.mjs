// Rooms over several nodes with Redis or NATS, compared to Socket.IO with its Redis Streams adapter, and RPC over NATS.
//
//   npm run bench:rooms -- [--quick] [--rounds 3] [--only growth,calls,nats,compared,losses] [--write]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compile } from '../scripts/packages.mjs';
import { calls } from './ipc-load.mjs';
import { startNats, startRedis } from './brokers.mjs';
import { callsOverNats } from './nats-calls.mjs';
import { fanOut, losses, startNodes, steady } from './rooms-load.mjs';
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
const all = 'growth,calls,nats,compared,losses';
const parts = (options.only ?? all).split(',');
// Part of a run would take the place of a whole one.
if (options.write && options.only) throw new Error('--write is for all parts.');
const deliveries = options.quick ? 20_000 : 60_000;
const rounds = options.quick ? 1 : Number(options.rounds);
const COUNTS = [1, 2, 4];
const FANS = [1, 10, 100, 1000];

compile('bench');
const text = [`${machine({ pinned: false, rounds })} Nodes, the broker and the load share the processors.`];
if (parts.includes('growth')) await growth();
if (parts.includes('calls')) await callsOfNodes();
if (parts.includes('nats')) await overNats();
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
      rows.push([count, members, ...costsOf(found)]);
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
  const lines = Array.from(points, ([count, found]) => ({
    name: `${count} ${count === 1 ? 'node' : 'nodes'}`,
    points: found,
  }));
  draw('rooms-growth', {
    title: 'Deliveries to the members of a room',
    x: 'members of the room',
    y: 'deliveries/s',
    lines,
  });
}

function draw(name, drawing) {
  if (options.write) writeFileSync(new URL(`../docs/images/${name}.svg`, import.meta.url), plot(drawing));
}

/** Calls to nodes that have a frontend each. */
async function callsOfNodes() {
  const rows = [];
  const points = [];
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
    points.push([count, found.rate]);
  }
  draw('rooms-calls', {
    title: 'Calls to nodes',
    x: 'nodes',
    y: 'calls/s',
    lines: [{ name: 'calls', points }],
  });
  text.push(
    '### (rooms-calls) `add(a, b)`, 64 calls outstanding for each node',
    table(['nodes', 'calls/s', 'CPU per call'], rows),
  );
}

/** Rooms over NATS, and calls over NATS beside bare requests and replies. */
async function overNats() {
  const rows = [];
  const system = 'linnet, NATS';
  for (const members of FANS) {
    const work = (nodes, nats) => fanOut(system, nodes, nats, members, deliveries);
    const found = await inRounds(system, 2, work, startNats);
    rows.push([members, ...costsOf(found)]);
  }
  const columns = [
    'members',
    'messages/s',
    'deliveries/s',
    'CPU of the nodes per delivery',
    'CPU of NATS per message',
  ];
  text.push(
    '### (rooms-nats) 2 nodes over NATS, messages to one room, both nodes send',
    table(columns, rows),
  );
  const found = { raw: [], linnet: [] };
  for (let round = 0; round < rounds; round++)
    for (const system of Object.keys(found))
      found[system].push(await callsOverNats(system, options.quick ? 20_000 : 60_000));
  const raw = mediansOf(found.raw);
  const callRows = Object.entries(found).map(([system, all]) => {
    const each = mediansOf(all);
    return [
      system,
      rate(each.rate),
      (each.rate / raw.rate).toFixed(2),
      micros(each.server),
      micros(each.caller),
      micros(each.broker),
    ];
  });
  text.push(
    '### (nats-calls) `add(a, b)` over NATS, 64 calls outstanding, one server and one caller',
    table(
      ['system', 'calls/s', 'to raw', 'CPU of the server per call', 'CPU of the caller', 'CPU of NATS'],
      callRows,
    ),
    '`raw` are requests and replies of `@nats-io/transport-node` with the same values as JSON, and nothing else.',
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
      rows.push([system, members, ...costsOf(most)]);
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
  const same = { rooms: 300, members: 10, perSecond: 600, seconds: options.quick ? 4 : 5 };
  const steadyRows = [];
  for (const system of ['linnet', 'socket.io']) {
    const found = await inRounds(system, 2, (nodes, redis) => steady(system, nodes, redis, same));
    steadyRows.push([
      system,
      `${found.nodes.toFixed(0)} %`,
      `${found.broker.toFixed(0)} %`,
      `${found.noneMiB.toFixed(0)} MiB`,
      `${found.eachKiB.toFixed(1)} KiB`,
      `${found.busyMiB.toFixed(0)} MiB`,
    ]);
  }
  text.push(
    '### (rooms-steady) 2 nodes, 300 rooms of 10, 600 messages/s: 6,000 deliveries/s',
    table(
      [
        'system',
        'CPU of the nodes, of one processor',
        'CPU of Redis',
        'memory in use of both nodes without sessions',
        'by each session',
        'of both nodes behind the messages',
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
      const { told, lost } = await losses(system, what);
      rows.push([title, system, rate(told), rate(lost)]);
    }
  }
  text.push(
    '### (rooms-losses) 1,000 messages/s to a member on another node, one round',
    table(['event', 'system', 'messages that count as sent', 'of them lost'], rows),
    'Linnet counts a message as sent when its promise has resolved. Socket.IO has no confirmation: it counts when `emit` has returned.',
  );
}

/** Runs work in rounds, each with nodes and a Redis of its own. @returns the medians of what it returns */
async function inRounds(system, count, work, startBroker = startRedis) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const broker = await startBroker();
    const nodes = await startNodes(system, count, broker);
    try {
      found.push(await work(nodes, broker));
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
      await broker.stop();
    }
  }
  return mediansOf(found);
}

function mediansOf(found) {
  return Object.fromEntries(
    Object.keys(found[0]).map((name) => [name, median(found.map((each) => each[name]))]),
  );
}

function table(columns, rows) {
  return markdown(columns, rows).join('\n');
}

/** The cells of messages to a room. */
function costsOf({ messages, deliveries, nodeMicros, brokerMicros }) {
  return [rate(messages), rate(deliveries), micros(nodeMicros), micros(brokerMicros)];
}

function rate(value) {
  return Math.round(value).toLocaleString('en');
}

function micros(value) {
  return `${value.toFixed(1)} µs`;
}
