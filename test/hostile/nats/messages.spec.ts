import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, createInbox, headers as newHeaders } from '@nats-io/transport-node';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient } from '@linnet/common';
import { natsServer, natsTransport } from '@linnet/nats';
import type { PlainRpcServer } from '@linnet/backend/node';
import { hasNats, startNats } from '../../harness/nats.server.js';
import type { NatsServer } from '../../harness/nats.server.js';
import { settled, until } from '../../harness/waiting.js';
import { held, holdAgain, journal, Stock, StockImpl } from '../../nats/stock.js';

const TARGET = '/linnet/v1.0/Stock-1.2.0-';
const MIB = 1024 * 1024;

/** A frame as docs/nats.md describes it. */
function frame(kind: number, position: number, content = new Uint8Array()): Uint8Array {
  const bytes = Buffer.alloc(9 + content.byteLength);
  bytes[0] = kind;
  bytes.writeDoubleBE(position, 1);
  bytes.set(content, 9);
  return bytes;
}

(hasNats ? describe : describe.skip)('a peer that sends what it wants over NATS', () => {
  let nats: NatsServer;
  let server: PlainRpcServer;
  let peer: NatsConnection;
  beforeAll(async () => {
    nats = await startNats();
    server = createRpcServer({ interfaces: [[Stock, StockImpl]], report: () => undefined });
    const limits = { calls: 20, arrivalMs: 200 };
    await server.listen(natsServer({ servers: nats.servers, service: 'stock', limits }));
    peer = await connect({ servers: nats.servers });
  });
  afterAll(async () => {
    await peer.close();
    await server.close(0);
    await nats.stop();
  });
  beforeEach(holdAgain);

  /** The server still answers. */
  async function expectAlive(): Promise<void> {
    const transport = natsTransport({ servers: nats.servers, service: 'stock' });
    const stock = createRpcClient({ transport }).client(Stock);
    expect(await stock.take('nuts', 1)).toBe('1 nuts');
    await transport.close();
  }

  /** Sends a request. @returns what comes back, and where */
  function ask(
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array = '["nuts",1]',
    reply = createInbox(),
  ) {
    const messages: Msg[] = [];
    peer.subscribe(reply, { callback: (_error, message) => void messages.push(message) });
    const written = newHeaders();
    for (const [name, value] of Object.entries(headers)) written.append(name, value);
    peer.publish('linnet.rpc.stock', body, { reply, headers: written });
    const status = () =>
      until(() => messages.find(({ headers }) => headers?.has('Linnet-Status'))).then(statusOf);
    const address = () => until(() => messages.find((each) => each.reply)?.reply);
    return { messages, status, address };
  }

  const statusOf = ({ headers }: Msg) => Number(headers!.get('Linnet-Status'));
  const call = (operation: string) => ({
    'Linnet-Target': TARGET + operation,
    'X-Correlation-Id': 'a1',
    'Content-Type': 'text/plain',
  });

  it('is answered by the documented messages', async () => {
    expect(await ask(call('take')).status()).toBe(200);
  });

  it.each([
    ['no target', {}, 400],
    ['a target without a slash', { ...call('take'), 'Linnet-Target': 'Stock' }, 400],
    ['a target of nobody', { ...call('take'), 'Linnet-Target': '/x/Other-1.0.0-take' }, 404],
    ['no activity id', { 'Linnet-Target': `${TARGET}take` }, 400],
    ['a method that RPC does not have', { ...call('take'), 'Linnet-Method': 'DELETE' }, 404],
    ['a compressed body', { ...call('take'), 'Content-Encoding': 'gzip' }, 415],
    ['a header of 20,000 characters', { ...call('take'), 'X-Much': 'x'.repeat(20_000) }, 431],
    ['a header named __proto__', { ...call('take'), ['__proto__x']: 'x' }, 200],
    ['a path that climbs', { ...call('take'), 'Linnet-Target': '/../Stock-1.2.0-take' }, 400],
  ])('gets an answer to a request with %s', async (_what, headers, status) => {
    expect(await ask(headers as Record<string, string>).status()).toBe(status);
    await expectAlive();
  });

  it.each([
    ['is not JSON', '[', 500],
    ['is nested too deeply', '['.repeat(10_000), 500],
    ['has a prototype', '[{"__proto__":{"x":1}}]', 500],
    ['is empty', '', 200],
  ])('gets an answer to a body that %s', async (_what, body) => {
    await ask(call('echo'), body).status();
    await expectAlive();
  });

  it('cannot have its answer sent to a subject that is not an inbox', async () => {
    const seen: string[] = [];
    peer.subscribe('$JS.API.>', { callback: (_error, { subject }) => void seen.push(subject) });
    peer.subscribe('other.>', { callback: (_error, { subject }) => void seen.push(subject) });
    for (const reply of ['$JS.API.STREAM.DELETE.orders', 'other.answers', 'linnet.rpc.stock']) {
      const headers = newHeaders();
      for (const [name, value] of Object.entries(call('take'))) headers.append(name, value);
      peer.publish('linnet.rpc.stock', '["nuts",1]', { reply, headers });
    }
    peer.publish('linnet.rpc.stock', '["nuts",1]');
    // The server handles messages in their order.
    expect(await ask(call('take')).status()).toBe(200);
    expect(seen).toEqual([]);
  });

  it('cannot send a piece of a body twice, out of turn, or beyond the window', async () => {
    for (const attack of [
      [frame(1, 0, Buffer.from('["n')), frame(1, 0, Buffer.from('["n'))],
      [frame(1, 5, Buffer.from('x'))],
      [frame(2, 7)],
      [frame(3, 1e9)],
    ]) {
      const { address, messages } = ask({ ...call('echo'), 'Linnet-More': '1' }, '');
      const to = await address();
      for (const each of attack) peer.publish(to, each);
      await expectAlive();
      expect(messages.filter(({ headers }) => headers?.get('Linnet-Status') === '200')).toEqual([]);
    }
  });

  it.each([
    new Uint8Array(),
    new Uint8Array([1, 2, 3]),
    frame(1, NaN),
    frame(1, -1),
    frame(1, 2 ** 60),
    frame(250, 0),
  ])('cannot disturb a call by a frame that is none', async (bytes) => {
    const { address, status } = ask(call('hold'), '[]');
    peer.publish(await address(), bytes);
    held.release.open();
    expect(await status()).toBe(200);
  });

  it('gets 408 if the body that it has announced does not arrive', async () => {
    expect(await ask({ ...call('echo'), 'Linnet-More': '1' }, '').status()).toBe(408);
  });

  it('gets 413 for a text beyond the limit, before all of it has arrived', async () => {
    const { address, messages, status } = ask({ ...call('echo'), 'Linnet-More': '1' }, '');
    const to = await address();
    const piece = new Uint8Array(64 * 1024).fill(0x20);
    for (let at = 0; at < 6 * MIB; at += piece.byteLength) {
      peer.publish(to, frame(1, at, piece));
      // The server reads meanwhile, so that the window is kept.
      await peer.flush();
      await settled();
      if (messages.some(({ headers }) => headers?.has('Linnet-Status'))) break;
    }
    expect(await status()).toBe(413);
  });

  it('does not have more calls open than the limit', async () => {
    const asked = Array.from({ length: 25 }, () => ask(call('hold'), '[]'));
    const refused = await until(() => {
      const all = asked.flatMap(({ messages }) =>
        messages.filter(({ headers }) => headers?.has('Linnet-Status')),
      );
      return all.length >= 5 && all;
    });
    expect(refused.map((each) => [statusOf(each), each.headers!.get('x-linnet-not-begun')])).toEqual(
      Array.from({ length: 5 }, () => [503, '1']),
    );
    held.release.open();
    for (const { status } of asked) await status();
    await expectAlive();
  });

  it('leaves their share of the open calls to other clients, and gets no more with many inboxes', async () => {
    const asked = Array.from({ length: 25 }, () => ask(call('hold'), '[]'));
    const count = () =>
      asked.filter(({ messages }) => messages.some(({ headers }) => headers?.has('Linnet-Status')));
    await until(() => count().length === 5);
    // The calls of the peer are still open.
    await expectAlive();
    const names = Array.from({ length: 25 }, (_, i) => `_INBOX.forged${i}.call`);
    const forged = names.map((reply) => ask(call('hold'), '[]', reply));
    const refused = () =>
      forged.filter(({ messages }) => messages.some(({ headers }) => headers?.has('Linnet-Status')));
    await until(() => refused().length > 0);
    await settled();
    expect(25 - refused().length).toBeLessThan(20);
    held.release.open();
    for (const { status } of [...asked, ...forged]) await status();
    await expectAlive();
  });

  it('has at most twice the limit of calls open, whatever inboxes it names', async () => {
    // Each inbox has exactly its share when it comes: 66 calls.
    const names = Array.from({ length: 20 }, (_, i) => i + 1).flatMap((clients) =>
      Array.from({ length: Math.floor(20 / clients) }, (_, call) => `_INBOX.share${clients}.${call}`),
    );
    const asked = names.map((reply) => ask(call('hold'), '[]', reply));
    const refused = () =>
      asked.filter(({ messages }) => messages.some(({ headers }) => headers?.has('Linnet-Status')));
    await until(() => refused().length >= 26);
    await settled();
    expect(refused()).toHaveLength(26);
    held.release.open();
    for (const { status } of asked) await status();
    await expectAlive();
  });

  it('has its calls aborted when it is gone without a word', async () => {
    const other = await connect({ servers: nats.servers, reconnect: false });
    const reply = createInbox();
    other.subscribe(reply, { callback: () => undefined });
    const headers = newHeaders();
    for (const [name, value] of Object.entries(call('hold'))) headers.append(name, value);
    other.publish('linnet.rpc.stock', '[]', { reply, headers });
    await other.flush();
    await held.begun.opened;
    await other.close();
    await until(() => journal.includes('aborted: The client is gone.'));
  });
});

(hasNats ? describe : describe.skip)('a server that sends what it wants over NATS', () => {
  let nats: NatsServer;
  let peer: NatsConnection;
  beforeAll(async () => {
    nats = await startNats();
    peer = await connect({ servers: nats.servers });
  });
  afterAll(async () => {
    await peer.close();
    await nats.stop();
  });

  const head = (more: boolean, status = '200') => {
    const headers = newHeaders();
    headers.append('Linnet-Status', status);
    headers.append('Content-Type', 'application/json');
    if (more) headers.append('Linnet-More', '1');
    return headers;
  };

  /** A message of the server: a payload, and headers if it is the head of an answer. */
  type Sent = readonly [payload: string | Uint8Array, headers?: MsgHdrs];
  const pieces = [0, 1, 2, 3].map((i): Sent => [frame(1, i * 50_000, new Uint8Array(50_000))]);

  it.each<[string, string, readonly Sent[]]>([
    ['an answer that is not JSON', 'The answer cannot be read', [['[', head(false)]]],
    ['a piece out of turn', 'was lost', [['', head(true)], [frame(1, 9, Buffer.from('1'))]]],
    ['an end out of turn', 'was lost', [['', head(true)], [frame(2, 9)]]],
    ['more than the client accepts', 'maxResponseBytes', [['', head(true)], ...pieces]],
    [
      'a head without a status',
      'The answer cannot be read',
      [
        ['1', head(false, 'x')],
        ['[', head(false)],
      ],
    ],
  ])('fails the call by %s', async (_what, message, sent) => {
    const served = peer.subscribe('linnet.rpc.odd', {
      callback(_error, { reply }) {
        for (const [payload, headers] of sent) peer.publish(reply!, payload, headers && { headers });
      },
    });
    await peer.flush();
    const transport = natsTransport({ servers: nats.servers, service: 'odd', maxResponseBytes: 100_000 });
    const stock = createRpcClient({ transport, retry: { limit: 0 } }).client(Stock);
    await expect(stock.take('nuts', 1)).rejects.toThrow(message);
    served.unsubscribe();
    await transport.close();
  });

  it('cannot have frames sent to a subject that is not an inbox', async () => {
    const seen: string[] = [];
    peer.subscribe('other.>', { callback: (_error, { subject }) => void seen.push(subject) });
    const served = peer.subscribe('linnet.rpc.odd', {
      callback: (_error, message) => peer.publish(message.reply!, frame(4, 0), { reply: 'other.place' }),
    });
    await peer.flush();
    const transport = natsTransport({ servers: nats.servers, service: 'odd' });
    const stock = createRpcClient({ transport }).client(Stock);
    await expect(stock.with({ timeoutMs: 100 }).take('nuts', 1)).rejects.toMatchObject({
      name: 'DeadlineError',
    });
    await transport.close();
    await peer.flush();
    expect(seen).toEqual([]);
    served.unsubscribe();
  });
});
