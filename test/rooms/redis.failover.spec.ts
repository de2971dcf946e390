import { afterEach, describe, expect, it } from '@jest/globals';
import { redisBackplane } from '@linnet/redis';
import { Redis } from 'ioredis';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import type { RedisServer } from '../harness/redis.server.js';
import { until } from '../harness/waiting.js';
import { rove, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { endAll, open, startLine } from './weather.js';

interface Line {
  cut(): void;
  mend(to?: number): void;
}

/** A node with a line of its own to Redis. */
async function start(redis: RedisServer, replicate: boolean): Promise<NetworkNode & { readonly line: Line }> {
  const line = await startLine(redis.port);
  const backplane = redisBackplane({ url: `redis://127.0.0.1:${line.port}`, timeoutMs: 2000 });
  const node = { ...startNode(backplane, { replicate }), line };
  open.push(() => node.end());
  await until(async () => (await node.rooms.backplane!.list('nodes').catch(() => [])).length > 0);
  return node;
}

async function startServer(...options: string[]): Promise<RedisServer> {
  const redis = await startRedis(...options);
  open.push(() => redis.stop());
  return redis;
}

async function connect(node: NetworkNode): Promise<RovingFrontend> {
  const roving = rove(node);
  open.push(() => roving.frontend.close());
  await roving.frontend.ready;
  const { id } = await until(() => node.server.sessions[0]);
  await until(async () => (await node.rooms.backplane!.get('sessions', id)) !== undefined);
  return roving;
}

const isLost = ({ states }: RovingFrontend) => states.some((state) => state.startsWith('connecting'));

/** A node that is cut off loses its session to another one. @returns the frontend, which is at the other node */
async function takeOver(one: NetworkNode & { line: Line }, two: NetworkNode): Promise<RovingFrontend> {
  const roving = await connect(one);
  await one.server.sessions[0]!.send('news', 'first');
  await until(() => roving.news.length === 1);
  one.line.cut();
  roving.to(two);
  roving.cut();
  await until(() => two.server.size === 1 && roving.frontend.state === 'open');
  expect(one.server.size).toBe(1);
  return roving;
}

(hasRedis ? describe : describe.skip)('sessions while Redis fails over', () => {
  afterEach(endAll);

  it.each([[false], [true]])(
    'are found when Redis has restarted without its data, by a node that asked meanwhile (replicate: %s)',
    async (replicate) => {
      const redis = await startServer();
      const [one, two] = [await start(redis, replicate), await start(redis, replicate)];
      const roving = await connect(one);
      const { id } = one.server.sessions[0]!;
      await redis.kill();
      // The node of the session comes back later than the one that looks for it.
      one.line.cut();
      const { attempts } = roving;
      roving.to(two);
      roving.cut();
      await until(() => roving.attempts > attempts);
      await redis.restart();
      await until(() => roving.attempts > attempts + 1);
      one.line.mend();
      await until(() => roving.frontend.state === 'open');
      expect([isLost(roving), one.server.sessions[0]?.id, two.server.size]).toEqual([false, id, 0]);
    },
  );

  it('have one owner after Redis has lost its data, whichever node comes back first', async () => {
    const redis = await startServer();
    const [one, two, three] = [await start(redis, true), await start(redis, true), await start(redis, true)];
    const roving = await takeOver(one, two);
    const { id } = two.server.sessions[0]!;
    two.line.cut();
    await redis.kill();
    await redis.restart();
    one.line.mend();
    // Its copy is there, and it knows of nothing else.
    await until(async () => {
      const log = await three.rooms.backplane!.logs!.read(id).catch(() => undefined);
      return (log?.frames.length ?? 0) > 0;
    });
    two.line.mend();
    await until(() => one.server.size === 0, 10_000);
    expect([two.server.size, isLost(roving)]).toEqual([1, false]);
    await two.server.sessions[0]!.send('news', 'second');
    await until(() => roving.news.length === 2);
    await until(async () => (await three.rooms.backplane!.get('sessions', id))?.node !== undefined);
    roving.to(three);
    roving.cut();
    await until(() => roving.frontend.state === 'open' && roving.states.length > 3);
    expect([roving.news, isLost(roving)]).toEqual([['first', 'second'], false]);
  });

  it('have one owner when a replica takes over that has not heard of their last owner', async () => {
    const redis = await startServer();
    const replica = await startServer('--replicaof', '127.0.0.1', String(redis.port));
    const admin = new Redis(replica.port);
    open.push(() => admin.disconnect());
    const [one, two] = [await start(redis, true), await start(redis, true)];
    const roving = await connect(one);
    const session = one.server.sessions[0]!.id;
    await one.server.sessions[0]!.send('news', 'first');
    await until(() => roving.news.length === 1);
    await until(async () => (await admin.exists(`{linnet}:l:${session}`)) === 1);
    await admin.replicaof('NO', 'ONE');
    one.line.cut();
    roving.to(two);
    roving.cut();
    await until(() => two.server.size === 1 && roving.frontend.state === 'open');
    two.line.cut();
    await redis.kill();
    one.line.mend(replica.port);
    two.line.mend(replica.port);
    await until(() => one.server.size === 0, 10_000);
    expect([two.server.size, isLost(roving)]).toEqual([1, false]);
    await two.server.sessions[0]!.send('news', 'second');
    await until(() => roving.news.length === 2);
    expect(roving.news).toEqual(['first', 'second']);
  });
});
