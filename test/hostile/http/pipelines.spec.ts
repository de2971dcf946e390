import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import type { PlainRpcServer } from '@linnet/backend/node';
import type { WireLimits } from '@linnet/common';
import { until } from '../../harness/waiting.js';
import { closeApps, definitionOf, startApp, ways } from '../../harness/nest.harness.js';
import { listen, platforms } from '../../rpc/plain/plain.servers.js';

const Piped = definitionOf('Piped', 'run', 'hold', 'bytes');
let ran: string[] = [];
let release = () => undefined as void;
let released: Promise<void>;

@RpcInterface(Piped)
class PipedImpl {
  async run(name: string) {
    ran.push(name);
    return name;
  }
  async hold(name: string) {
    ran.push(name);
    await released;
    return name;
  }
  async bytes(length: number) {
    ran.push('bytes');
    return new Uint8Array(length);
  }
}

interface Started {
  readonly port: number;
  readonly server: Server;
  /** Ends the service. */
  readonly close: () => Promise<unknown>;
}
type Start = (limits?: Partial<WireLimits>) => Promise<Started>;

const ends: (() => Promise<unknown>)[] = [];
const servers: Record<string, Start> = {};
for (const [name, way] of Object.entries(ways))
  servers[name] = async (limits = {}) => {
    const { port, app, close } = await startApp({ way, providers: [PipedImpl], options: { limits } });
    return { port, server: app.getHttpServer() as Server, close };
  };
const plain = {
  'node:http': platforms['node:http']!,
  'plain Express': platforms['plain Express']!,
  'PlainRpcServer.serve': (rpc: PlainRpcServer) =>
    createServer((message, response) => void rpc.serve(message, response)),
};
for (const [name, platform] of Object.entries(plain))
  servers[name] = async (limits = {}) => {
    const rpc = createRpcServer({ interfaces: [[Piped, PipedImpl]], limits, report: () => undefined });
    const server = platform(rpc);
    const { port, stop } = await listen(server);
    ends.push(stop);
    return { port, server, close: () => rpc.close(10_000) };
  };

const clients: Socket[] = [];
/** A connection, and what has come over it. */
function open({ port }: Started) {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  clients.push(socket);
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString('latin1')));
  const closed = once(socket, 'close');
  const statuses = () => text.match(/HTTP\/1\.1 \d+/g)?.map((line) => Number(line.slice(9))) ?? [];
  return { socket, closed, statuses, text: () => text };
}

const head = (operation: string, ...headers: string[]) =>
  [
    `POST /Piped-1.0.0-${operation} HTTP/1.1`,
    'Host: localhost',
    'X-Correlation-ID: a',
    'Content-Type: text/plain',
    ...headers,
    '\r\n',
  ].join('\r\n');
const call = (operation: string, argument: unknown, ...headers: string[]) => {
  const body = JSON.stringify([argument]);
  return head(operation, ...headers, `Content-Length: ${body.length}`) + body;
};

beforeEach(() => {
  ran = [];
  released = new Promise((resolve) => (release = resolve));
});
afterEach(async () => {
  release();
  for (const client of clients.splice(0)) client.destroy();
  for (const end of ends.splice(0)) await end();
  await closeApps();
});

describe.each(Object.entries(servers))(
  'calls that do not wait for answers, by way of %s,',
  (_name, start) => {
    it('leave no listeners on their connection', async () => {
      const started = await start();
      const sockets: Socket[] = [];
      started.server.on('connection', (socket: Socket) => sockets.push(socket));
      const { socket, statuses } = open(started);
      const most = () => {
        const names = sockets[0]!.eventNames() as string[];
        return Math.max(...names.map((name) => sockets[0]!.listenerCount(name)));
      };
      const batch = call('run', 'x').repeat(200);
      for (let answers = 200; answers <= 1000; answers += 200) {
        socket.write(batch);
        await until(() => statuses().length === answers);
      }
      expect(most()).toBeLessThan(10);
    });

    it('run at the same time, and are answered in order', async () => {
      const { socket, text } = open(await start());
      socket.write(['1', '2', '3'].map((name) => call(name === '1' ? 'hold' : 'run', name)).join(''));
      await until(() => ran.length === 3);
      release();
      await until(() => text().includes('"3"'));
      expect(text().match(/"\d"/g)).toEqual(['"1"', '"2"', '"3"']);
    });

    it('run as many at once as pipelinedCalls, and the others later', async () => {
      const { socket, statuses } = open(await start({ pipelinedCalls: 3 }));
      socket.write(Array.from({ length: 200 }, (_, i) => call(i === 0 ? 'hold' : 'run', `${i}`)).join(''));
      await until(() => ran.length === 3);
      release();
      await until(() => statuses().length === 200);
      expect(ran).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    });

    it('wait while the client does not read its answers', async () => {
      const started = await start();
      const { socket } = open(started);
      socket.pause();
      socket.write(call('bytes', 1024 * 1024).repeat(1000));
      await until(() => ran.length > 0);
      const other = open(started);
      for (let i = 1; i <= 20; i++) {
        other.socket.write(call('run', 'other'));
        await until(() => other.statuses().length === i);
      }
      expect(ran.filter((name) => name === 'bytes').length).toBeLessThan(20);
    });

    const large = (5 * 1024 * 1024 + 10).toString(16);
    it.each([
      [
        'a page that may not call',
        head('run', 'Origin: http://evil', 'Content-Length: 100') + 'x'.repeat(50),
      ],
      ['a content type that is not of RPC', head('run', 'Content-Length: 9999').replace('text/plain', 'x/y')],
      ['a body whose length is above the limit', head('run', 'Content-Length: 99999999') + 'x'.repeat(50)],
      [
        'a chunked body above the limit',
        `${head('run', 'Transfer-Encoding: chunked')}${large}\r\n${'x'.repeat(parseInt(large, 16))}\r\n0\r\n\r\n`,
      ],
    ])('do not begin after an answer that ends the connection: the answer to %s', async (_case, refused) => {
      const { socket, text, closed } = open(await start());
      socket.write(call('run', 'before') + refused + call('run', 'behind'));
      await closed;
      expect(text()).toMatch(/Connection: close/i);
      expect(ran).toEqual(['before']);
    });

    it('are all answered when the server closes, and the last answer closes the connection', async () => {
      const started = await start();
      const { socket, statuses, text, closed } = open(started);
      socket.write(['1', '2', '3', '4', '5'].map((name) => call('hold', name)).join(''));
      await until(() => ran.length === 5);
      const over = started.close();
      release();
      await closed;
      await over;
      expect(statuses()).toEqual([200, 200, 200, 200, 200]);
      expect(text().split(/connection: close/i)).toHaveLength(2);
    });

    it('do not begin when the server closes before their turn', async () => {
      const started = await start({ pipelinedCalls: 2 });
      const { socket, statuses, closed } = open(started);
      socket.write(['1', '2', '3', '4', '5'].map((name) => call('hold', name)).join(''));
      await until(() => ran.length === 2);
      const over = started.close();
      release();
      await closed;
      await over;
      expect([ran.length, statuses()]).toEqual([2, [200, 200]]);
    });
  },
);

describe.each(Object.entries(servers))('an incomplete request, by way of %s,', (_name, start) => {
  it.each(['half of a body', 'no body'])(
    'with %s is answered with 503 when the server closes',
    async (part) => {
      const started = await start();
      const { socket, statuses } = open(started);
      socket.write(head('run', 'Content-Length: 9') + (part === 'half of a body' ? '["x"' : ''));
      // A call that is sent behind it on another connection is answered later.
      const other = open(started);
      other.socket.write(call('run', 'other'));
      await until(() => other.statuses().length === 1);
      await started.close();
      await until(() => statuses().length === 1);
      expect([statuses(), ran]).toEqual([[503], ['other']]);
    },
  );

  it('is refused if it is the largest when all of them exceed heldBytes', async () => {
    const started = await start({ heldBytes: 1_000_000 });
    const body = (bytes: number) => head('run', 'Content-Length: 4000000') + '1'.repeat(bytes);
    const small = open(started);
    small.socket.write(body(200_000));
    const largest = open(started);
    largest.socket.write(body(900_000));
    // The next piece of a body that has lost its place is answered.
    const next = open(started);
    next.socket.write(body(300_000));
    await until(() => {
      largest.socket.write('1');
      return largest.statuses().length === 1;
    });
    expect([largest.statuses(), next.statuses(), small.statuses()]).toEqual([[503], [], []]);
    expect(largest.text()).toContain('no space');
    // Connections that are gone hold nothing.
    for (const { socket } of [small, next]) socket.destroy();
    const fresh = open(started);
    const content = JSON.stringify(['x'.repeat(900_000)]);
    while (fresh.statuses().at(-1) !== 200) {
      const { length } = fresh.statuses();
      fresh.socket.write(head('run', `Content-Length: ${content.length}`) + content);
      await until(() => fresh.statuses().length > length);
    }
  });
});

describe.each(Object.entries(servers))('answers that clients do not read, by way of %s,', (_name, start) => {
  it('wait up to unsentBytes, and then the client with the most is disconnected', async () => {
    const started = await start({ unsentBytes: 40_000_000 });
    const [first, second] = [open(started), open(started)];
    for (const { socket } of [first, second]) socket.pause();
    first.socket.write(call('bytes', 30_000_000));
    await until(() => ran.length === 1);
    second.socket.write(call('bytes', 20_000_000));
    await until(() => ran.length === 2);
    first.socket.resume();
    await first.closed;
    expect(first.text().length).toBeLessThan(30_000_000);
    second.socket.resume();
    await until(() => second.text().length > 20_000_000);
  });

  it('may exceed unsentBytes if only one answer waits', async () => {
    const { socket, text } = open(await start({ unsentBytes: 1_000_000 }));
    socket.write(call('bytes', 20_000_000));
    await until(() => text().length > 20_000_000);
  });
});
