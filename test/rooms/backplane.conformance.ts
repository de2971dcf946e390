import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BackplaneError } from '@linnet/common';
import type { BackplaneNode, IpcBackplane } from '@linnet/common';
import { settled, until } from '../harness/waiting.js';
import { resumePromises } from './resume.conformance.js';
import { roomsPromises } from './rooms.conformance.js';

/** A backplane that a test can use. */
export interface BackplaneUnderTest {
  /** A connection of its own to the same backplane, as another process has. */
  connect(): IpcBackplane;
}

interface TestNode {
  readonly id: string;
  readonly node: BackplaneNode;
  /** The frames that arrived, as `topic: text`. */
  readonly received: string[];
}

const text = new TextDecoder();
let last = 0;

/** The promises of every backplane: of its functions, and of rooms over it. */
export function backplanePromises(name: string, backplane: () => BackplaneUnderTest): void {
  describe(`a node of ${name}`, () => {
    let nodes: TestNode[] = [];
    let prefix = '';

    const join = (): TestNode => {
      const id = `node-${process.pid}-${++last}`;
      const received: string[] = [];
      const node = backplane()
        .connect()
        .join(id, {
          frame: (topic, frame) =>
            received.push(`${topic === undefined ? id : topic.slice(prefix.length)}: ${text.decode(frame)}`),
          restored: () => undefined,
        });
      const made = { id, node, received };
      nodes.push(made);
      return made;
    };
    const bytes = (content: string) => new TextEncoder().encode(content);

    beforeEach(() => {
      // The backplane outlives a test.
      prefix = `${++last} ☃ *.>[x]{y} `;
    });

    afterEach(async () => {
      await Promise.all(nodes.map(({ node }) => node.leave()));
      nodes = [];
    });

    it('gets what others publish to its topics, in their order, and nothing else', async () => {
      const [sender, reader, other] = [join(), join(), join()];
      await Promise.all([
        reader.node.subscribe(`${prefix}a`),
        reader.node.subscribe(`${prefix}b`),
        sender.node.subscribe(`${prefix}a`),
        other.node.subscribe(`${prefix}c`),
      ]);
      const sent = Array.from({ length: 200 }, (_, i) =>
        sender.node.publish(`${prefix}${i % 2 ? 'a' : 'b'}`, bytes(String(i))),
      );
      await Promise.all(sent);
      await other.node.publish(`${prefix}a`, bytes('end'));
      await until(() => reader.received.length === 201 && sender.received.length === 1);
      const expected = Array.from({ length: 200 }, (_, i) => `${i % 2 ? 'a' : 'b'}: ${i}`);
      expect(reader.received.filter((each) => !each.endsWith('end'))).toEqual(expected);
      expect([sender.received, other.received]).toEqual([['a: end'], []]);
    });

    it('gets what was published before another node published, whatever the topics, in the same order as others', async () => {
      const [one, two, ...readers] = [join(), join(), join(), join()];
      const topics = ['a', 'b'].map((topic) => `${prefix}${topic}`) as [string, string];
      for (const { node } of readers) for (const topic of topics) await node.subscribe(topic);
      for (let i = 0; i < 50; i++) {
        await one.node.publish(topics[0], bytes(String(i)));
        await two.node.publish(topics[1], bytes(String(i)));
      }
      const before = Array.from({ length: 50 }, (_, i) => [`a: ${i}`, `b: ${i}`]).flat();
      const atOnce = Array.from({ length: 200 }, (_, i) =>
        [one, two][i % 2]!.node.publish(topics[i % 3 ? 0 : 1], bytes(`at once ${i}`)),
      );
      await Promise.all(atOnce);
      await until(() => readers.every(({ received }) => received.length === 300));
      const [first, second] = readers.map(({ received }) => received);
      expect(first!.slice(0, 100)).toEqual(before);
      expect(second).toEqual(first);
    });

    it('gets nothing of a topic that it has left', async () => {
      const [sender, reader] = [join(), join()];
      await reader.node.subscribe(`${prefix}a`);
      void reader.node.unsubscribe(`${prefix}a`);
      await reader.node.subscribe(`${prefix}b`);
      await sender.node.publish(`${prefix}a`, bytes('1'));
      await sender.node.publish(`${prefix}b`, bytes('2'));
      await until(() => reader.received.length > 0);
      await settled();
      expect(reader.received).toEqual(['b: 2']);
    });

    it('publishes to nobody without an error', async () => {
      await join().node.publish(`${prefix}nobody`, bytes('1'));
    });

    it('gets frames of its own, in order and byte for byte', async () => {
      const [sender, reader] = [join(), join()];
      // A node exists as soon as its first function has run.
      await reader.node.subscribe(`${prefix}a`);
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      await Promise.all([1, 2, 3].map((i) => sender.node.send(reader.id, bytes(String(i)))));
      await sender.node.send(reader.id, all);
      await until(() => reader.received.length === 4);
      expect(reader.received).toEqual(
        ['1', '2', '3', text.decode(all)].map((each) => `${reader.id}: ${each}`),
      );
    });

    it('rejects a frame to a node that does not exist, or has left', async () => {
      const [sender, reader] = [join(), join()];
      await reader.node.subscribe(`${prefix}a`);
      await sender.node.send(reader.id, bytes('1'));
      await reader.node.leave();
      for (const id of [reader.id, 'never-there']) {
        const error: unknown = await sender.node.send(id, bytes('2')).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(BackplaneError);
        expect((error as BackplaneError).failure).toBe('absent');
      }
    });

    it('knows which nodes are there', async () => {
      const [one, two] = [join(), join()];
      await Promise.all([one, two].map(({ node }) => node.subscribe(`${prefix}a`)));
      expect(await one.node.lives(two.id)).toBe(true);
      await two.node.leave();
      await until(async () => !(await one.node.lives(two.id)));
      await until(async () => !(await one.node.lives('never-there')));
    });

    it('finds the entries of all nodes until they are deleted or their node leaves', async () => {
      const [one, two] = [join(), join()];
      const group = `${prefix}g`;
      await one.node.set(group, 'k 1', 'v "1"');
      await two.node.set(group, 'k 2', '');
      await two.node.set(`${prefix}other`, 'k 3', 'v 3');
      const keys = async () => (await one.node.list(group)).map(({ key }) => key).toSorted();
      expect(await one.node.get(group, 'k 2')).toEqual({ key: 'k 2', value: '', node: two.id });
      expect(await two.node.get(group, 'k 1')).toEqual({ key: 'k 1', value: 'v "1"', node: one.id });
      expect([await one.node.get(group, 'k 3'), await keys()]).toEqual([undefined, ['k 1', 'k 2']]);
      // An entry belongs to its node.
      await one.node.delete(group, 'k 2');
      expect([await keys(), await one.node.count(group)]).toEqual([['k 1', 'k 2'], 2]);
      await one.node.set(group, 'k 1', 'v 1b');
      expect((await two.node.get(group, 'k 1'))?.value).toBe('v 1b');
      await two.node.leave();
      expect(await keys()).toEqual(['k 1']);
      await one.node.delete(group, 'k 1');
      expect([await keys(), await one.node.count(group)]).toEqual([[], 0]);
    });

    it('adds to a log for the node that knows its last frame, and for no other', async () => {
      const [one, two] = [join(), join()];
      const [mine, other] = [one.node.logs, two.node.logs];
      if (!mine || !other) return;
      const key = `${prefix}log`;
      const props = { replaces: false, lifeMs: 60_000 };
      const read = async () => (await other.read(key)).frames.map((frame) => text.decode(frame));
      expect(await read()).toEqual([]);
      const first = await mine.append(key, bytes('1'), { after: 0, ...props });
      const second = await mine.append(key, bytes('2'), { after: first, ...props });
      expect([await read(), (await other.read(key)).last]).toEqual([['1', '2'], second]);
      for (const after of [first, second + 1000])
        await expect(other.append(key, bytes('x'), { after, ...props })).rejects.toMatchObject({
          failure: 'overtaken',
        });
      const third = await other.append(key, bytes('3'), { ...props, after: second, replaces: true });
      await until(async () => (await read()).join() === '3');
      await expect(mine.append(key, bytes('y'), { after: second, ...props })).rejects.toMatchObject({
        failure: 'overtaken',
      });
      const racing = [mine, other].map((logs, i) =>
        logs.append(key, bytes(`r${i}`), { after: third, ...props }),
      );
      const won = (await Promise.allSettled(racing)).filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
      const { last } = await mine.read(key);
      await mine.append(key, new Uint8Array(0), { after: last, ...props });
      expect(await read()).toEqual([]);
      const short = await mine.append(`${key} 2`, bytes('short'), { after: 0, replaces: true, lifeMs: 30 });
      expect(short).toBeGreaterThan(0);
      await until(async () => (await other.read(`${key} 2`)).frames.length === 0);
    });

    it('keeps the first frame of a log that replaces all before it', async () => {
      const [one, two] = [join(), join()];
      const [mine, other] = [one.node.logs, two.node.logs];
      if (!mine || !other) return;
      const props = { after: 0, replaces: true, lifeMs: 60_000 };
      await mine.append(`${prefix}first`, bytes('1'), props);
      // Its work in the background has an effect by now.
      await mine.append(`${prefix}next`, bytes('2'), props);
      expect((await other.read(`${prefix}first`)).frames.map((frame) => text.decode(frame))).toEqual(['1']);
      await expect(other.append(`${prefix}first`, bytes('x'), props)).rejects.toMatchObject({
        failure: 'overtaken',
      });
    });

    it('takes a kept text once, on any node, and not when its time is over', async () => {
      const [one, two] = [join(), join()];
      await one.node.keep(`${prefix}t`, 'text', 60_000);
      const taken = await Promise.all([two, one, two].map(({ node }) => node.take(`${prefix}t`)));
      expect(taken.filter((each) => each !== undefined)).toEqual(['text']);
      await one.node.keep(`${prefix}u`, 'text', 1);
      // Sleeps: nobody reports that the time of a text is over.
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await two.node.take(`${prefix}u`)).toBeUndefined();
      expect(await two.node.take(`${prefix}never`)).toBeUndefined();
    });
  });

  roomsPromises(name, backplane);
  resumePromises(name, backplane);
}
