import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BackplaneError,
  defaultIpcLimits,
  IpcFrontend,
  IpcRooms,
  IpcServer,
  memoryIpc,
} from '@linnet/common';
import type { CallReport } from '@linnet/common';
import { redisBackplane } from '@linnet/redis';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import { until } from '../harness/waiting.js';

const TIMEOUT_MS = 400;
const LEASE_MS = 30_000;
const open: (() => unknown)[] = [];

async function start(url: string, props: { leaseMs?: number; backplaneBytes?: number } = {}) {
  const { leaseMs = LEASE_MS, backplaneBytes = defaultIpcLimits.backplaneBytes } = props;
  const server = new IpcServer({ limits: { ...defaultIpcLimits, backplaneBytes }, invokeTimeoutMs: 20_000 });
  const reports: CallReport[] = [];
  const rooms = new IpcRooms(server, {
    backplane: redisBackplane({ url, timeoutMs: TIMEOUT_MS, leaseMs }),
    userKey: String,
    invokeTimeoutMs: 20_000,
    report: (report) => reports.push(report),
  });
  const frontend = new IpcFrontend(memoryIpc(server), { reconnect: false });
  const news: unknown[] = [];
  frontend.addListener('news', (_event: unknown, content: unknown) => void news.push(content));
  await frontend.ready;
  const session = await until(() => server.sessions[0]);
  open.push(async () => {
    await server.close(0);
    await server.ended();
    await rooms.close();
  });
  // A machine under load may take longer than the timeout of this test.
  await until(() =>
    session.join('room').then(
      () => true,
      () => false,
    ),
  );
  const warnings = () => reports.map((each) => (each.kind === 'warning' ? each.message : 'an error'));
  return { rooms, session, news, warnings };
}

async function startServer(...options: string[]): Promise<RedisServer> {
  const redis = await startRedis(...options);
  open.push(() => redis.stop());
  return redis;
}

/** Passes connections on, until it is cut. */
async function startLine(target: string) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const line = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(new URL(target).port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    }
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  open.push(() => line.close());
  return {
    url: `redis://127.0.0.1:${(line.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend: () => (isCut = false),
  };
}

const failure = (sent: Promise<unknown>) =>
  sent.then(
    () => 'sent',
    (error: unknown) => (error instanceof BackplaneError ? error.failure : String(error)),
  );

(hasRedis ? describe : describe.skip)('rooms while Redis is away', () => {
  afterEach(async () => {
    for (const end of open.splice(0).toReversed()) await end();
  });

  it('go on for the members of a node, and report to each sender what may be lost', async () => {
    const redis = await startServer();
    const [one, two] = [await start(redis.url), await start(redis.url)];
    redis.freeze();
    const sent = [1, 2, 3].map((n) => failure(one.rooms.to('room').send('news', n)));
    await until(() => one.news.length === 3);
    expect([one.news, await Promise.all(sent)]).toEqual([
      [1, 2, 3],
      ['unreachable', 'unreachable', 'unreachable'],
    ]);
    await expect(one.session.join('other')).rejects.toMatchObject({ failure: 'unreachable' });
    expect(one.session.rooms).toEqual(['room']);
    redis.thaw();
    await until(async () => (await failure(one.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => two.news.includes('back'));
    // Redis was asked before it froze, or never: at most once, and in order.
    const numbers = two.news.filter((each) => each !== 'back');
    expect(numbers).toEqual([1, 2, 3].filter((n) => numbers.includes(n)));
    expect(one.news.filter((each) => typeof each === 'number')).toEqual([1, 2, 3]);
  });

  it('agree again when Redis comes back without its data', async () => {
    const redis = await startServer();
    const [one, two] = [await start(redis.url), await start(redis.url)];
    await redis.kill();
    expect(await failure(one.rooms.to('room').send('news', 'lost'))).toBe('unreachable');
    await redis.start();
    const members = () =>
      one.rooms.presence('room').then(
        (list) => list.length,
        () => 0,
      );
    await until(async () => (await members()) === 2);
    await until(async () => (await failure(two.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => one.news.includes('back'));
    expect(await until(() => one.warnings().find((each) => each.includes('lost frames')))).toContain(
      'may have missed',
    );
  });

  it('lose nothing that was told sent when Redis restarts with its data', async () => {
    const redis = await startServer('--appendonly', 'yes', '--appendfsync', 'always');
    const [one, two] = [await start(redis.url), await start(redis.url)];
    const told: number[] = [];
    let next = 0;
    const over = new AbortController();
    const sender = (async () => {
      while (!over.signal.aborted) {
        const n = next++;
        if ((await failure(one.rooms.to('room').send('news', n))) === 'sent') told.push(n);
      }
    })();
    await until(() => told.length > 20);
    await redis.kill();
    await redis.start();
    const before = told.length;
    await until(() => told.length > before + 20);
    over.abort();
    await sender;
    await until(() => two.news.includes(told.at(-1)));
    const arrived = two.news as number[];
    expect(arrived).toEqual([...new Set(arrived)].toSorted((a, b) => a - b));
    expect(told.filter((n) => !arrived.includes(n))).toEqual([]);
  });

  it('repeat the removals that failed, so that nobody who has left is listed', async () => {
    const redis = await startServer();
    const line = await startLine(redis.url);
    const [one, two] = [await start(redis.url), await start(line.url)];
    const changes: string[] = [];
    two.rooms.watch('room', ({ type, member }) => changes.push(`${type} ${member.session}`));
    const members = async () => (await one.rooms.presence('room')).map(({ session }) => session);
    await until(async () => (await members()).length === 2);
    line.cut();
    expect(await failure(two.session.leave('room'))).toBe('unreachable');
    line.mend();
    await until(async () => (await members()).length === 1);
    expect(await members()).toEqual([one.session.id]);
    // The watch has compared the room with its list by then.
    await two.session.join('other');
    expect(changes).toEqual([`leave ${two.session.id}`]);
  });

  it('close without waiting for ever when Redis is gone', async () => {
    const redis = await startServer();
    const one = await start(redis.url);
    await redis.kill();
    await one.rooms.close();
  });

  it('log a warning for a sender who does not wait', async () => {
    const redis = await startServer();
    const one = await start(redis.url);
    await redis.kill();
    void one.rooms.to('room').send('news', 1);
    // The report of its own join may be lost as well.
    await until(() => one.warnings().some((each) => each.includes('could not send a notification')));
  });

  it('refuse what is above backplaneBytes at once', async () => {
    const redis = await startServer();
    const one = await start(redis.url, { backplaneBytes: 10_000 });
    redis.freeze();
    const sent = [1, 2, 3].map(() => failure(one.rooms.to('room').send('news', 'x'.repeat(4_000))));
    expect(await sent[2]).toBe('full');
    redis.thaw();
    // Members on the same node receive all of them.
    await until(() => one.news.length === 3);
  });

  it('drop a node that is silent for longer than its lease, and take it back', async () => {
    const redis = await startServer();
    const line = await startLine(redis.url);
    const [one, two] = [await start(redis.url, { leaseMs: 600 }), await start(line.url, { leaseMs: 600 })];
    const changes: string[] = [];
    one.rooms.watch('room', ({ type, member }) => changes.push(`${type} ${member.session}`));
    const members = () =>
      one.rooms.presence('room').then(
        (list) => list.length,
        () => 0,
      );
    await until(async () => (await members()) === 2);
    line.cut();
    await until(async () => (await members()) === 1);
    await until(() => changes.includes(`leave ${two.session.id}`));
    // One node that is away slows nobody.
    expect(await failure(one.rooms.to('room').send('news', 1))).toBe('sent');
    line.mend();
    await until(async () => (await members()) === 2);
    await until(async () => {
      await one.rooms.to('room').send('news', 2);
      return two.news.length > 0;
    });
    expect(two.news[0]).toBe(2);
  });
});
