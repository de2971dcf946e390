import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { redisBackplane } from '@linnet/redis';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import { until } from '../harness/waiting.js';
import { endAll, open, outcome, startLine, startMember } from './weather.js';

const TIMEOUT_MS = 400;
const LEASE_MS = 30_000;

function start(port: number, props: { leaseMs?: number; backplaneBytes?: number } = {}) {
  const { leaseMs = LEASE_MS, ...rest } = props;
  const url = `redis://127.0.0.1:${port}`;
  return startMember(redisBackplane({ url, timeoutMs: TIMEOUT_MS, leaseMs }), rest);
}

async function startServer(...options: string[]): Promise<RedisServer> {
  const redis = await startRedis(...options);
  open.push(() => redis.stop());
  return redis;
}

(hasRedis ? describe : describe.skip)('rooms while Redis is away', () => {
  afterEach(endAll);

  it('go on for the members of a node, and report to each sender what may be lost', async () => {
    const redis = await startServer();
    const [one, two] = [await start(redis.port), await start(redis.port)];
    redis.freeze();
    const sent = [1, 2, 3].map((n) => outcome(one.rooms.to('room').send('news', n)));
    await until(() => one.news.length === 3);
    expect([one.news, await Promise.all(sent)]).toEqual([
      [1, 2, 3],
      ['unreachable', 'unreachable', 'unreachable'],
    ]);
    await expect(one.session.join('other')).rejects.toMatchObject({ failure: 'unreachable' });
    expect(one.session.rooms).toEqual(['room']);
    redis.thaw();
    await until(async () => (await outcome(one.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => two.news.includes('back'));
    // Redis was asked before it froze, or never: at most once, and in order.
    const numbers = two.news.filter((each) => each !== 'back');
    expect(numbers).toEqual([1, 2, 3].filter((n) => numbers.includes(n)));
    expect(one.news.filter((each) => typeof each === 'number')).toEqual([1, 2, 3]);
  });

  it('agree again when Redis comes back without its data', async () => {
    const redis = await startServer();
    const [one, two] = [await start(redis.port), await start(redis.port)];
    await redis.kill();
    expect(await outcome(one.rooms.to('room').send('news', 'lost'))).toBe('unreachable');
    await redis.restart();
    const members = () =>
      one.rooms.presence('room').then(
        (list) => list.length,
        () => 0,
      );
    await until(async () => (await members()) === 2);
    await until(async () => (await outcome(two.rooms.to('room').send('news', 'back'))) === 'sent');
    await until(() => one.news.includes('back'));
    expect(await until(() => one.warnings().find((each) => each.includes('lost frames')))).toContain(
      'may have missed',
    );
  });

  it('lose nothing that was told sent when Redis restarts with its data', async () => {
    const redis = await startServer('--appendonly', 'yes', '--appendfsync', 'always');
    const [one, two] = [await start(redis.port), await start(redis.port)];
    const told: number[] = [];
    let next = 0;
    const over = new AbortController();
    const sender = (async () => {
      while (!over.signal.aborted) {
        const n = next++;
        if ((await outcome(one.rooms.to('room').send('news', n))) === 'sent') told.push(n);
      }
    })();
    await until(() => told.length > 20);
    await redis.kill();
    await redis.restart();
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
    const line = await startLine(redis.port);
    const [one, two] = [await start(redis.port), await start(line.port)];
    const changes: string[] = [];
    two.rooms.watch('room', ({ type, member }) => changes.push(`${type} ${member.session}`));
    const members = async () => (await one.rooms.presence('room')).map(({ session }) => session);
    await until(async () => (await members()).length === 2);
    line.cut();
    expect(await outcome(two.session.leave('room'))).toBe('unreachable');
    line.mend();
    await until(async () => (await members()).length === 1);
    expect(await members()).toEqual([one.session.id]);
    // The watch has compared the room with its list by then.
    await two.session.join('other');
    expect(changes).toEqual([`leave ${two.session.id}`]);
  });

  it('close without waiting for ever when Redis is gone', async () => {
    const redis = await startServer();
    const one = await start(redis.port);
    await redis.kill();
    await one.rooms.close();
  });

  it('log a warning for a sender who does not wait', async () => {
    const redis = await startServer();
    const one = await start(redis.port);
    await redis.kill();
    void one.rooms.to('room').send('news', 1);
    // The report of its own join may be lost as well.
    await until(() => one.warnings().some((each) => each.includes('could not send a notification')));
  });

  it('refuse what is above backplaneBytes at once', async () => {
    const redis = await startServer();
    const one = await start(redis.port, { backplaneBytes: 10_000 });
    redis.freeze();
    const sent = [1, 2, 3].map(() => outcome(one.rooms.to('room').send('news', 'x'.repeat(4_000))));
    expect(await sent[2]).toBe('full');
    redis.thaw();
    // Members on the same node receive all of them.
    await until(() => one.news.length === 3);
  });

  it('hold no more than inboxBytes for a node that does not read, and warn it of what it has missed', async () => {
    const redis = await startServer();
    const line = await startLine(redis.port);
    const inboxBytes = 1024 * 1024;
    const backplaneAt = (port: number) =>
      redisBackplane({ url: `redis://127.0.0.1:${port}`, leaseMs: LEASE_MS, inboxBytes });
    const [one, two] = [
      await startMember(backplaneAt(redis.port)),
      await startMember(backplaneAt(line.port)),
    ];
    const peer = new Redis(redis.url);
    open.push(() => peer.disconnect());
    line.cut();
    const { node } = (await one.rooms.backplane!.get('sessions', two.session.id))!;
    const content = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 64; i++) await one.rooms.to('room').send('news', `${i} ${content}`);
    const waiting = await peer.xlen(`{linnet}:n:${node}`);
    expect(waiting * content.length).toBeLessThanOrEqual(inboxBytes + content.length);
    expect(waiting).toBeGreaterThan(4);
    line.mend();
    await until(() => two.news.some((each) => String(each).startsWith('63 ')));
    expect(two.warnings().join()).toContain('lost frames');
    const numbers = two.news.map((each) => Number.parseInt(String(each), 10));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    // The bytes of frames that were read do not count any more.
    await until(async () => Number(await peer.get(`{linnet}:w:${node}`)) === 0);
  });

  it('drop a node that is silent for longer than its lease, and take it back', async () => {
    const redis = await startServer();
    const line = await startLine(redis.port);
    const [one, two] = [await start(redis.port, { leaseMs: 600 }), await start(line.port, { leaseMs: 600 })];
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
    expect(await outcome(one.rooms.to('room').send('news', 1))).toBe('sent');
    line.mend();
    await until(async () => (await members()) === 2);
    await until(async () => {
      await one.rooms.to('room').send('news', 2);
      return two.news.length > 0;
    });
    expect(two.news[0]).toBe(2);
  });
});
