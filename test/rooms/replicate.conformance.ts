import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcClosedError } from '@linnet/common';
import type { IpcBackplane } from '@linnet/common';
import { gate, settled, until } from '../harness/waiting.js';
import { all, flowOf, openEndless, serveFlow } from './flow.channel.js';
import { knock, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { openNetwork } from './open.network.js';

/** A backplane of one node, which a test cuts off. */
export interface MortalBackplane {
  readonly backplane: IpcBackplane;
  /** Nothing passes any more. Other nodes take the node for dead. */
  cut(): void;
  /** Everything passes again. */
  mend(): void;
}

interface MortalNode extends NetworkNode {
  readonly line: MortalBackplane;
}

/** How soon a frontend is back, in milliseconds. The machine may be busy with other tests. */
const SOON_MS = 5_000;

/** Serves calls, of which the slow ones wait until the test answers them. @returns what has run, on all nodes */
function serveRuns(nodes: readonly NetworkNode[]) {
  const runs: unknown[] = [];
  const { opened, open: answer } = gate();
  for (const node of nodes)
    node.server.channels.handle('itwin.run', async (_call, method, n: unknown) => {
      runs.push(n);
      if (method === 'slow') await opened;
      return n;
    });
  return { runs, answer };
}

/**
 * The promises of sessions that outlive their nodes, over a backplane with logs.
 *
 * @param keepsFrames whether it keeps what is published to a node that is dead
 */
export function replicatePromises(
  name: string,
  connect: () => Promise<MortalBackplane>,
  keepsFrames = true,
): void {
  describe(`sessions that outlive their nodes over ${name}`, () => {
    const { enter, ends } = openNetwork();
    let room = '';
    let count = 0;

    const start = async (props: Parameters<typeof startNode>[1] = {}): Promise<MortalNode> => {
      room = `room ${count}`;
      const line = await connect();
      const node = { ...startNode(line.backplane, { replicate: true, ...props }), line };
      ends.push(() => {
        line.mend();
        return node.end();
      });
      await until(async () => (await node.rooms.backplane!.list('nodes')).length > 0);
      return node;
    };
    /** The node dies, and frontends connect to another one. */
    const kill = (node: MortalNode, next: NetworkNode | undefined, ...frontends: RovingFrontend[]) => {
      node.line.cut();
      for (const each of frontends) {
        each.to(next);
        each.cut();
      }
    };
    const back = (roving: RovingFrontend) =>
      until(() => roving.frontend.state === 'open' && roving.states.length > 1, SOON_MS);

    afterEach(() => void count++);

    (keepsFrames ? it : it.skip)(
      'bring every message once and in order, whenever the node dies',
      async () => {
        const [one, two] = [await start(), await start()];
        const [roving, session] = await enter(one, { id: 7 });
        await session.join(room, { name: 'Ada' });
        for (let i = 0; i < 20; i++) await two.rooms.to(room).send('news', i);
        for (let i = 20; i < 40; i++) void session.send('news', i).catch(() => undefined);
        await session.send('news', 40);
        const before = performance.now();
        kill(one, two, roving);
        for (let i = 41; i < 60; i++) await two.rooms.to(room).send('news', i);
        await back(roving);
        const took = performance.now() - before;
        for (let i = 60; i < 80; i++) await two.rooms.to(room).send('news', i);
        await until(() => roving.news.length >= 80);
        await settled();
        const numbers = roving.news as number[];
        expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i));
        expect(numbers.filter((n) => n < 20 || n > 40)).toEqual(
          Array.from({ length: 80 }, (_, i) => i).filter((n) => n < 20 || n > 40),
        );
        const [restored] = two.server.sessions;
        expect([restored?.id, restored?.rooms, restored?.user]).toEqual([session.id, [room], { id: 7 }]);
        await two.rooms.toUser({ id: 7 }).send('news', 'to the user');
        await until(() => roving.news.includes('to the user'));
        expect(roving.states.filter((state) => state.startsWith('connecting'))).toEqual([]);
        expect(took).toBeLessThan(SOON_MS);
      },
    );

    it('run a call once, or report that its outcome is unknown', async () => {
      const [one, two] = [await start(), await start()];
      const { runs, answer } = serveRuns([one, two]);
      const [roving] = await enter(one);
      expect(await roving.frontend.invoke('run', 'fast', 0)).toBe(0);
      const slow = roving.frontend.invoke('run', 'slow', 1);
      await until(() => runs.length === 2);
      roving.cut();
      kill(one, two, roving);
      const later = [2, 3, 4].map((n) => roving.frontend.invoke('run', 'fast', n));
      expect(await slow).toMatchObject({ error: { name: 'OutcomeUnknownError' } });
      expect(await Promise.all(later)).toEqual([2, 3, 4]);
      answer();
      await settled();
      expect(runs).toEqual([0, 1, 2, 3, 4]);
    });

    it.each([[true], [false]])(
      'move when their node ends in good order, and their calls are answered (replicate: %s)',
      async (replicate) => {
        const [one, two] = [await start({ replicate }), await start({ replicate })];
        const { runs, answer } = serveRuns([one, two]);
        const [roving, session] = await enter(one);
        await session.join(room);
        const slow = roving.frontend.invoke('run', 'slow', 0);
        await until(() => runs.length === 1);
        roving.to(two);
        const closed = one.close();
        await until(() => roving.frontend.state === 'interrupted');
        await two.rooms.to(room).send('news', 'meanwhile');
        const later = [1, 2, 3].map((n) => roving.frontend.invoke('run', 'fast', n));
        answer();
        expect(await Promise.all([slow, ...later])).toEqual([0, 1, 2, 3]);
        await closed;
        await two.rooms.to(room).send('news', 'after');
        await until(() => roving.news.length >= 2);
        await settled();
        expect([roving.news, runs]).toEqual([
          ['meanwhile', 'after'],
          [0, 1, 2, 3],
        ]);
        expect(two.server.sessions.map(({ id }) => id)).toEqual([session.id]);
        expect(roving.states.filter((state) => state !== 'open')).toEqual(['interrupted 4000']);
      },
    );

    it('end the streams of a dead node with an error, behind the items that the copy has', async () => {
      const [one, two] = [await start(), await start()];
      const [seen] = [one, two].map(serveFlow);
      const [roving, session] = await enter(one);
      const streams = openEndless(roving.frontend);
      await until(() => streams.items.length > 100 && seen!.begun === 3);
      kill(one, two, roving);
      expect(await streams.errors).toEqual(Array.from({ length: 3 }, () => 'OutcomeUnknownError'));
      expect(streams.items).toEqual(streams.items.map((_, i) => i));
      await until(() => streams.isStopped);
      expect(await all(flowOf(roving.frontend).count(100))).toHaveLength(100);
      expect(two.server.sessions.map(({ id }) => id)).toEqual([session.id]);
      expect(roving.states.filter((state) => state.startsWith('connecting'))).toEqual([]);
    });

    it('have one owner: a node that comes back gives up what another one has taken', async () => {
      const [one, two] = [await start(), await start()];
      const changes: string[] = [];
      two.rooms.watch(room, ({ type }) => changes.push(type));
      const [roving, session] = await enter(one);
      await session.join(room);
      await until(() => changes.length === 1);
      kill(one, two, roving);
      await back(roving);
      expect(two.server.size).toBe(1);
      one.line.mend();
      void session.send('news', 'of the old owner').catch(() => undefined);
      expect((await session.closed).code).toBe(4000);
      await two.rooms.to(room).send('news', 'of the new owner');
      await until(() => roving.news.length > 0);
      await settled();
      expect(roving.news).toEqual(['of the new owner']);
      expect((await two.rooms.presence(room)).map((member) => member.session)).toEqual([session.id]);
      expect([two.server.size, changes]).toEqual([1, ['join']]);
    });

    it('come to one node when connections race to two', async () => {
      const [one, two, three] = [await start(), await start(), await start()];
      const [roving, session] = await enter(one);
      await session.send('news', 1);
      await until(() => roving.news.length === 1);
      const [id, secret] = roving.keys();
      roving.to(undefined);
      kill(one, undefined, roving);
      const raws = [two, three, two].map((node) =>
        knock(node, undefined, JSON.stringify([9, id, secret, 1, 50])),
      );
      await until(() => raws.every(({ frames, closed }) => frames.length > 0 || closed !== undefined));
      await until(() => two.server.size + three.server.size === 1);
      roving.to(three);
      await settled();
      expect(two.server.size + three.server.size).toBe(1);
    });

    it('refuse a wrong secret, another user, and an older state than the frontend has', async () => {
      const [one, two] = [await start(), await start()];
      const [roving] = await enter(one, { id: 7 });
      const [id, secret] = roving.keys();
      kill(one, undefined, roving);
      for (const [user, text, received] of [
        [{ id: 8 }, secret, 0],
        [undefined, secret, 0],
        [{ id: 7 }, 'x'.repeat(22), 0],
        [{ id: 7 }, secret, 1000],
      ] as const) {
        const raw = knock(two, user, JSON.stringify([9, id, text, received, 50]));
        await until(() => raw.closed !== undefined);
        expect(raw.closed).toBe(4001);
      }
      expect(two.server.size).toBe(0);
      roving.to(two);
      await back(roving);
      expect(two.server.size).toBe(1);
    });

    it('leave nothing at the backplane when they end', async () => {
      const [one, two] = [await start(), await start()];
      const [roving, session] = await enter(one);
      await session.send('news', 1);
      const { logs } = two.rooms.backplane!;
      expect((await logs!.read(session.id)).frames.length).toBeGreaterThan(0);
      roving.frontend.close();
      await until(async () => (await logs!.read(session.id)).frames.length === 0);
    });

    it('go on while the backplane is away, and outlive their node when it is back', async () => {
      const [one, two] = [await start(), await start()];
      one.server.channels.handle('itwin.echo', async (_call, _method, n: unknown) => n);
      const [roving, session] = await enter(one);
      await session.send('news', 'first');
      const { logs } = two.rooms.backplane!;
      const { last } = await logs!.read(session.id);
      one.line.cut();
      for (let i = 0; i < 5; i++) void session.send('news', i);
      expect(await roving.frontend.invoke('echo', 'x', 5)).toBe(5);
      await until(() => roving.news.length === 6);
      one.line.mend();
      // The copy has everything again.
      await until(async () => (await logs!.read(session.id)).last > last);
      const { last: before } = await logs!.read(session.id);
      await session.send('news', 'safe');
      // Its node may not know yet that the backplane is back, and then does not wait for the copy.
      await until(async () => (await logs!.read(session.id)).last > before);
      kill(one, two, roving);
      await back(roving);
      expect(two.server.sessions[0]?.id).toBe(session.id);
      await until(() => roving.news.length >= 7);
      expect(roving.news).toEqual(['first', 0, 1, 2, 3, 4, 'safe']);
    });

    (keepsFrames ? it : it.skip)('outlive one node after the other', async () => {
      let node = await start();
      const [roving, session] = await enter(node);
      await session.join(room);
      for (let i = 0; i < 4; i++) {
        const next = await start();
        await next.rooms.to(room).send('news', `before ${i}`);
        kill(node, next, roving);
        await next.rooms.to(room).send('news', `while ${i}`);
        await until(() => next.server.size === 1, SOON_MS);
        await next.rooms.to(room).send('news', `after ${i}`);
        await until(() => roving.news.length >= 3 * (i + 1), SOON_MS);
        node = next;
      }
      await settled();
      expect(roving.news).toEqual([0, 1, 2, 3].flatMap((i) => [`before ${i}`, `while ${i}`, `after ${i}`]));
    });

    it('are told lost at once without copies', async () => {
      const [one, two] = [await start({ replicate: false }), await start({ replicate: false })];
      const [roving] = await enter(one);
      const call = roving.frontend.invoke('nothing', 'x').catch((error: unknown) => error);
      const before = performance.now();
      kill(one, two, roving);
      const error = await call;
      expect(error).toBeInstanceOf(IpcClosedError);
      expect(performance.now() - before).toBeLessThan(SOON_MS);
    });
  });
}
