import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { natsBackplane } from '@linnet/nats';
import { connect } from '@nats-io/transport-node';
import type { Subscription } from '@nats-io/transport-node';
import { hasNats, startNats } from '../harness/nats.server.js';
import type { NatsServer } from '../harness/nats.server.js';
import { until } from '../harness/waiting.js';
import { backplanePromises } from './backplane.conformance.js';

(hasNats ? describe : describe.skip)('with a NATS server', () => {
  let nats: NatsServer;
  beforeAll(async () => void (nats = await startNats()));
  afterAll(() => nats?.stop());

  it('leaves nothing of a node on a connection of the application', async () => {
    const connection = await connect({ servers: nats.servers });
    const subscribed = jest.spyOn(connection, 'subscribe');
    const events = { frame: () => undefined, restored: () => undefined };
    const [one, other] = ['one', 'other'].map((id, i) =>
      natsBackplane(i ? { servers: nats.servers } : { connection }).join(id, events),
    );
    await one!.subscribe('topic');
    await other!.send('one', new Uint8Array(1));
    await one!.leave();
    await expect(other!.send('one', new Uint8Array(1))).rejects.toMatchObject({ failure: 'absent' });
    const own = subscribed.mock.calls.flatMap(([subject], i) =>
      subject.startsWith('linnet.') ? [(subscribed.mock.results[i]!.value as Subscription).isClosed()] : [],
    );
    expect(own).toEqual([true, true]);
    await other!.leave();
    await connection.close();
  });

  it('needs no other permissions than those of docs/rooms.md', async () => {
    const guide = readFileSync(new URL('../../docs/rooms.md', import.meta.url), 'utf8');
    const subjects = (kind: string) => {
      const [, cell] = new RegExp(`^\\| ${kind} \\| (.*) \\|$`, 'm').exec(guide)!;
      return Array.from(cell!.matchAll(/`([^`]+)`/g), ([, subject]) => subject!.replace('<name>', 'linnet'));
    };
    const permissions = { publish: subjects('publish'), subscribe: subjects('subscribe') };
    const folder = mkdtempSync(join(tmpdir(), 'linnet-nats-'));
    const file = join(folder, 'nats.conf');
    // JSON is a configuration of NATS.
    writeFileSync(
      file,
      `authorization: ${JSON.stringify({ users: [{ user: 'node', password: 'p', permissions }] })}`,
    );
    const strict = await startNats(undefined, '-c', file);
    const received: string[] = [];
    const [one, two] = ['one', 'two'].map((id) =>
      natsBackplane({ servers: strict.servers, user: 'node', pass: 'p' }).join(id, {
        frame: (topic = id) => received.push(topic),
        restored: () => undefined,
      }),
    );
    await two!.subscribe('topic');
    await one!.publish('topic', new Uint8Array(1));
    await one!.send('two', new Uint8Array(1));
    await one!.set('group', 'key', 'value');
    expect(await two!.list('group')).toHaveLength(1);
    await one!.delete('group', 'key');
    expect(await two!.get('group', 'key')).toBeUndefined();
    await one!.keep('text', 'kept', 1000);
    expect(await two!.take('text')).toBe('kept');
    await until(() => received.length === 2);
    expect(received.toSorted()).toEqual(['topic', 'two']);
    await Promise.all([one!.leave(), two!.leave()]);
    await strict.stop();
    rmSync(folder, { recursive: true });
  });

  backplanePromises('NATS', () => ({ connect: () => natsBackplane({ servers: nats.servers }) }));
});

describe('a node that has not reached NATS yet', () => {
  it('does not keep the frames of functions that have rejected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const backplane = natsBackplane({ servers: 'nats://127.0.0.1:1', timeoutMs: 1 });
    const node = backplane.join('node', { frame: () => undefined, restored: () => undefined });
    const publish = async () => {
      const frame = new Uint8Array(1000);
      await expect(node.publish('topic', frame)).rejects.toMatchObject({ failure: 'unreachable' });
      return new WeakRef(frame);
    };
    const frame = await publish();
    await until(() => {
      collect();
      return !frame.deref();
    });
    await node.leave();
  });
});
