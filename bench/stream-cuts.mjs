// Bytes through a proxy that cuts its connections all the time, and small calls beside them. The client is Linnet's.
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as pauseFor } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WebSocket } from 'ws';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 1);
const IDLE_CALLS = 1000;
/**
 * The time between two calls. They do not wait for each other: calls that did would be fewer beside a stream, and the same cuts
 * would delay a larger part of them.
 */
const PACE_MS = 2;
/** A connection lives between 50 and 200 ms. */
const LIFE_MS = [50, 200];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** @returns the 99th percentile of calls without and with a stream beside them, and how much memory grew meanwhile */
export async function cuts(server, _row, { mebibytes }) {
  const { IpcFrontend, webSocketIpc } = await import('../dist/node_modules/@linnet/frontend/dist/index.js');
  const proxy = await cuttingProxy(server.port);
  const frontend = new IpcFrontend(
    webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`, { webSocket: WebSocket }),
    {
      reconnectMs: [1, 5],
    },
  );
  try {
    await frontend.ready;
    const channel = frontend.makeIpcProxy({
      name: 'bench',
      methods: { bytes: { stream: true }, add: {} },
    });
    const idle = await calls(channel, { open: new Set() }, (count) => count < IDLE_CALLS);
    const before = await memory(server);
    const pieces = (mebibytes * MIB) / PIECE.length;
    let isOver = false;
    const pause = { open: new Set() };
    let most = before;
    const transfer = (async () => {
      const hash = createHash('sha256');
      let count = 0;
      for await (const piece of channel.bytes(pieces)) {
        hash.update(piece);
        if (++count % (pieces / 4) > 0) continue;
        // A collection would delay calls.
        pause.over = Promise.all(pause.open).then(() => memory(server));
        most = larger(most, await pause.over);
        pause.over = undefined;
      }
      isOver = true;
      return hash.digest('hex');
    })();
    const start = performance.now();
    const [hash, busy] = await Promise.all([transfer, calls(channel, pause, () => !isOver)]);
    const seconds = (performance.now() - start) / 1000;
    if (hash !== hashOf(mebibytes)) throw new Error('The bytes have changed on the way.');
    const growth = { server: most.server - before.server, client: most.client - before.client };
    return { idle, busy, seconds, growth, cuts: proxy.cuts() };
  } finally {
    frontend.close();
    proxy.close();
  }
}

/** One call after each pause. @returns the 99th percentile of their time, in milliseconds */
async function calls(channel, pause, more) {
  const times = [];
  const { open } = pause;
  const one = async () => {
    const start = performance.now();
    if ((await channel.add(20, 22)) !== 42) throw new Error('Wrong answer.');
    times.push(performance.now() - start);
  };
  for (let made = 0; more(made); made++) {
    await pause.over;
    const call = one();
    open.add(call);
    void call.then(() => open.delete(call));
    await pauseFor(PACE_MS);
  }
  await Promise.all(open);
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)];
}

async function memory(server) {
  const { used } = await server.resources();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { server: used, client: heapUsed + external };
}

function larger(a, b) {
  return { server: Math.max(a.server, b.server), client: Math.max(a.client, b.client) };
}

function hashOf(mebibytes) {
  const hash = createHash('sha256');
  for (let i = 0; i < (mebibytes * MIB) / PIECE.length; i++) hash.update(PIECE);
  return hash.digest('hex');
}

/** A proxy each of whose connections ends after a while, in a rhythm that can be repeated. */
async function cuttingProxy(target) {
  let made = 0;
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const end = () => {
      clearTimeout(timer);
      sockets.delete(end);
      near.destroy();
      far.destroy();
    };
    const [least, most] = LIFE_MS;
    const timer = setTimeout(end, least + ((made++ * 67) % (most - least + 1)));
    sockets.add(end);
    for (const socket of [near, far]) socket.setNoDelay(true).on('error', end).on('close', end);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    cuts: () => made,
    close() {
      server.close();
      for (const end of sockets) end();
    },
  };
}
