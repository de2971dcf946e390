// The loads of the IPC cases. Nothing is awaited for a single message: callbacks and counters.
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Client, frameOf } from './ipc-client.mjs';
import { addition, echo, wires } from './ipc-wires.mjs';

/** Calls with so many outstanding, for so long, after one whose answer is checked in full. */
export async function calls(server, { server: name, operation }, { outstanding, milliseconds }) {
  const wire = wires[name];
  const call = operation === 'echo' ? echo(wire) : addition(wire, operation);
  const frame = call.bytes && frameOf(call);
  const client = await Client.open(server.port, wire);
  let n = 0;
  const send = () => {
    if (call.text) client.send(call.text(n++));
    if (frame) client.sendFrame(frame);
  };
  try {
    const frames = [];
    await exchange(client, send, call, { outstanding: 1, milliseconds: 0, frames });
    if (!call.check(frames)) throw new Error(`Wrong answer of ${name}: ${frames[0].latin1Slice(0, 500)}`);
    return await measured(server, () => exchange(client, send, call, { outstanding, milliseconds }));
  } finally {
    await client.close();
  }
}

function exchange(client, send, { answers }, { outstanding, milliseconds, frames }) {
  return new Promise((resolve, reject) => {
    const deadline = performance.now() + milliseconds;
    let open = outstanding;
    let answered = 0;
    client.onClose = reject;
    client.onFrame = (frame, isBinary) => {
      frames?.push(frame);
      const complete = answers(frame, isBinary);
      if (complete === undefined) reject(unexpected(frame));
      if (complete === 0) return;
      answered += complete;
      client.received(complete);
      const isOver = performance.now() >= deadline;
      for (let i = 0; i < complete; i++) {
        if (!isOver) send();
        else if (--open === 0) resolve(answered);
      }
    };
    for (let i = 0; i < outstanding; i++) send();
  });
}

/** One call that makes the server push so often; the time ends with the answer that follows them. */
export async function pushes(server, { server: name }, { count }) {
  const wire = wires[name];
  const client = await Client.open(server.port, wire);
  try {
    const few = [];
    await receive(client, wire, 0, { count: 3, keep: (frame) => few.push(wire.pushOf(String(frame))) });
    if (!isDeepStrictEqual(few, [0, 1, 2].map(pushed)))
      throw new Error(`Wrong pushes: ${JSON.stringify(few)}`);
    return await measured(server, () => receive(client, wire, 1, { count }));
  } finally {
    await client.close();
  }
}

const pushed = (i) => [i, 1.5, 2.5];

function receive(client, wire, n, { count, keep }) {
  const marker = Buffer.from(wire.pushed);
  return new Promise((resolve, reject) => {
    let received = 0;
    client.onClose = reject;
    let last;
    client.onFrame = (frame) => {
      if (frame.includes(marker)) {
        received++;
        keep?.(frame);
        last = frame;
        return;
      }
      // The answer to the call itself, on all wires behind what was pushed before it.
      const isWhole = received === count && isDeepStrictEqual(wire.pushOf(String(last)), pushed(count - 1));
      if (isWhole) resolve(count);
      else reject(new Error(`${received} pushes of ${count}`, { cause: unexpected(frame) }));
    };
    client.send(wire.call('push', [count])(n));
  });
}

/** The memory of many sessions that have called once and then stay idle. */
export async function idle(server, { server: name }, { sessions }) {
  const wire = wires[name];
  const call = addition(wire, 'add');
  const open = async () => {
    const client = await Client.open(server.port, wire);
    await exchange(client, () => client.send(call.text(0)), call, { outstanding: 1, milliseconds: 0 });
    return client;
  };
  // The first session is that of a warm server.
  const clients = [await open()];
  const before = await settled(server);
  try {
    while (clients.length <= sessions) clients.push(await open());
    const after = await settled(server);
    return { sessions, before, after };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

/** After several collections: code that ran only at the start goes with a later one. */
async function settled(server) {
  for (let i = 0; i < 8; i++) {
    await setTimeout(200);
    await server.resources();
  }
  return server.resources();
}

/** Runs work that returns how much it was, and measures the server meanwhile. */
export async function measured(server, work) {
  const before = await server.resources();
  const load = process.cpuUsage();
  const start = performance.now();
  const requests = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(load);
  const after = await server.resources();
  const cpuMicros = after.cpuMicros - before.cpuMicros;
  return { requests, seconds, cpuMicros, loadMicros: user + system, peakKiB: after.peakKiB };
}

function unexpected(frame) {
  return new Error(`Unexpected frame: ${frame.latin1Slice(0, 500)}`);
}
