import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { RpcInterface as Definition } from '@linnet/common';
import type { RpcOperations, RpcStream, WireLimits } from '@linnet/common';
import { closeApps, startApp, ways } from '../../harness/nest.harness.js';
import { settled, until } from '../../harness/waiting.js';
import { listen, platforms } from '../../rpc/plain/plain.servers.js';

abstract class Flood extends Definition {
  static readonly interfaceName = 'Flood';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Flood> = {
    endless: { stream: true, allowResponseCompression: false },
    some: { stream: true },
    total: {},
  };
  abstract endless(size: number): AsyncIterable<Uint8Array>;
  abstract some(): AsyncIterable<number>;
  /** Bytes of the items of a stream, which is read when the gate is open. */
  abstract total(content: RpcStream<Uint8Array>): Promise<number>;
}

let begun = 0;
let running = 0;
let openGate = () => undefined as void;
let gate: Promise<void>;

@RpcInterface(Flood)
class FloodImpl implements Flood {
  async *endless(size: number) {
    begun++;
    running++;
    try {
      for (;;) yield new Uint8Array(size);
    } finally {
      running--;
    }
  }
  async *some() {
    yield* [1, 2, 3];
  }
  async total(content: RpcStream<Uint8Array>) {
    running++;
    try {
      await gate;
      let bytes = 0;
      for await (const item of content) bytes += item.byteLength;
      return bytes;
    } finally {
      running--;
    }
  }
}

type Start = (limits: Partial<WireLimits>) => Promise<number>;
const ends: (() => Promise<unknown>)[] = [];
const overNest =
  (name: keyof typeof ways): Start =>
  async (limits) => {
    const appOptions = { forceCloseConnections: true };
    return (await startApp({ way: ways[name]!, providers: [FloodImpl], options: { limits }, appOptions }))
      .port;
  };
const servers: Record<string, Start> = {
  Express: overNest('the stock Express adapter'),
  Fastify: overNest('Fastify'),
  'node:http': async (limits) => {
    const rpc = createRpcServer({ interfaces: [[Flood, FloodImpl]], limits, report: () => undefined });
    const { port, stop } = await listen(platforms['node:http']!(rpc));
    ends.push(stop);
    return port;
  },
};

const FRAMES = 'application/vnd.linnet.stream';
const clients: ClientRequest[] = [];

function call(port: number, operation: string, contentType: string): ClientRequest {
  const client = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: `/Flood-1.0.0-${operation}`,
    agent: false,
    headers: { Accept: FRAMES, 'Content-Type': contentType, 'X-Correlation-Id': 'a' },
  });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

const responseOf = async (client: ClientRequest): Promise<IncomingMessage> =>
  (await once(client, 'response'))[0] as IncomingMessage;

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += (chunk as Buffer).toString('latin1');
  return text;
}

function frame(kind: number, content: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(content as string);
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32LE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}

const COUNT = 10;
const each = <T>(make: () => T) => Array.from({ length: COUNT }, make);

describe.each(Object.entries(servers))('streams, by way of %s,', (_name, start) => {
  beforeEach(() => void (begun = 0));
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await until(() => running === 0);
    await closeApps();
    for (const end of ends.splice(0)) await end();
  });

  it('of clients that do not read count in unsentBytes, and the clients with the most are disconnected', async () => {
    const item = 1_000_000;
    // At least one item of each client waits. Some platforms hold a further one.
    const port = await start({ unsentBytes: 7 * item });
    for (const client of each(() => call(port, 'endless', 'text/plain'))) {
      client.on('response', (response: IncomingMessage) => response.pause());
      client.end(`[${item}]`);
    }
    await until(() => begun === COUNT && running <= 7);
    const reading = call(port, 'some', 'text/plain');
    reading.end('[]');
    expect((await textOf(await responseOf(reading))).length).toBe(23);
    expect(running).toBeGreaterThan(0);
  });

  const marker = '{"isBinary":true,"isStream":true,"index":0,"size":0,"chunks":1}';
  const bytes = frame(2, Buffer.alloc(400_000));

  it.each([
    ['items', bytes.byteLength],
    ['parts of an item', bytes.byteLength - 1],
  ])('of %s that no method reads count in heldBytes, and the largest are refused', async (_kind, sent) => {
    gate = new Promise((resolve) => (openGate = resolve));
    const port = await start({ heldBytes: 1_700_000 });
    const uploads = each(() => call(port, 'total', FRAMES));
    const responses = uploads.map(responseOf);
    let written = 0;
    for (const client of uploads) {
      client.write(frame(1, `[${marker}]`));
      client.write(bytes.subarray(0, sent), () => written++);
    }
    await until(() => running === COUNT && written === COUNT);
    await settled();
    for (const client of uploads) client.end(Buffer.concat([bytes.subarray(sent), frame(4)]));
    openGate();
    const answers = await Promise.all(
      responses.map(async (response) => [(await response).statusCode, await textOf(await response)] as const),
    );
    const refused = answers.filter(([status]) => status === 503);
    const read = answers.filter(([status]) => status === 200);
    expect(refused.length + read.length).toBe(COUNT);
    expect(read.map(([, text]) => text)).toEqual(read.map(() => '400000'));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]![1]).toContain('no space');
  });
});
