import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { RpcInterface } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import {
  closeApps,
  definitionOf,
  makeApp,
  rpcHeaders,
  startApp,
  ways,
} from '../../../harness/nest.harness.js';
import { passTime, startTime, stopTime, withoutTime } from '../../../harness/stopped.time.js';
import { settled } from '../../../harness/waiting.js';

let entered: () => void = () => undefined;
let released: Promise<void> = Promise.resolve();
const inside = () => new Promise<void>((resolve) => (entered = resolve));
const items = Array.from({ length: 200_000 }, (_, i) => `item${i * 7919}`);
const LARGE = 32 * 1024 * 1024;

@RpcInterface(definitionOf('Cut', 'never', 'list', 'large'))
class CutImpl {
  never() {
    entered();
    return new Promise(() => undefined);
  }
  async list() {
    entered();
    await released;
    return items;
  }
  async large() {
    return Buffer.alloc(LARGE, 7);
  }
}

/** Begins a call and gives the response as soon as it has begun. */
function begin(port: number, operation: string, headers: object = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const path = `/Cut-1.0.0-${operation}`;
    const options = { host: '127.0.0.1', port, method: 'POST', path, agent: false };
    request({ ...options, headers: { ...rpcHeaders, ...headers } }, resolve)
      .on('error', reject)
      .end('[]');
  });
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

afterEach(() => {
  startTime();
  return closeApps();
});

describe.each(Object.entries(ways))('a call that never ends, by way of %s,', (_name, way) => {
  it('is disconnected after shutdownTimeoutMs', async () => {
    const options = { shutdownTimeoutMs: 100 };
    const { port, close, log } = await startApp({ way, providers: [CutImpl], options });
    const running = inside();
    let outcome: string | undefined;
    const ended = begin(port, 'never').then(
      (response) => (outcome = `answered ${response.statusCode}`),
      (error: NodeJS.ErrnoException) => (outcome = error.code),
    );
    await running;
    stopTime();
    const closed = close();
    await passTime(99);
    await settled();
    expect(outcome).toBeUndefined();
    await passTime(1);
    await closed;
    await ended;
    expect(outcome).toBe('ECONNRESET');
    expect(log.find('warn', '1 calls were still running after 100 ms')).toHaveLength(1);
  });
});

const pass = (_request: unknown, _response: unknown, next: () => void) => next();

describe.each([
  ['ahead of Express', () => undefined],
  ['through Express', (app: { use(middleware: unknown): unknown }) => app.use(pass)],
])('LinnetExpressAdapter with forceCloseConnections, %s,', (_name, configure) => {
  const start = () =>
    startApp({
      way: { adapter: () => new LinnetExpressAdapter() },
      providers: [CutImpl],
      appOptions: { forceCloseConnections: true },
      configure,
    });

  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
    ['identity', (bytes: Buffer) => bytes],
  ])('delivers the answers of running calls when it closes (%s)', async (encoding, unpack) => {
    let release = () => undefined as void;
    released = new Promise((resolve) => (release = resolve));
    const { port, close } = await start();
    const running = inside();
    const answer = begin(port, 'list', { 'Accept-Encoding': encoding }).then(async (response) => ({
      encoding: response.headers['content-encoding'] ?? 'identity',
      body: await readAll(response),
    }));
    await running;
    stopTime();
    const closed = close();
    await settled();
    release();
    const { encoding: chosen, body } = await answer;
    expect(chosen).toBe(encoding);
    expect(JSON.parse(unpack(body).toString())).toEqual(items);
    await closed;
  });

  it('delivers an answer that is compressed while it closes', async () => {
    released = Promise.resolve();
    const { port, close } = await start();
    const running = inside();
    const answer = begin(port, 'list', { 'Accept-Encoding': 'br' }).then(readAll);
    await running;
    await new Promise((resolve) => setImmediate(resolve));
    const closed = close();
    expect(JSON.parse(brotliDecompressSync(await answer).toString())).toHaveLength(items.length);
    await closed;
  });

  it('delivers an answer that a client reads slowly', async () => {
    const { port, close } = await start();
    const response = await begin(port, 'large');
    const closed = close();
    await settled();
    expect((await readAll(response)).byteLength).toBe(LARGE);
    await closed;
  });

  it('closes connections with incomplete requests at once', async () => {
    const { port, close } = await start();
    const half = connect(port, '127.0.0.1');
    half.on('error', () => undefined);
    await once(half, 'connect');
    half.write('POST /Cut-1.0.0-list HTTP/1.1\r\nHost: localhost\r\n');
    await settled();
    const gone = once(half, 'close');
    await withoutTime(close);
    await gone;
  });
});

it('forceCloseConnections closes an application that never listened at once', async () => {
  const { app } = await makeApp({
    way: { adapter: () => new LinnetExpressAdapter() },
    providers: [CutImpl],
    appOptions: { forceCloseConnections: true },
  });
  await app.init();
  await withoutTime(() => app.close());
});
