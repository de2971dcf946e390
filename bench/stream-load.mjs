// The loads of the stream cases. A short stream is read in full first, and then only counted.
import { isDeepStrictEqual } from 'node:util';
import { HttpStreamClient, httpStreams } from './http-stream.mjs';
import { Client, frameOf } from './ipc-client.mjs';
import { measured } from './ipc-load.mjs';
import { StreamSession } from './ipc-stream.mjs';
import { wires } from './ipc-wires.mjs';
import { median } from './tables.mjs';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 1);
const LARGE = `item-${'0123456789abcdef'.repeat(62)}`;
const few = [0, 1, 2];

/** Items of 1 KiB over HTTP. */
export async function httpItems(server, { server: name }, { count }) {
  const { request } = httpStreams[name];
  const client = await HttpStreamClient.open(server.port);
  try {
    await checkItems(client, name);
    return await measured(server, async () => {
      const { items } = await client.items(request('large', count));
      return counted(name, items, count);
    });
  } finally {
    client.close();
  }
}

/** Streams of one item, one after the other. `seconds` are those until the items came, by their median. */
export async function httpFirst(server, { server: name }, milliseconds) {
  const request = httpStreams[name].request('large', 1);
  const client = await HttpStreamClient.open(server.port);
  try {
    await checkItems(client, name);
    return await firsts(server, milliseconds, () => client.items(request));
  } finally {
    client.close();
  }
}

export async function httpDown(server, { server: name }, { mebibytes }) {
  const { request, readBytes } = httpStreams[name];
  const client = await HttpStreamClient.open(server.port);
  try {
    const bytes = readBytes(await client.ask(request('bytes', 3)));
    if (!bytes.equals(Buffer.concat([PIECE, PIECE, PIECE]))) throw new Error(`Wrong bytes of ${name}`);
    return await measured(server, async () => {
      const length = mebibytes * MIB;
      const received = await client.bytes(request('bytes', length / PIECE.length));
      if (received < length || received > 1.01 * length) throw new Error(`${received} bytes of ${name}`);
      return 1;
    });
  } finally {
    client.close();
  }
}

export async function httpUp(server, { server: name }, { mebibytes }) {
  const { upload } = httpStreams[name];
  const client = await HttpStreamClient.open(server.port);
  try {
    return await measured(server, async () => {
      const length = mebibytes * MIB;
      const answer = await client.upload(upload, length / PIECE.length);
      counted(name, Number(answer), length);
      return 1;
    });
  } finally {
    client.close();
  }
}

async function checkItems(client, name) {
  const { request, read } = httpStreams[name];
  const items = read(await client.ask(request('large', 3)));
  if (
    !isDeepStrictEqual(
      items,
      few.map((n) => ({ n, text: LARGE })),
    )
  )
    throw new Error(`Wrong items of ${name}`);
}

/** Small items of a stream over IPC. Other servers push them: see `pushes`. */
export async function ipcItems(server, _row, { count }) {
  const session = await StreamSession.open(server.port);
  try {
    await checkSmall(session);
    return await measured(server, async () =>
      counted('linnet-stream', (await session.small(count)).items, count),
    );
  } finally {
    await session.close();
  }
}

/** As {@link httpFirst}, on the durable wire, or as a push. */
export async function ipcFirst(server, { server: name }, milliseconds) {
  if (name === 'linnet-stream') {
    const session = await StreamSession.open(server.port);
    try {
      await checkSmall(session);
      return await firsts(server, milliseconds, () => session.small(1));
    } finally {
      await session.close();
    }
  }
  const wire = wires[name];
  const client = await Client.open(server.port, wire);
  const marker = Buffer.from(wire.pushed);
  let n = 0;
  const one = () =>
    new Promise((resolve, reject) => {
      let first;
      client.onClose = reject;
      client.onFrame = (frame) => {
        if (!frame.includes(marker)) resolve({ items: 1, first });
        first ??= performance.now();
      };
      client.send(wire.call('push', [1])(n++));
    });
  try {
    return await firsts(server, milliseconds, one);
  } finally {
    await client.close();
  }
}

async function checkSmall(session) {
  const { frames } = await session.small(3);
  const messages = frames.flatMap((frame) => JSON.parse(frame).slice(1));
  const items = messages.flatMap(([type, , , ...values]) => (type === 5 ? values : []));
  const expected = few.map((i) => [i, 1.5, 2.5]);
  if (!isDeepStrictEqual(items, expected)) throw new Error(`Wrong items: ${frames}`);
}

export async function ipcDown(server, { server: name }, { mebibytes }) {
  const length = mebibytes * MIB;
  const count = length / PIECE.length;
  const session = name === 'linnet-stream' && (await StreamSession.open(server.port));
  const client = session || (await Client.open(server.port, wires['ws-raw']));
  const received = () => (session ? session.bytes(count) : rawBytes(client, count));
  try {
    return await measured(server, async () => {
      counted(name, await received(), length);
      return 1;
    });
  } finally {
    await client.close();
  }
}

function rawBytes(client, count) {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    client.onClose = reject;
    client.onFrame = (frame, isBinary) => {
      if (isBinary) bytes += frame.length;
      else resolve(bytes);
    };
    client.send(wires['ws-raw'].call('bytes', [count])(0));
  });
}

export async function ipcUp(server, { server: name }, { mebibytes }) {
  const length = mebibytes * MIB;
  const count = length / PIECE.length;
  const session = name === 'linnet-stream' && (await StreamSession.open(server.port));
  const client = session || (await Client.open(server.port, wires['ws-raw']));
  try {
    return await measured(server, async () => {
      if (session) counted(name, await session.upload(count), length);
      else await rawUpload(client, length);
      return 1;
    });
  } finally {
    await client.close();
  }
}

const pieceFrame = frameOf({ bytes: PIECE });

function rawUpload(client, length) {
  return new Promise((resolve, reject) => {
    client.onClose = reject;
    client.onFrame = resolve;
    client.send(wires['ws-raw'].call('upload', [length])(0));
    client.sendFrames(pieceFrame, length / PIECE.length).catch(reject);
  });
}

async function firsts(server, milliseconds, stream) {
  const waited = [];
  const result = await measured(server, async () => {
    const deadline = performance.now() + milliseconds;
    let streams = 0;
    for (let start; (start = performance.now()) < deadline; streams++) {
      const { items, first } = await stream();
      counted('a stream', items, 1);
      waited.push(first - start);
    }
    return streams;
  });
  // The median: a delay by another process says nothing of the server.
  return { ...result, seconds: (result.requests * median(waited)) / 1000 };
}

function counted(name, count, expected) {
  if (count !== expected) throw new Error(`${count} of ${expected} came from ${name}`);
  return count;
}
