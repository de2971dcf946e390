import { describe, expect, it } from '@jest/globals';
import { durableTextWire, memoryBackplane } from '@linnet/common';
import type { IpcBackplane, IpcServerTransport } from '@linnet/common';
import { gate, settled, until } from '../harness/waiting.js';
import { knock } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { openNetwork } from './open.network.js';

const { start, enter } = openNetwork();

/** The frontend loses its connection, and connects no more. */
async function strand(roving: RovingFrontend): Promise<void> {
  roving.to(undefined);
  roving.cut();
  await until(() => roving.frontend.state === 'interrupted');
}

/** A backplane whose one function waits, as soon as it is called for the first time. */
function held(hub: IpcBackplane, isHeld: (name: 'send' | 'read', frame?: Uint8Array) => boolean) {
  const { opened, open: go } = gate();
  const seen = { waits: false };
  const wait = async (...call: Parameters<typeof isHeld>) => {
    if (seen.waits || !isHeld(...call)) return;
    seen.waits = true;
    await opened;
  };
  const backplane: IpcBackplane = {
    join(node, events) {
      const joined = hub.join(node, events);
      const logs = joined.logs!;
      const send = joined.send.bind(joined);
      return Object.assign(joined, {
        send: async (to: string, frame: Uint8Array) => {
          await wait('send', frame);
          return send(to, frame);
        },
        logs: {
          ...logs,
          read: async (key: string) => {
            await wait('read');
            return logs.read(key);
          },
        },
      });
    },
  };
  return { backplane, seen, go };
}

const hello = (id: string, secret: string, attempt: number) => JSON.stringify([9, id, secret, 0, attempt]);
const WRONG = 'x'.repeat(22);

describe('a session that comes to another node', () => {
  it('is not lost because somebody with a wrong secret came a moment before', async () => {
    const hub = memoryBackplane();
    const isTake = (_name: string, frame?: Uint8Array) => Buffer.from(frame ?? []).includes('"type":"take"');
    const { backplane, seen, go } = held(hub, isTake);
    const [one, two] = [start(hub), start(backplane)];
    await until(async () => (await one.rooms.backplane!.list('nodes')).length > 1);
    const [roving] = await enter(one);
    const [id, secret] = roving.keys();
    roving.to(undefined);
    void one.server.close(3000);
    await until(() => roving.frontend.state === 'interrupted');
    const wrong = knock(two, undefined, hello(id, WRONG, 9));
    await until(() => seen.waits);
    const right = knock(two, undefined, hello(id, secret, 9));
    await settled();
    go();
    await until(() => wrong.closed !== undefined && right.frames.length > 0);
    expect([wrong.frames, wrong.closed]).toEqual([[], 4000]);
    expect((JSON.parse(right.frames[0]!) as unknown[]).slice(0, 2)).toEqual([10, id]);
    expect(two.server.sessions.map((session) => session.id)).toEqual([id]);
  });

  it('is restored although a stranger looks for it, and goes on with the newest connection', async () => {
    const hub = memoryBackplane();
    let cut = () => undefined as void;
    const mortal: IpcBackplane = {
      join(node, events) {
        const joined = hub.join(node, events);
        cut = () => void joined.leave();
        return joined;
      },
    };
    const { backplane, seen, go } = held(hub, (name) => name === 'read');
    const [one, two] = [start(mortal, { replicate: true }), start(backplane, { replicate: true })];
    const [roving] = await enter(one);
    const [id, secret] = roving.keys();
    await strand(roving);
    cut();
    const stranger = knock(two, undefined, hello(id, WRONG, 99));
    await until(() => seen.waits);
    const older = knock(two, undefined, hello(id, secret, 9));
    await settled();
    go();
    await until(() => stranger.closed !== undefined && older.frames.length > 0);
    const newer = knock(two, undefined, hello(id, secret, 10));
    await until(() => newer.frames.length > 0 && older.closed !== undefined);
    expect(stranger.closed).toBe(4001);
    for (const { frames } of [older, newer])
      expect((JSON.parse(frames[0]!) as unknown[]).slice(0, 2)).toEqual([10, id]);
    expect([newer.closed, two.server.size]).toEqual([undefined, 1]);
  });
});

describe('the places for relays', () => {
  /** Connects a frontend of an owner, which resumes a session of another node. */
  const relay = async (from: NetworkNode, to: NetworkNode, owner: string) => {
    const [roving] = await enter(from, owner);
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
