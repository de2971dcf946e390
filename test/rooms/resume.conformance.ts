import { describe, expect, it } from '@jest/globals';
import { IpcClosedError } from '@linnet/common';
import { gate, settled, until } from '../harness/waiting.js';
import type { BackplaneUnderTest } from './backplane.conformance.js';
import { all, flowOf, numbers, openEndless, serveFlow } from './flow.channel.js';
import { knock } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { openNetwork } from './open.network.js';

/** How soon a session moves whose calls hold nothing up, in milliseconds: well below the time that a node waits for calls. */
const SOON_MS = 5_000;

/** The promises of sessions whose frontends come back to another node, over any backplane. */
export function resumePromises(name: string, backplane: () => BackplaneUnderTest): void {
  describe(`sessions that resume on any node of ${name}`, () => {
    const { start: startOn, enter: connect, isKnown } = openNetwork();
    const start = (props?: Parameters<typeof startOn>[1]) => startOn(backplane().connect(), props);
    /** Cuts the connection, and waits until the frontend is back over another node. */
    const moveTo = async (roving: RovingFrontend, node: NetworkNode) => {
      const before = roving.states.length;
      roving.to(node);
      roving.cut();
      await until(() => roving.states.slice(before).includes('open'));
    };

    it('relay calls, notifications and bytes both ways while the owner lives', async () => {
      const [one, two] = [start(), start()];
      one.server.channels.handle('itwin.double', async (_call, _method, x: unknown, bytes: unknown) => [
        (x as number) * 2,
        bytes,
      ]);
      const [roving, session] = await connect(one, { id: 7 });
      await moveTo(roving, two);
      expect([one.server.size, two.server.size, session.isOpen]).toEqual([1, 0, true]);
      const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => i);
      const [doubled, same] = (await roving.frontend.invoke('double', 'x', 4, bytes)) as [number, Uint8Array];
      expect([doubled, isEqual(same, bytes)]).toEqual([8, true]);
      const long = '☃'.repeat(300_000);
      const [text, echoed] = (await session.invoke('echo', long, bytes)) as [string, Uint8Array];
      expect([text === long, isEqual(echoed, bytes)]).toEqual([true, true]);
      for (let i = 0; i < 200; i++) void session.send('news', i);
      await until(() => roving.news.length === 200);
      expect(roving.news).toEqual(Array.from({ length: 200 }, (_, i) => i));
      // From one edge to another, and back to the owner.
      const three = start();
      await moveTo(roving, three);
      expect(await roving.frontend.invoke('double', 'x', 5, null)).toEqual([10, null]);
      await moveTo(roving, one);
      expect(await roving.frontend.invoke('double', 'x', 6, null)).toEqual([12, null]);
    });

    it('lose nothing and bring nothing twice, however often the connection breaks', async () => {
      const nodes = [start(), start(), start()];
      const taken: unknown[] = [];
      nodes[0]!.server.channels.listeners.add(
        'itwin.up',
        (_event: unknown, n: unknown) => void taken.push(n),
      );
      nodes[0]!.server.channels.handle('itwin.count', async (_call, _method, n: unknown) => n);
      const [roving, session] = await connect(nodes[0]!);
      const answers: Promise<unknown>[] = [];
      for (let i = 0; i < 300; i++) {
        void session.send('news', i);
        roving.frontend.send('up', i);
        answers.push(roving.frontend.invoke('count', 'x', i));
        if (i % 30 === 29) await moveTo(roving, nodes[((i / 30) % 3) | 0]!);
        else if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const expected = Array.from({ length: 300 }, (_, i) => i);
      expect(await Promise.all(answers)).toEqual(expected);
      await until(() => roving.news.length >= 300 && taken.length >= 300);
      await settled();
      expect([roving.news, taken]).toEqual([expected, expected]);
    });

    it('relay streams both ways, each item once and in order, while the connection moves', async () => {
      const nodes = [start(), start(), start()];
      serveFlow(nodes[0]!);
      const [roving] = await connect(nodes[0]!);
      const flow = flowOf(roving.frontend);
      let at = 1;
      await moveTo(roving, nodes[at]!);
      /** Moves the connection to another relay, to the owner, and to a relay again. */
      async function* moving(items: AsyncIterable<number>) {
        for await (const item of items) {
          if (item % 3_000 === 1_500) await moveTo(roving, nodes[++at % 3]!);
          yield item;
        }
      }
      // More than a window.
      const expected = Array.from({ length: 9_000 }, (_, i) => i);
      expect(await all(moving(flow.count(expected.length)))).toEqual(expected);
      expect(await flow.collect(moving(numbers(expected.length)))).toEqual(expected);
      expect([at, ...nodes.map(({ server }) => server.size)]).toEqual([7, 1, 0, 0]);
    });

    it('keep a call that runs while the connection moves', async () => {
      const [one, two] = [start(), start()];
      const { opened, open: answer } = gate();
      one.server.channels.handle('itwin.slow', async () => opened.then(() => 'done'));
      const [roving] = await connect(one);
      const call = roving.frontend.invoke('slow', 'x');
      await moveTo(roving, two);
      answer();
      expect(await call).toBe('done');
    });

    it('refuse another user, and a wrong secret', async () => {
      const [one, two] = [start(), start()];
      const [roving, session] = await connect(one, { id: 7 });
      const [id, real] = roving.keys();
      const codes = async (user: unknown, secret: string) => {
        const raw = knock(two, user, JSON.stringify([9, id, secret, 0, 9]));
        await until(() => raw.closed !== undefined);
        return [raw.frames.map((frame) => (JSON.parse(frame) as number[])[0]), raw.closed];
      };
      expect(await codes({ id: 8 }, real)).toEqual([[11], 4001]);
      expect(await codes(undefined, real)).toEqual([[11], 4001]);
      expect(await codes({ id: 7 }, 'x'.repeat(22))).toEqual([[11], 4001]);
      expect(session.isOpen).toBe(true);
      roving.cut();
      roving.to(two);
      await until(() => roving.states.at(-1) === 'open');
    });

    it('end at once for a frontend whose session is over, or never was', async () => {
      const [one, two] = [start(), start()];
      const [roving, session] = await connect(one);
      roving.to(undefined);
      roving.cut();
      session.close();
      await until(async () => !(await isKnown(one, session)));
      const call = roving.frontend.invoke('any', 'x').catch((error: unknown) => error);
      roving.to(two);
      expect(await call).toMatchObject({ closure: { code: 4001 } });
      expect(await call).toBeInstanceOf(IpcClosedError);
    });

    it('belong to the newest connection, whichever node it comes to', async () => {
      const [one, two, three] = [start(), start(), start()];
      const [roving, session] = await connect(one);
      await moveTo(roving, two);
      const [id, secret] = roving.keys();
      // An older attempt that was delayed comes to another node.
      const late = knock(three, undefined, JSON.stringify([9, id, secret, 0, 0]));
      await until(() => late.closed !== undefined);
      expect([late.frames, late.closed]).toEqual([[], 4000]);
      // A newer one takes the place of the relay.
      const newer = knock(three, undefined, JSON.stringify([9, id, secret, 0, 1000]));
      await until(() => newer.frames.length > 0);
      await until(() => roving.states.some((state) => state.startsWith('interrupted 4000')));
      expect(session.isOpen).toBe(true);
    });

    it('wait for their frontend when the node with the connection dies', async () => {
      const [one, two, three] = [start({ heartbeatMs: 100 }), start(), start()];
      const [roving, session] = await connect(one);
      await moveTo(roving, two);
      roving.to(three);
      await two.close();
      void session.send('news', 1);
      await until(() => roving.news.length === 1);
      expect(session.isOpen).toBe(true);
    });

    it('move with their rooms, messages and calls when their node ends', async () => {
      const [one, two] = [start(), start()];
      await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
      const { opened, open: answer } = gate();
      const begun: string[] = [];
      for (const [name, node] of Object.entries({ one, two }))
        node.server.channels.handle('itwin.where', async (_call, wait: unknown) => {
          begun.push(name);
          if (wait === 'slow') await opened;
          return name;
        });
      const changes: unknown[] = [];
      two.rooms.watch('floor', ({ type }) => changes.push(type));
      const [roving, session] = await connect(one, { id: 7 });
      await session.join('floor', { name: 'Ada' });
      await until(() => changes.length === 1);
      const sent: Promise<unknown>[] = [];
      for (let i = 0; i < 50; i++) sent.push((i % 2 ? one : two).rooms.to('floor').send('news', i));
      const call = roving.frontend.invoke('where', 'slow');
      await until(() => begun.length === 1);
      roving.to(two);
      const closed = one.server.close(5000);
      for (let i = 50; i < 100; i++) {
        sent.push((i % 2 ? one : two).rooms.to('floor').send('news', i));
        if (i === 60) answer();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await call).toBe('one');
      expect(await closed).toBe(0);
      await Promise.all(sent);
      expect(await roving.frontend.invoke('where', 'x')).toBe('two');
      for (let i = 100; i < 110; i++) await (i % 2 ? one : two).rooms.to('floor').send('news', i);
      await until(() => roving.news.length >= 110);
      await settled();
      const numbers = roving.news as number[];
      for (const rest of [0, 1])
        expect(numbers.filter((n) => n % 2 === rest)).toEqual(
          Array.from({ length: 55 }, (_, i) => 2 * i + rest),
        );
      const [moved] = two.server.sessions;
      expect([moved?.id, moved?.user, moved?.rooms]).toEqual([session.id, { id: 7 }, ['floor']]);
      expect(await two.rooms.presence('floor')).toEqual([
        { session: session.id, user: { id: 7 }, data: { name: 'Ada' } },
      ]);
      expect(changes).toEqual(['join']);
      expect(roving.states.filter((state) => state.startsWith('connecting'))).toEqual([]);
      await two.rooms.toUser({ id: 7 }).send('news', 'to the user');
      await until(() => roving.news.includes('to the user'));
    });

    it('report a call that does not end in time when their node ends', async () => {
      const [one, two] = [start(), start()];
      await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
      let begun = 0;
      one.server.channels.handle('itwin.never', () => {
        begun++;
        return new Promise(() => undefined);
      });
      const [roving] = await connect(one);
      const call = roving.frontend.invoke('never', 'x');
      await until(() => begun === 1);
      roving.to(two);
      void one.server.close(700);
      expect(await call).toMatchObject({ error: { name: 'OutcomeUnknownError' } });
      expect(two.server.size).toBe(1);
    });

    it('move at once although streams are open, and end these with an error', async () => {
      const [one, two] = [start(), start()];
      await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
      const [seen] = [one, two].map(serveFlow);
      const [roving, session] = await connect(one);
      const streams = openEndless(roving.frontend);
      await until(() => streams.items.length > 100 && seen!.begun === 3);
      roving.to(two);
      const before = performance.now();
      const closed = one.server.close(30_000);
      expect(await streams.errors).toEqual(Array.from({ length: 3 }, () => 'OutcomeUnknownError'));
      expect(performance.now() - before).toBeLessThan(SOON_MS);
      expect(streams.items).toEqual(streams.items.map((_, i) => i));
      await until(() => streams.isStopped && seen!.ended === 3);
      await closed;
      expect(await all(flowOf(roving.frontend).count(100))).toHaveLength(100);
      expect(two.server.sessions.map(({ id }) => id)).toEqual([session.id]);
      expect(roving.states.filter((state) => state.startsWith('connecting'))).toEqual([]);
    });

    it('move from node to node as each of them restarts', async () => {
      let node = start();
      const [roving, session] = await connect(node);
      await session.join('floor');
      for (let i = 0; i < 5; i++) {
        const next = start();
        // The node that ends knows it.
        await until(async () => (await node.rooms.backplane!.list('nodes')).length > 1);
        await next.rooms.to('floor').send('news', `before ${i}`);
        roving.to(next);
        await node.close();
        await next.rooms.to('floor').send('news', `after ${i}`);
        node = next;
      }
      await until(() => roving.news.length >= 10);
      await settled();
      const expected = [0, 1, 2, 3, 4].flatMap((i) => [`before ${i}`, `after ${i}`]);
      expect(roving.news).toEqual(expected);
      expect(node.server.sessions[0]?.id).toBe(session.id);
    });

    it('do not move to a frontend with a wrong secret, or of another user', async () => {
      const [one, two] = [start(), start()];
      await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
      const [roving, session] = await connect(one, { id: 7 });
      const [id, secret] = roving.keys();
      roving.to(undefined);
      const closed = one.server.close(1500);
      await until(() => roving.frontend.state === 'interrupted');
      for (const [user, text] of [
        [{ id: 8 }, secret],
        [{ id: 7 }, 'x'.repeat(22)],
      ] as const) {
        const raw = knock(two, user, JSON.stringify([9, id, text, 0, 9]));
        await until(() => raw.closed !== undefined);
        expect([raw.frames, raw.closed]).toEqual([[], 4000]);
      }
      expect([session.isOpen, two.server.size]).toEqual([true, 0]);
      roving.to(two);
      await closed;
      expect((await until(() => two.server.sessions[0])).id).toBe(id);
    });

    it('tell the frontends of a relay when the owner is gone', async () => {
      const [one, two] = [start(), start()];
      const [roving] = await connect(one);
      await moveTo(roving, two);
      const before = performance.now();
      const call = roving.frontend.invoke('nothing', 'x').catch((error: unknown) => error);
      await one.rooms.close();
      expect(await call).toBeInstanceOf(IpcClosedError);
      expect(performance.now() - before).toBeLessThan(2000);
    });

    it('hold no more of a slow frontend than a window on the way', async () => {
      const [one, two] = [start(), start()];
      const [roving, session] = await connect(one);
      await moveTo(roving, two);
      const end = roving.serverEnd();
      const { opened, open: drain } = gate();
      end.bufferedBytes = 10_000_000;
      end.whenDrained = opened;
      const block = 'x'.repeat(100_000);
      for (let i = 0; i < 40; i++) void session.send('blocks', i, block).catch(() => undefined);
      await settled();
      const written = end.writtenBytes;
      expect(written).toBeLessThan(3_000_000);
      end.bufferedBytes = 0;
      drain();
      await until(() => end.writtenBytes > 4_000_000);
      expect(session.isOpen).toBe(true);
    });

    it('go to a node within its limit of relays', async () => {
      const [one, two] = [start(), start({ limits: { relays: 1 } })];
      const [first] = await connect(one);
      const [second] = await connect(one);
      await moveTo(first, two);
      second.to(two);
      second.cut();
      const { attempts } = second;
      await until(() => second.attempts > attempts + 2);
      expect(second.frontend.state).toBe('interrupted');
      await moveTo(second, one);
    });
  });
}

/** Jest compares bytes one by one, and slowly. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
