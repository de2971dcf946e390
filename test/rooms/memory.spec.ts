import { afterEach, describe, expect, it } from '@jest/globals';
import { BackplaneError, defaultIpcLimits, memoryBackplane } from '@linnet/common';
import type { IpcBackplane } from '@linnet/common';
import { gate, settled, until } from '../harness/waiting.js';
import { backplanePromises } from './backplane.conformance.js';
import { roomsPromises } from './rooms.conformance.js';
import { endAll, startNode } from './weather.js';

const shared = memoryBackplane();

backplanePromises('the backplane of one process', () => ({ connect: () => shared }));
roomsPromises('no backplane');

/** Frames above this size are refused, as by a broker with a limit. */
const MOST_BYTES = 10_000;

describe('a node with frames that cannot be sent', () => {
  afterEach(endAll);

  const hub = memoryBackplane();
  const bounded: IpcBackplane = {
    join(id, events) {
      const node = hub.join(id, events);
      const send = node.send.bind(node);
      node.send = async (to, frame) => {
        if (frame.byteLength > MOST_BYTES) throw new BackplaneError('full', 'The frame is too large.');
        return send(to, frame);
      };
      return node;
    },
  };

  const start = () => startNode(bounded, { invokeTimeoutMs: 20 });
  const startCall = async () => {
    const [one, two] = [await start(), await start()];
    const call = (timeoutMs?: number) =>
      one.rooms.session(two.session.id, timeoutMs === undefined ? {} : { timeoutMs });
    return { ...two, call };
  };

  it('rejects a call whose answer the backplane refuses', async () => {
    const { frontend, call } = await startCall();
    frontend.handle('large', async () => 'x'.repeat(MOST_BYTES));
    const error = await call(0)
      .invoke('large')
      .catch((reason: unknown) => reason);
    // Callers of this node see messages of plain errors only.
    expect(error).toBeInstanceOf(BackplaneError);
    expect(error).toMatchObject({ failure: 'full', message: 'The frame is too large.' });
  });

  it('rejects a call that the backplane refuses', async () => {
    const { call } = await startCall();
    await expect(call(0).invoke('large', 'x'.repeat(MOST_BYTES))).rejects.toMatchObject({ failure: 'full' });
  });

  it('rejects a call with more arguments than the other node accepts', async () => {
    const { call } = await startCall();
    const most = defaultIpcLimits.arguments;
    const args = Array.from({ length: most + 1 }, () => 1);
    await expect(call(0).invoke('any', ...args)).rejects.toThrow(`more than ${most}`);
  });

  it('waits for an answer as long as the caller says, and otherwise for invokeTimeoutMs', async () => {
    const { rooms, session, frontend, call } = await startCall();
    const { opened, open: answer } = gate();
    frontend.handle('slow', () => opened);
    const long = [call(0), call(60_000), rooms.session(session.id, { timeoutMs: 60_000 })];
    const answers = Promise.all(long.map((each) => each.invoke('slow')));
    await expect(call().invoke('slow')).rejects.toThrow('within 20 ms');
    answer();
    expect(await answers).toEqual([null, null, null]);
  });

  it('refuses to send what other nodes would ignore', async () => {
    const { rooms } = await start();
    const ids = Array.from({ length: defaultIpcLimits.sessionRooms + 1 }, (_, i) => `id ${i}`);
    const target = rooms.to('room');
    expect(() => target.except(...ids).send('news')).toThrow('"except"');
    expect(() => target.except('x'.repeat(2000)).send('news')).toThrow('"except"');
    expect(() => target.send('x'.repeat(5000))).toThrow('"channel"');
    const names = Array.from({ length: defaultIpcLimits.sessionRooms }, (_, i) => `${i}${'☃'.repeat(252)}`);
    const long = names.map((name) => name.slice(0, 200));
    expect(() =>
      rooms
        .to(...names)
        .except(...long)
        .send('news'),
    ).toThrow('too long');
  });
});

describe('a room of several nodes', () => {
  afterEach(endAll);

  /** A backplane that counts what its nodes have there. */
  function counting() {
    const hub = memoryBackplane();
    const counts = { subscriptions: new Set<string>(), entries: new Set<string>() };
    const backplane: IpcBackplane = {
      join(id, events) {
        const node = hub.join(id, events);
        const { subscribe, unsubscribe, set } = node;
        const remove = node.delete.bind(node);
        node.subscribe = async (topic) => {
          counts.subscriptions.add(topic);
          return subscribe.call(node, topic);
        };
        node.unsubscribe = async (topic) => {
          counts.subscriptions.delete(topic);
          return unsubscribe.call(node, topic);
        };
        node.set = async (group, key, value) => {
          counts.entries.add(`${group} ${key}`);
          return set.call(node, group, key, value);
        };
        node.delete = async (group, key) => {
          counts.entries.delete(`${group} ${key}`);
          return remove(group, key);
        };
        return node;
      },
    };
    return { counts, backplane };
  }

  it('costs nothing at a node and at the backplane as soon as nobody is in it', async () => {
    const { counts, backplane } = counting();
    const node = await startNode(backplane);
    await settled();
    const before = [[...counts.subscriptions], [...counts.entries]];
    for (let i = 0; i < 10; i++) await node.session.join(`room ${i}`);
    expect(counts.subscriptions.size).toBe(before[0]!.length + 10);
    for (let i = 0; i < 10; i++) await node.session.leave(`room ${i}`);
    await settled();
    expect([[...counts.subscriptions], [...counts.entries]]).toEqual(before);
  });

  it('brings its messages to the nodes of its members, and to no other', async () => {
    const hub = memoryBackplane();
    let received = 0;
    const counted: IpcBackplane = {
      join: (id, events) =>
        hub.join(id, {
          ...events,
          frame(topic, frame) {
            if (topic !== undefined) received++;
            events.frame(topic, frame);
          },
        }),
    };
    const member = await startNode(hub);
    await startNode(counted);
    const one = await startNode(hub);
    await member.session.join('room');
    await settled();
    const before = received;
    for (let i = 0; i < 50; i++) await one.rooms.to('room').send('news', i);
    await until(() => member.news.length === 50);
    await settled();
    expect(received).toBe(before);
  });
});
