import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits, IpcFrontend, IpcRooms, IpcServer, memoryIpc } from '@linnet/common';
import type { IpcSession } from '@linnet/common';
import { randomOf, SimulatedBackplane } from './simulated.backplane.js';

const SEEDS = 500;
const PART = 50;
const ROOMS = ['a', 'b', 'c'];
const ACTIONS = 60;

/** A message and what its sender was told. */
interface Sent {
  readonly number: number;
  /** Members whose `join` had resolved, and who had not begun to leave. */
  readonly members: ReadonlySet<Member>;
  told: 'nothing' | 'sent' | 'failed';
}

interface Member {
  readonly session: IpcSession;
  readonly received: { node: number; number: number }[];
  /** The rooms whose `join` has resolved. */
  readonly joined: Set<string>;
  /** Rooms that it has left at least once. */
  readonly left: Set<string>;
}

/** Lets everything happen that waits for nothing but a turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function start(backplane: SimulatedBackplane) {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 0 });
  const rooms = new IpcRooms(server, { backplane, userKey: String, invokeTimeoutMs: 0 });
  const members: Member[] = [];
  for (let i = 0; i < 3; i++) {
    const frontend = new IpcFrontend(memoryIpc(server, { compatible: i === 0 }), { reconnect: false });
    const received: Member['received'] = [];
    frontend.addListener('news', (_event: unknown, node: number, number: number) =>
      received.push({ node, number }),
    );
    await frontend.ready;
    members.push({ session: server.sessions[i]!, received, joined: new Set(), left: new Set() });
  }
  return { server, rooms, members };
}

/** Runs one seed. @returns the sentences of what went wrong, and how much happened */
async function simulate(seed: number) {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const backplane = new SimulatedBackplane(random);
  const nodes = [await start(backplane), await start(backplane), await start(backplane)];
  const all = nodes.flatMap(({ members }) => members);
  const sent = nodes.map((): Sent[] => []);

  const join = (member: Member, room: string) =>
    member.session.join(room).then(
      () => {
        if (member.session.rooms.includes(room)) member.joined.add(room);
      },
      () => undefined,
    );
  const leave = (member: Member, room: string) => {
    member.joined.delete(room);
    member.left.add(room);
    member.session.leave(room).catch(() => undefined);
  };
  const send = (node: number) => {
    // Several rooms at once, sometimes.
    const rooms = ROOMS.filter(() => random(3) === 0);
    const targets = rooms.length > 0 ? rooms : [pick(ROOMS)];
    const members = new Set(all.filter(({ joined }) => targets.some((room) => joined.has(room))));
    const message: Sent = { number: sent[node]!.length, members, told: 'nothing' };
    sent[node]!.push(message);
    nodes[node]!.rooms.to(...targets)
      .send('news', node, message.number)
      .then(
        () => (message.told = 'sent'),
        () => (message.told = 'failed'),
      );
  };
  const act = () => {
    const kind = random(20);
    const node = pick(backplane.nodes);
    if (kind < 12) send(random(3));
    else if (kind < 16) void join(pick(all), pick(ROOMS));
    else if (kind === 16) leave(pick(all), pick(ROOMS));
    else if (kind === 17) node.isCut = true;
    else if (kind === 18) for (const each of backplane.nodes) each.isCut = false;
    else if (node.isCut) node.expire();
  };

  for (let i = 0; i < ACTIONS; i++) {
    act();
    for (let steps = random(4); steps > 0; steps--) {
      backplane.step();
      if (random(2) === 0) await turn();
    }
  }
  for (const node of backplane.nodes) node.isCut = false;
  do await turn();
  while (backplane.step());
  for (let i = 0; i < 3; i++) await turn();

  const wrong: string[] = [];
  for (const [m, member] of all.entries()) {
    for (const node of [0, 1, 2]) {
      const numbers = member.received.filter((each) => each.node === node).map(({ number }) => number);
      const isRising = numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);
      if (!isRising) wrong.push(`seed ${seed}: member ${m} got of node ${node}: ${numbers.join(' ')}`);
      for (const message of sent[node]!) {
        const stayed = message.members.has(member) && member.left.size === 0;
        if (message.told === 'sent' && stayed && !numbers.includes(message.number))
          wrong.push(`seed ${seed}: member ${m} lacks message ${message.number} of node ${node}`);
      }
    }
  }
  const silent = sent.flat().filter(({ told }) => told === 'nothing').length;
  if (silent > 0) wrong.push(`seed ${seed}: ${silent} senders were told nothing`);
  const told = sent.flat().filter((each) => each.told === 'sent').length;
  for (const { server } of nodes) await server.close(0);
  return { wrong, told, failed: sent.flat().length - told, repeats: backplane.repeats };
}

describe('rooms on three nodes', () => {
  const sum = { told: 0, failed: 0, repeats: 0 };

  // In parts, each with a time limit of its own.
  it.each(Array.from({ length: SEEDS / PART }, (_, part) => [part * PART + 1, (part + 1) * PART]))(
    'bring every message that its sender was told sent, once and in order, in the random courses of events %i to %i',
    async (first, last) => {
      for (let seed = first; seed <= last; seed++) {
        const { wrong, ...counts } = await simulate(seed);
        expect(wrong).toEqual([]);
        for (const key of ['told', 'failed', 'repeats'] as const) sum[key] += counts[key];
      }
    },
    120_000,
  );

  it('met each kind of fault often', () => {
    expect(Math.min(sum.told / 10, sum.failed, sum.repeats)).toBeGreaterThan(SEEDS);
  });
});
