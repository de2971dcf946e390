import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryBackplane } from '@linnet/common';
import type { BackplaneLogs, IpcBackplane } from '@linnet/common';
import { settled, until } from '../harness/waiting.js';
import { knock, rove, startNode } from './network.nodes.js';

/** A backplane that counts the bytes of the copies of sessions. */
function counting(): { readonly backplane: IpcBackplane; bytes: number } {
  const hub = memoryBackplane();
  const counts = {
    bytes: 0,
    backplane: {
      join(id, events) {
        const node = hub.join(id, events);
        const logs = node.logs!;
        const append: BackplaneLogs['append'] = (key, frame, options) => {
          counts.bytes += frame.byteLength;
          return logs.append(key, frame, options);
        };
        return Object.assign(node, { logs: { ...logs, append } });
      },
    } satisfies IpcBackplane,
  };
  return counts;
}

describe('the copy of a session', () => {
  const open: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close();
  });

  it('costs no more than a few times what the session sends, also if its frontend acknowledges nothing', async () => {
    const counts = counting();
    const node = startNode(counts.backplane, { replicate: true });
    open.push(() => node.end());
    const raw = knock(node, undefined, JSON.stringify([9, '', 'k'.repeat(22), 0, 1]));
    await until(() => raw.frames.length > 0);
    const [session] = node.server.sessions;
    const block = 'x'.repeat(64 * 1024);
    const before = counts.bytes;
    for (let i = 0; i < 120; i++) {
      void session!.send('blocks', block);
      await settled();
    }
    expect(session!.isOpen).toBe(true);
    expect((counts.bytes - before) / (120 * block.length)).toBeLessThan(5);
  });

  it('is missing while the application cannot name its user, and the session goes on', async () => {
    let isAway = false;
    const userKey = () => {
      if (isAway) throw new Error('The directory of users is away.');
      return 'ann';
    };
    const node = startNode(counting().backplane, { replicate: true, userKey });
    open.push(() => node.end());
    node.server.channels.handle('itwin.echo', async (_call, _method, n: unknown) => n);
    const roving = rove(node, { id: 7 });
    open.push(() => roving.frontend.close());
    expect(await roving.frontend.invoke('echo', 'x', 1)).toBe(1);
    isAway = true;
    expect(await roving.frontend.invoke('echo', 'x', 2)).toBe(2);
  });
});
