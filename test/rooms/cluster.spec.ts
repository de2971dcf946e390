import { describe, expect, it } from '@jest/globals';
import { clusterBackplane } from '@linnet/backend/node';
import { backplaneOver } from '../../libs/backend/src/node/cluster/cluster.backplane.js';
import { ClusterHub } from '../../libs/backend/src/node/cluster/cluster.hub.js';
import { settled, until } from '../harness/waiting.js';
import { backplanePromises } from './backplane.conformance.js';
import { channel } from './cluster.channel.js';

const hub = new ClusterHub(1000);
const connect = () => {
  const [primary, worker] = channel();
  hub.attach(primary);
  return { primary, worker, backplane: backplaneOver(worker, 200) };
};

// Frames of these promises wait in larger numbers.
const large = new ClusterHub(64 * 1024 * 1024);
backplanePromises('the backplane of a cluster', () => ({
  connect() {
    const [primary, worker] = channel();
    large.attach(primary);
    return backplaneOver(worker, 5_000);
  },
}));

describe('the backplane of a cluster', () => {
  const ignored = { frame: () => undefined, restored: () => undefined };

  it('forgets the nodes of a worker that ends', async () => {
    const [dying, other] = [connect(), connect()];
    const [a, b] = [dying.backplane.join('a', ignored), other.backplane.join('b', ignored)];
    await a.set('group', 'key', 'value');
    expect(await b.get('group', 'key')).toMatchObject({ node: 'a' });
    dying.worker.disconnect();
    expect(await b.get('group', 'key')).toBeUndefined();
    await expect(b.send('a', new Uint8Array(1))).rejects.toMatchObject({ failure: 'absent' });
    await expect(a.get('group', 'key')).rejects.toMatchObject({ failure: 'unreachable' });
    await b.leave();
  });

  it('rejects what waits when the primary process ends, and what it does not confirm in time', async () => {
    const { primary, worker, backplane } = connect();
    const node = backplane.join('c', ignored);
    await node.subscribe('topic');
    primary.isFull = true;
    await expect(node.get('group', 'key')).rejects.toMatchObject({ failure: 'unreachable' });
    const waiting = node.get('group', 'key');
    worker.disconnect();
    await expect(waiting).rejects.toMatchObject({ failure: 'unreachable' });
  });

  it('reports that the primary process does not answer, and that it is back', async () => {
    const { primary, worker, backplane } = connect();
    const events: unknown[] = [];
    const node = backplane.join('e', {
      ...ignored,
      restored: (hasMissed) => events.push(hasMissed),
      lost: (reason) => events.push(reason),
    });
    await node.subscribe('topic');
    primary.isFull = true;
    const waiting = ['key 1', 'key 2'].map((key) => node.set('group', key, 'value').catch(() => undefined));
    await Promise.all(waiting);
    expect(events).toEqual([expect.stringContaining('within 200 ms')]);
    primary.resume();
    await until(() => events.length > 1);
    expect(events.slice(1)).toEqual([false]);
    expect(await node.count('group')).toBe(2);
    worker.disconnect();
    expect(events.slice(2)).toEqual([expect.stringContaining('is gone')]);
    await node.leave();
  });

  it('drops frames for a worker that does not read, reports it, and slows no other worker', async () => {
    const [slow, fast, sender] = [connect(), connect(), connect()];
    const received: Record<string, number[]> = { slow: [], fast: [] };
    const missed: boolean[] = [];
    const nodes = Object.entries({ slow, fast }).map(([id, { backplane }]) =>
      backplane.join(id, {
        frame: (_topic, [number]) => received[id]!.push(number!),
        restored: (hasMissed) => missed.push(hasMissed),
      }),
    );
    await Promise.all(nodes.map((node) => node.subscribe('topic')));
    const node = sender.backplane.join('sender', ignored);
    slow.primary.isFull = true;
    for (let i = 0; i < 20; i++) await node.publish('topic', new Uint8Array(100).fill(i));
    const all = Array.from({ length: 20 }, (_, i) => i);
    await until(() => received['fast']!.length === 20);
    expect(received).toEqual({ slow: [], fast: all });
    slow.primary.resume();
    await until(() => missed.length > 0);
    expect([received['slow'], missed]).toEqual([all.slice(0, 10), [true]]);
    await node.publish('topic', new Uint8Array(1).fill(20));
    await until(() => received['slow']!.length === 11);
    await Promise.all([...nodes, node].map((each) => each.leave()));
  });

  it('ignores messages of the application, and refuses functions that nodes do not have', async () => {
    const { worker, backplane } = connect();
    const answers: unknown[] = [];
    worker.on('message', (message) => answers.push(message));
    const send = (message: unknown) => worker.send(message, () => undefined);
    const node = backplane.join('d', ignored);
    await node.subscribe('topic');
    answers.length = 0;
    for (const message of [null, 'text', 7, {}, { linnetBackplane1: 1 }, { linnetBackplane1: { node: 'd' } }])
      send(message);
    await settled();
    expect(answers).toEqual([]);
    for (const [run, args] of [
      ['constructor', []],
      ['publish', ['topic', { byteLength: 1e9 }]],
    ])
      send({ linnetBackplane1: { node: 'd', call: 1000, run, args } });
    await until(() => answers.length === 2);
    expect(answers).toEqual(
      ['constructor', 'with these arguments'].map(() => ({
        linnetBackplane1: expect.objectContaining({ type: 'failed', failure: 'unreachable' }),
      })),
    );
    await node.leave();
    expect(worker.listenerCount('message')).toBe(1);
  });

  it('is refused outside a cluster', () => {
    expect(() => clusterBackplane()).toThrow('worker of a cluster');
  });
});
