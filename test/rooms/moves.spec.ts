import { describe, expect, it } from '@jest/globals';
import { BackplaneError, memoryBackplane } from '@linnet/common';
import type { IpcBackplane } from '@linnet/common';
import { gate, settled, until } from '../harness/waiting.js';
import { intercepted, knock, rove, startNode } from './network.nodes.js';
import type { NetworkNode, RovingFrontend } from './network.nodes.js';
import { openNetwork } from './open.network.js';

const text = new TextDecoder();
/** Whether the frame of a call of a backplane moves a session, by the type of the frame. */
const isMove = (frame: unknown, type: string) => {
  const content = text.decode(frame as Uint8Array);
  return content.includes('"kind":"move"') && content.includes(`"type":"${type}"`);
};

describe('sessions that move while something is in their way', () => {
  const { start, connect } = openNetwork();
  /** Ends a node, and leads a frontend to another one. @returns resolves when the node has ended */
  const leave = (node: NetworkNode, roving: RovingFrontend, next: NetworkNode, timeoutMs = 5000) => {
    roving.to(next);
    return node.server.close(timeoutMs);
  };
  /** A backplane over which a node asks for the session only after `go`. */
  const slowToAsk = (hub: IpcBackplane) => {
    const { opened, open: go } = gate();
    let isAsked = false;
    const slow = intercepted(hub, (name, [, frame]) => {
      if (name !== 'publish' || !isMove(frame, 'give')) return undefined;
      isAsked = true;
      return opened;
    });
    return { slow, isAsked: () => isAsked, go };
  };
  const isLost = ({ states }: RovingFrontend) => states.some((state) => state.startsWith('connecting'));

  it.each([
    ['the node that ends', [0, 10]],
    ['the node that takes them', [10, 0]],
  ])('move although %s has as many relays as it can have', async (_name, [first, second]) => {
    const hub = memoryBackplane();
    const [one, two] = [first!, second!].map((relays) => start(hub, { limits: { relays } })) as [
      NetworkNode,
      NetworkNode,
    ];
    const [roving, session] = await connect(one);
    await leave(one, roving, two);
    await until(() => two.server.sessions[0]?.id === session.id);
    expect(isLost(roving)).toBe(false);
  });

  it('move when too much waits for the backplane at first', async () => {
    let refused = 0;
    const hub = memoryBackplane();
    const full = intercepted(hub, (name, [, frame]) =>
      name === 'send' && isMove(frame, 'state') && refused++ < 2
        ? Promise.reject(new BackplaneError('full', 'too much'))
        : undefined,
    );
    const [one, two] = [start(full), start(hub)];
    const [roving, session] = await connect(one);
    await leave(one, roving, two);
    await until(() => two.server.sessions[0]?.id === session.id);
    expect([refused > 1, isLost(roving)]).toEqual([true, false]);
  });

  it('find the place that was kept for them, however many sessions begin meanwhile', async () => {
    const hub = memoryBackplane();
    const { slow, isAsked, go } = slowToAsk(hub);
    const [one, two] = [start(hub), start(slow, { limits: { sessions: 1 } })];
    const [roving, session] = await connect(one);
    const left = leave(one, roving, two);
    await until(isAsked);
    const refused = knock(two, undefined, JSON.stringify([9, '', 'k'.repeat(22), 0, 1]));
    await until(() => refused.closed !== undefined);
    go();
    await left;
    await until(() => two.server.sessions[0]?.id === session.id);
    expect([refused.closed, isLost(roving)]).toEqual([1013, false]);
  });

  it('do not come to a node where one of their rooms is full', async () => {
    const hub = memoryBackplane();
    const [one, two, three] = [start(hub), start(hub, { limits: { roomMembers: 1 } }), start(hub)];
    const [roving, session] = await connect(one);
    const [, other] = await connect(two);
    await Promise.all([session, other].map((each) => each.join('floor')));
    const left = leave(one, roving, two);
    const { attempts } = roving;
    await until(() => roving.attempts > attempts + 1);
    expect([session.isOpen, two.server.size]).toEqual([true, 1]);
    roving.to(three);
    await left;
    await until(() => three.server.sessions[0]?.id === session.id);
    expect(three.server.sessions[0]?.rooms).toEqual(['floor']);
  });

  it('are given to the node that was asked by their newest connection, and to no other', async () => {
    const hub = memoryBackplane();
    const { slow, isAsked, go } = slowToAsk(hub);
    const [one, two, three] = [start(hub), start(slow), start(hub)];
    const [roving, session] = await connect(one);
    const left = leave(one, roving, two);
    await until(isAsked);
    roving.to(undefined);
    roving.cut();
    const [id, secret] = roving.keys();
    const { attempts } = roving;
    const { opened: offered, open: offer } = gate();
    // The newest connection has come, but its node does not ask for the state yet.
    const held = start(intercepted(hub, (name) => (name === 'subscribe' ? offered : undefined)));
    void session.join('floor');
    void knock(held, undefined, JSON.stringify([9, id, secret, 0, attempts + 1]));
    await settled();
    go();
    await settled();
    expect([session.isOpen, two.server.size]).toEqual([true, 0]);
    offer();
    await until(() => held.server.size === 1);
    await left;
    expect([two.server.size, three.server.size]).toEqual([0, 0]);
  });

  it('are not given to a node that has shown no secret', async () => {
    const hub = memoryBackplane();
    const [one, two] = [start(hub), start(hub)];
    const [roving, session] = await connect(one);
    const received: string[] = [];
    const thief = hub.join('thief', {
      frame: (_topic, frame) => received.push(text.decode(frame)),
      restored: () => undefined,
    });
    roving.to(undefined);
    const left = one.server.close(5000);
    await until(() => roving.frontend.state === 'interrupted');
    const owner = (await thief.get('sessions', session.id))!.node;
    const head = { kind: 'move', from: 'thief', seq: 1, id: 1, type: 'give', session: session.id, count: 0 };
    await thief.publish(`n:${owner}`, nodeFrame(head));
    await until(() => received.length > 0);
    expect([received.map((each) => each.includes('"refused"')), session.isOpen]).toEqual([[true], true]);
    roving.to(two);
    await left;
    await until(() => two.server.size === 1);
  });

  it.each(['before the session is given', 'when the session has come'])(
    'bring a notification to several rooms once, if a topic brings it %s that another one has brought before',
    async (when) => {
      const hub = memoryBackplane();
      const late = gate();
      const { slow: taker, isAsked, go: give } = slowToAsk(hub);
      const sender = intercepted(hub, (name, [topic]) =>
        name === 'publish' && topic === 'r:a' ? late.opened : undefined,
      );
      const [one, two, three] = [start(hub), start(taker), start(sender)];
      const [roving, session] = await connect(one);
      await session.join('a');
      const [other, member] = await connect(two);
      await Promise.all([member.join('b'), member.join('a')]);
      await member.leave('a');
      const sent = three.rooms.to('b', 'a').send('news', 1);
      await until(() => other.news.length === 1);
      const left = leave(one, roving, two);
      await until(isAsked);
      if (when.startsWith('before')) {
        // The node that ends gets it as well, or not: both are right.
        late.open();
        await sent;
        give();
      } else {
        give();
        await until(() => two.server.size === 2);
        late.open();
        await sent;
      }
      await left;
      await three.rooms.to('a').send('news', 2);
      await until(() => roving.news.includes(2));
      expect([roving.news, other.news]).toEqual([[1, 2], [1]]);
    },
  );

  it('move although a call waits for an answer of the frontend, and reject what it waits for', async () => {
    const hub = memoryBackplane();
    const [one, two] = [start(hub), start(hub)];
    const { opened: asked, open: ask } = gate();
    one.server.channels.handle('itwin.ask', async ({ session }) => {
      const names: string[] = [];
      // It tries again, which must not hold the move up, either.
      for (let i = 0; i < 2; i++)
        await session.invoke('silent').catch((error: Error) => names.push(error.name));
      return names;
    });
    const [roving, session] = await connect(one);
    roving.frontend.handle('silent', () => {
      ask();
      return new Promise(() => undefined);
    });
    const call = roving.frontend.invoke('ask', 'x');
    await asked;
    await leave(one, roving, two, 30_000);
    await until(() => two.server.sessions[0]?.id === session.id);
    expect(await call).toEqual(['IpcClosedError', 'IpcClosedError']);
    expect(isLost(roving)).toBe(false);
  });

  it('take the messages with them that have not begun, in their order', async () => {
    const hub = memoryBackplane();
    const [one, two] = [start(hub, { limits: { pendingCalls: 1 } }), start(hub)];
    const heard: unknown[] = [];
    for (const node of [one, two])
      node.server.channels.listeners.add('itwin.up', (_event, ...args) => void heard.push(args));
    let begun = 0;
    one.server.channels.handle('itwin.never', () => {
      begun++;
      return new Promise(() => undefined);
    });
    const [roving] = await connect(one);
    const call = roving.frontend.invoke('never', 'x');
    await until(() => begun === 1);
    for (let i = 0; i < 20; i++) roving.frontend.send('up', i, Uint8Array.of(i));
    await settled();
    expect(heard).toEqual([]);
    void leave(one, roving, two, 700);
    expect(await call).toMatchObject({ error: { name: 'OutcomeUnknownError' } });
    roving.frontend.send('up', 20, Uint8Array.of(20));
    await until(() => heard.length > 20);
    expect(heard).toEqual(Array.from({ length: 21 }, (_, i) => [i, Uint8Array.of(i)]));
  });

  it('are told lost at once when their state is damaged', async () => {
    const hub = memoryBackplane();
    const [one, two] = [start(damaging(hub)), start(hub)];
    const [roving] = await connect(one);
    await leave(one, roving, two);
    await until(() => roving.states.some((state) => state === 'connecting 4001'));
    expect(two.server.size).toBeLessThan(2);
  });
});

describe('a session whose node is gone', () => {
  /** Comes to a node that finds the other one gone, so many times. */
  const come = async (times: number) => {
    const hub = memoryBackplane();
    let looks = 0;
    const blind: IpcBackplane = {
      join: (id, events) => Object.assign(hub.join(id, events), { lives: async () => looks++ >= times }),
    };
    const nodes = [startNode(hub), startNode(blind)] as const;
    const [one, two] = nodes;
    const roving = rove(one);
    await roving.frontend.ready;
    const { attempts } = roving;
    roving.to(two);
    // It does not answer either.
    one.rooms.backplane!.send = () => new Promise(() => undefined);
    roving.cut();
    return {
      roving,
      attempts,
      looks: () => looks,
      answer: () => Reflect.deleteProperty(one.rooms.backplane!, 'send'),
      close: async () => {
        roving.frontend.close();
        await Promise.all(nodes.map((node) => node.end()));
      },
    };
  };

  it('is told lost over the first connection', async () => {
    const { roving, attempts, close } = await come(Infinity);
    await until(() => roving.states.includes('connecting 4001'));
    expect(roving.attempts).toBe(attempts + 1);
    await close();
  });

  it('goes on if its node is back a short time later', async () => {
    const { roving, looks, answer, close } = await come(2);
    await until(() => looks() === 2);
    answer();
    await until(() => roving.frontend.state === 'open');
    expect(roving.states).not.toContain('connecting 4001');
    await close();
  });
});

describe('the copy of a session that is damaged', () => {
  it('ends the session at once', async () => {
    const hub = memoryBackplane();
    const nodes = [startNode(hub, { replicate: true }), startNode(hub, { replicate: true })] as const;
    const [one, two] = nodes;
    const roving = rove(one);
    await roving.frontend.ready;
    const session = await until(() => one.server.sessions[0]);
    await session.send('news', 1);
    await until(() => roving.news.length === 1);
    const { logs } = two.rooms.backplane!;
    // The node dies, and leaves its copy.
    await one.rooms.backplane!.leave();
    const { last } = await logs!.read(session.id);
    const damage = Uint8Array.from([3, 1, 2, 3]);
    await logs!.append(session.id, damage, { after: last, replaces: true, lifeMs: 60_000 });
    roving.to(two);
    const { attempts } = roving;
    roving.cut();
    await until(() => roving.states.includes('connecting 4001'));
    expect(roving.attempts - attempts).toBeLessThanOrEqual(2);
    expect(two.reports).toEqual([
      expect.objectContaining({ message: expect.stringContaining('The copy of a session is damaged') }),
    ]);
    roving.frontend.close();
    await Promise.all(nodes.map((node) => node.end()));
  });
});

/** A backplane that damages the states of sessions. */
function damaging(hub: IpcBackplane): IpcBackplane {
  return intercepted(hub, (name, [, frame]) => {
    if (name === 'send' && isMove(frame, 'state'))
      (frame as Uint8Array).fill(0, (frame as Uint8Array).length - 200);
    return undefined;
  });
}

/** A frame between nodes without a value. */
function nodeFrame(head: object): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(head));
  const frame = new Uint8Array(13 + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 1);
  view.setUint32(1, bytes.length);
  frame.set(bytes, 13);
  return frame;
}
