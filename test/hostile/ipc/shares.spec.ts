import { afterEach, describe, expect, it } from '@jest/globals';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocket } from 'ws';
import { IpcChannel } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import type { IpcAppSetup, IpcTestApp } from '../../harness/ipc.harness.js';
import type { Way } from '../../harness/nest.harness.js';

const KIB = 1024;

/** Calls that have been made. */
let texts = 0;

@IpcChannel('target')
class Target {
  async echo(value: unknown) {
    return value;
  }
  async text(n: number, length: number) {
    texts++;
    return `${n} ${'x'.repeat(length)}`;
  }
}

/** The user whom the query names; nobody where it names none. */
const authorize: IpcModuleOptions['authorize'] = ({ url }) => {
  const user = new URL(url!, 'http://x').searchParams.get('user');
  return user === null ? true : { user };
};
const start = (ipc: IpcModuleOptions = {}, setup: Partial<IpcAppSetup> = {}) =>
  startIpcApp({ ipc: { authorize, ...ipc }, providers: [Target], ...setup });

const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await closeIpcApps();
});

interface Peer {
  readonly socket: WebSocket;
  readonly received: any[];
  readonly closed: Promise<{ code: number; reason: string }>;
  say(list: unknown): void;
  /** The first that was received. */
  first(): Promise<any>;
}

/** Opens a connection by hand, which acknowledges nothing by itself. */
async function connect(
  { port }: IpcTestApp,
  user: string | undefined,
  { durable = true, headers = {} }: { durable?: boolean; headers?: Record<string, string> } = {},
): Promise<Peer> {
  const query = user === undefined ? '' : `?user=${user}`;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc${query}`, durable ? ['linnet.ipc.1'] : [], {
    headers,
  });
  sockets.push(socket);
  const received: any[] = [];
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString())));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const say = (list: unknown) => socket.send(JSON.stringify(list));
  return { socket, received, closed, say, first: () => until(() => received[0]) };
}

/** Begins a session. @returns undefined where none is to be had */
async function begin(app: IpcTestApp, user: string): Promise<Peer | undefined> {
  const peer = await connect(app, user);
  peer.say([9]);
  const isThere = await Promise.race([peer.first().then(() => true), peer.closed.then(() => false)]);
  return isThere ? peer : undefined;
}

/** Begins a session whose frontend is away. */
async function leave(app: IpcTestApp, user: string): Promise<Peer> {
  const peer = (await begin(app, user))!;
  peer.socket.terminate();
  await peer.closed;
  return peer;
}

/** Goes on with a session. @returns its first frame, which says whether that is possible */
async function resume(app: IpcTestApp, user: string, { received: [[, id, secret]] }: Peer): Promise<Peer> {
  const peer = await connect(app, user);
  peer.say([9, id, secret, 0]);
  await peer.first();
  return peer;
}

const usersOf = ({ host }: IpcTestApp) => host.sessions.map(({ user }) => String(user)).toSorted();

describe('when the limit of sessions is reached', () => {
  const limits = { sessions: 4 };

  it('a new user replaces the oldest session that is away of the user with the most sessions', async () => {
    const app = await start({ limits });
    const ann = await leave(app, 'ann');
    const mallory = [await leave(app, 'mallory'), await leave(app, 'mallory'), await leave(app, 'mallory')];
    expect(await begin(app, 'mallory')).toBeUndefined();
    expect(await begin(app, 'bob')).toBeDefined();
    expect(usersOf(app)).toEqual(['ann', 'bob', 'mallory', 'mallory']);
    expect((await resume(app, 'mallory', mallory[0]!)).received[0][0]).toBe(11);
    expect((await resume(app, 'mallory', mallory[1]!)).received[0][0]).toBe(10);
    expect((await resume(app, 'ann', ann)).received[0][0]).toBe(10);
  });

  it('a new user replaces the newest connected session of the user with the most sessions', async () => {
    const app = await start({ limits });
    const mallory = [];
    for (let i = 0; i < 4; i++) mallory.push((await begin(app, 'mallory'))!);
    expect(await begin(app, 'bob')).toBeDefined();
    expect((await mallory[3]!.closed).code).toBe(1013);
    expect(usersOf(app)).toEqual(['bob', 'mallory', 'mallory', 'mallory']);
  });

  it('a new user gets no session if no user has more than one', async () => {
    const app = await start({ limits });
    for (const user of ['ann', 'bob', 'carol', 'dave']) await leave(app, user);
    expect(await begin(app, 'eve')).toBeUndefined();
    await expect(connect(app, 'eve', { durable: false })).rejects.toThrow('503');
    expect(usersOf(app)).toEqual(['ann', 'bob', 'carol', 'dave']);
  });

  it('a new user on the compatible wire replaces a session as well', async () => {
    const app = await start({ limits });
    for (let i = 0; i < 4; i++) await leave(app, 'mallory');
    await expect(connect(app, 'mallory', { durable: false })).rejects.toThrow('503');
    await connect(app, 'bob', { durable: false });
    expect(usersOf(app)).toEqual(['bob', 'mallory', 'mallory', 'mallory']);
  });
});

describe('connections without a client hello', () => {
  it('keep out only their own peer, and the oldest closes first', async () => {
    const app = await start({ limits: { upgrades: 3 } });
    const idle = [];
    for (let i = 0; i < 3; i++) idle.push(await connect(app, 'mallory'));
    await expect(connect(app, 'mallory')).rejects.toThrow('503');
    const bob = await connect(app, 'bob');
    // Messages that it sends while it is being closed begin nothing.
    idle[0]!.say([9]);
    expect(await idle[0]!.closed).toEqual({
      code: 1013,
      reason: 'Too many connections send no client hello.',
    });
    bob.say([9]);
    expect((await bob.first())[0]).toBe(10);
    idle[1]!.say([9]);
    expect((await idle[1]!.first())[0]).toBe(10);
    expect(usersOf(app)).toEqual(['bob', 'mallory']);
  });
});

describe('upgrades that are being authorized', () => {
  const ways: [string, Way][] = [
    [
      'Express',
      {
        adapter: () => new ExpressAdapter(),
        prepare: (app) => app.getHttpAdapter().getInstance().set('trust proxy', true),
      },
    ],
    ['Fastify', { adapter: () => new FastifyAdapter({ trustProxy: true }) }],
  ];
  const from = (address: string) => ({ durable: false, headers: { 'X-Forwarded-For': address } });

  it.each(ways)('keep out only their own address, as %s reports it', async (_name, way) => {
    const asked: ((verdict: boolean) => void)[] = [];
    const app = await start(
      { authorize: () => new Promise<boolean>((resolve) => asked.push(resolve)), limits: { upgrades: 2 } },
      { way },
    );
    const first = connect(app, undefined, from('10.0.0.1'));
    await until(() => asked.length === 1);
    const second = connect(app, undefined, from('10.0.0.1'));
    await until(() => asked.length === 2);
    await expect(connect(app, undefined, from('10.0.0.1'))).rejects.toThrow('503');
    const other = connect(app, undefined, from('10.0.0.2'));
    await expect(first).rejects.toThrow('503');
    await until(() => asked.length === 3);
    for (const verdict of asked) verdict(true);
    await Promise.all([second, other]);
    await until(() => app.host.sessions.length === 2);
  });

  it('count for one address if no proxy is trusted, whatever their headers claim', async () => {
    const asked: ((verdict: boolean) => void)[] = [];
    const app = await start({
      authorize: () => new Promise<boolean>((resolve) => asked.push(resolve)),
      limits: { upgrades: 1 },
    });
    const first = connect(app, undefined, from('10.0.0.1'));
    await until(() => asked.length === 1);
    await expect(connect(app, undefined, from('10.0.0.2'))).rejects.toThrow('503');
    asked[0]!(true);
    await first;
  });
});

describe('waiting bytes', () => {
  it('for connected frontends do not end a session that is away', async () => {
    const app = await start({ limits: { keptBytes: 1000 * KIB } });
    const ann = await leave(app, 'ann');
    const [away] = app.host.sessions;
    void away!.send('news', 'x'.repeat(100 * KIB)).catch(() => undefined);
    const mallory = [];
    for (let i = 0; i < 3; i++) mallory.push((await begin(app, 'mallory'))!);
    mallory.forEach(({ say }, i) => say([0, [2, 1, 'itwin.target', 'text', [1, (350 + i) * KIB], 'a']]));
    // The largest of who has most, and no other.
    expect((await mallory[2]!.closed).code).toBe(1013);
    expect(usersOf(app)).toEqual(['ann', 'mallory', 'mallory']);
    const back = await resume(app, 'ann', ann);
    await until(() => JSON.stringify(back.received).includes('news'));
  });

  it.each(['durable', 'compatible'])(
    'of answers on the %s wire are limited, and each call is answered with a result or an error',
    async (wire) => {
      const durable = wire === 'durable';
      const before = texts;
      const app = await start({ limits: { bufferedBytes: 2048 * KIB, answerBytes: 4096 * KIB } });
      const peer = await connect(app, 'ann', { durable });
      if (durable) {
        peer.say([9]);
        await peer.first();
        peer.say([
          0,
          ...Array.from({ length: 60 }, (_, i) => [2, i + 1, 'itwin.target', 'text', [i, 512 * KIB], 'a']),
        ]);
      } else {
        peer.socket.pause();
        for (let i = 0; i < 60; i++) {
          const message = {
            type: 2,
            channel: 'itwin.target',
            method: 'text',
            data: [i, 512 * KIB],
            request: i + 1,
            sequence: i,
          };
          peer.say([JSON.stringify(message), 0]);
        }
        await until(() => texts > before);
        peer.socket.resume();
      }
      const answers: unknown[] = [];
      const seen = new Set<unknown>();
      const read = () => {
        for (const frame of peer.received) {
          if (seen.has(frame)) continue;
          seen.add(frame);
          if (durable) {
            const [first, ...messages] = frame as [number, ...any[]];
            // The server hello.
            if (!Array.isArray(messages[0])) continue;
            const replies = messages.filter(([type]) => type === 3);
            answers.push(...replies.map(([, , , envelope]) => envelope));
            if (replies.length > 0) peer.say([60, [8, first + replies.length]]);
          } else answers.push(JSON.parse(frame[0]).data);
        }
        return answers.length === 60;
      };
      await until(read);
      const failed = answers.filter((answer: any) => 'error' in answer) as { error: { message: string } }[];
      const results = answers.filter((answer: any) => 'result' in answer);
      // Calls that had begun when space came to an end fail; others wait until there is some.
      const message = 'Too many bytes of answers wait until this frontend has taken those before.';
      expect(failed.every(({ error }) => error.message === message)).toBe(true);
      if (durable) expect(failed.length).toBeGreaterThan(0);
      expect(results.length).toBeGreaterThanOrEqual(8);
      // A frontend that has taken what there was is answered again.
      expect(app.host.sessions).toHaveLength(1);
    },
  );

  it('of answers end no session if all of them are of one user', async () => {
    const app = await start({ limits: { keptBytes: 1000 * KIB, bufferedBytes: 200 * KIB } });
    const mallory = [(await begin(app, 'mallory'))!, (await begin(app, 'mallory'))!];
    const before = texts;
    for (const { say } of mallory)
      say([
        0,
        ...Array.from({ length: 50 }, (_, i) => [2, i + 1, 'itwin.target', 'text', [i, 100 * KIB], 'a']),
      ]);
    await until(() => texts === before + 100);
    const bob = (await begin(app, 'bob'))!;
    bob.say([0, [2, 1, 'itwin.target', 'echo', ['mine'], 'a']]);
    await until(() => JSON.stringify(bob.received).includes('mine'));
    expect(usersOf(app)).toEqual(['bob', 'mallory', 'mallory']);
  });

  it('of answers end a session of the user with the most, even if its frontend is away', async () => {
    const app = await start({ limits: { keptBytes: 1000 * KIB, bufferedBytes: 200 * KIB } });
    const ann = await leave(app, 'ann');
    const mallory = [(await begin(app, 'mallory'))!, (await begin(app, 'mallory'))!];
    for (const { say } of mallory)
      say([
        0,
        ...Array.from({ length: 4 }, (_, i) => [2, i + 1, 'itwin.target', 'text', [i, 100 * KIB], 'a']),
      ]);
    for (const { received } of mallory) await until(() => received.length > 1);
    for (const { socket } of mallory) socket.terminate();
    const bob = (await begin(app, 'bob'))!;
    bob.say([0, [2, 1, 'itwin.target', 'text', [1, 350 * KIB], 'a']]);
    await until(() => app.host.sessions.length === 3);
    expect(usersOf(app)).toEqual(['ann', 'bob', 'mallory']);
    expect((await resume(app, 'ann', ann)).received[0][0]).toBe(10);
  });
});
