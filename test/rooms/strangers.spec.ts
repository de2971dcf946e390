import { afterEach, describe, expect, it } from '@jest/globals';
import { durableTextWire, memoryBackplane } from '@linnet/common';
import type { IpcBackplane, IpcServerTransport } from '@linnet/common';
import { until } from '../harness/waiting.js';
import { knock, rove, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

function start(backplane: IpcBackplane, props: Parameters<typeof startNode>[1] = {}): NetworkNode {
  const node = startNode(backplane, props);
  open.push(() => node.end());
  return node;
}

async function enter(node: NetworkNode, user?: unknown): Promise<RovingFrontend> {
  const roving = rove(node, user);
  open.push(() => roving.frontend.close());
  await roving.frontend.ready;
  const [id] = roving.keys();
  await until(async () => (await node.rooms.backplane!.get('sessions', id)) !== undefined);
  return roving;
}

/** The frontend loses its connection, and connects no more. */
async function strand(roving: RovingFrontend): Promise<void> {
  roving.to(undefined);
  roving.cut();
  await until(() => roving.frontend.state === 'interrupted');
}

describe('a session that comes to another node', () => {
  it('is not lost because somebody with a wrong secret came a moment before', async () => {
    const backplane = memoryBackplane();
    const [one, two] = [start(backplane), start(backplane)];
    await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
    const roving = await enter(one);
    const [id, secret] = roving.keys();
    roving.to(undefined);
    void one.server.close(3000);
    await until(() => roving.frontend.state === 'interrupted');
    const wrong = knock(two, undefined, JSON.stringify([9, id, 'x'.repeat(22), 0, 9]));
    const right = knock(two, undefined, JSON.stringify([9, id, secret, 0, 9]));
    await until(() => wrong.closed !== undefined && right.frames.length > 0);
    expect([wrong.frames, wrong.closed]).toEqual([[], 4000]);
    expect((JSON.parse(right.frames[0]!) as unknown[]).slice(0, 2)).toEqual([10, id]);
    expect(two.server.sessions.map((session) => session.id)).toEqual([id]);
  });

  it('is restored once for two connections of its frontend, and goes on with the newer one', async () => {
    const hub = memoryBackplane();
    let cut = () => undefined as void;
    const one = start(
      {
        join(node, events) {
          const joined = hub.join(node, events);
          cut = () => void joined.leave();
          return joined;
        },
      },
      { replicate: true },
    );
    const two = start(hub, { replicate: true });
    const roving = await enter(one);
    const [id, secret] = roving.keys();
    await strand(roving);
    cut();
    const strangers = [0, 1].map(() => knock(two, undefined, JSON.stringify([9, id, 'x'.repeat(22), 0, 99])));
    const older = knock(two, undefined, JSON.stringify([9, id, secret, 0, 9]));
    const newer = knock(two, undefined, JSON.stringify([9, id, secret, 0, 10]));
    await until(() => newer.frames.length > 0 && strangers.every(({ closed }) => closed !== undefined));
    expect(strangers.map(({ closed }) => closed)).toEqual([4001, 4001]);
    expect((JSON.parse(newer.frames[0]!) as unknown[]).slice(0, 2)).toEqual([10, id]);
    await until(() => older.closed !== undefined);
    expect([newer.closed, two.server.size]).toEqual([undefined, 1]);
  });
});

describe('the places for relays', () => {
  /** Connects a frontend of an owner, which resumes a session of another node. */
  const relay = async (from: NetworkNode, to: NetworkNode, owner: string) => {
    const roving = await enter(from, owner);
    const [id, secret] = roving.keys();
    await strand(roving);
    const seen: { frames: string[]; closed?: number } = { frames: [] };
    const transport: IpcServerTransport = {
      write: (frame) => void seen.frames.push(frame as string),
      defer: (work) => queueMicrotask(work),
      bufferedBytes: 0,
      drained: () => Promise.resolve(),
      close: (code) => (seen.closed ??= code),
      terminate: () => (seen.closed ??= 1006),
    };
    const peer = { reach: 'network', isNative: false, user: owner, owner } as const;
    to.server.accept(transport, durableTextWire, peer).frame(JSON.stringify([9, id, secret, 0, 9]));
    await until(() => seen.frames.length > 0 || seen.closed !== undefined);
    return seen;
  };

  it('are not all used by one user', async () => {
    const backplane = memoryBackplane();
    const [one, two] = [start(backplane), start(backplane, { limits: { relays: 3, sessions: 3 } })];
    const greedy: { closed?: number }[] = [];
    for (let i = 0; i < 3; i++) greedy.push(await relay(one, two, 'eve'));
    // Relays do not use the places of sessions.
    expect(two.server.hasSpace('connection', 'ann')).toBe(true);
    expect((await relay(one, two, 'eve')).closed).toBe(4000);
    const other = await relay(one, two, 'ann');
    expect([other.frames.length > 0, other.closed]).toEqual([true, undefined]);
    expect(greedy.map(({ closed }) => closed)).toEqual([undefined, undefined, 4000]);
  });

  it('are not all used by one user at the node that has the sessions', async () => {
    const backplane = memoryBackplane();
    const [one, two] = [start(backplane, { limits: { relays: 3 } }), start(backplane)];
    const greedy: { closed?: number }[] = [];
    for (let i = 0; i < 3; i++) greedy.push(await relay(one, two, 'eve'));
    const other = await relay(one, two, 'ann');
    expect([other.frames.length > 0, other.closed]).toEqual([true, undefined]);
    await until(() => greedy[2]!.closed !== undefined);
    expect(greedy.map(({ closed }) => closed)).toEqual([undefined, undefined, 4000]);
  });
});
