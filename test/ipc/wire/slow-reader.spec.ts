import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcClosedError } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, endings, startIpc, TestIpcHandler } from './ipc.app.js';
import { settled, until } from '../../harness/waiting.js';
import { textOf } from './raw.frontend.codec.js';
import { readSlowly } from './raw.frontend.js';
import { BareFrontend, frameBytes, Opcode } from './raw.frontend.socket.js';

const MiB = 1024 * 1024;
const bufferedBytes = 8 * MiB;
const limits = { bufferedBytes };

beforeEach(() => TestIpcHandler.reset());
afterEach(closeApps);

/** Waits until a number no longer changes, because the buffers on the way are full. @returns the number */
async function stalled(read: () => number): Promise<number> {
  let last: number;
  do {
    last = read();
    await settled();
  } while (last !== read());
  return last;
}

describe('backpressure', () => {
  it('ends the session of a peer that does not read, with one warning in the log', async () => {
    const app = await startIpc({ limits });
    const [frontend, session] = await app.pair();
    const [, other] = await app.pair();
    frontend.socket.pause();
    let sent = 0;
    let last: Promise<void> = Promise.resolve();
    const { rss } = process.memoryUsage();
    // Nobody waits for anything: far more than the limit would be on its way.
    while (session.isOpen && sent < 400) {
      last = session.send('x', sent++, new Uint8Array(MiB));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(session.isOpen).toBe(false);
    await expect(last).rejects.toBeInstanceOf(IpcClosedError);
    await expect(session.closed).resolves.toEqual({
      code: 1013,
      reason: `More than ${bufferedBytes} bytes wait.`,
      initiator: 'local',
    });
    expect(sent).toBeLessThan(40);
    for (let i = 0; i < 100; i++) await session.send('x', new Uint8Array(MiB)).catch(() => undefined);
    expect(process.memoryUsage().rss - rss).toBeLessThan(150 * MiB);
    expect(endings(app.log)).toEqual([expect.stringContaining('(1013)')]);
    expect(other.isOpen).toBe(true);
    // All earlier messages arrive, and then the reason.
    frontend.socket.resume();
    expect(await frontend.closed).toEqual({ code: 1013, reason: expect.stringContaining('bytes wait') });
    const pushes = frontend.received.filter((frame) => 'text' in frame);
    expect(pushes).toHaveLength(sent - 1);
    await frontend.messages(sent - 1);
  });

  it('holds a producer that waits, and loses nothing of its messages to a slow peer', async () => {
    const app = await startIpc({ limits });
    const [frontend, session] = await app.pair();
    const count = 60;
    let most = 0;
    const produced = (async () => {
      for (let i = 0; i < count; i++) {
        await session.send('x', i, new Uint8Array(MiB).fill(i));
        most = i;
      }
    })();
    frontend.socket.pause();
    expect(await stalled(() => most)).toBeLessThan(count / 2);
    const stop = readSlowly(frontend);
    const messages = await frontend.messages(count, 30_000);
    stop();
    await produced;
    for (const [i, { data }] of messages.entries()) {
      const [n, part] = data as [number, Uint8Array];
      expect([n, part.byteLength, part[0], part.at(-1)]).toEqual([i, MiB, i, i]);
    }
    expect(session.isOpen).toBe(true);
  });

  it('makes a message to all sessions wait for the slowest peer, but not for one that has left', async () => {
    const app = await startIpc({ limits });
    const [slow] = await app.pair();
    const [gone] = await app.pair();
    slow.socket.pause();
    gone.socket.pause();
    let done = 0;
    const produced = (async () => {
      for (let i = 0; i < 20; i++) {
        await app.host.send('x', new Uint8Array(MiB));
        done++;
      }
    })();
    expect(await stalled(() => done)).toBeLessThan(20);
    gone.terminate();
    await until(() => app.host.sessions.length === 1);
    expect(await stalled(() => done)).toBeLessThan(20);
    slow.socket.resume();
    await produced;
  });

  it('lets one answer be larger than bufferedBytes', async () => {
    const app = await startIpc({ limits });
    const [frontend, session] = await app.pair({ patienceMs: 10_000 });
    const { result } = (await frontend.invoke(CHANNEL, 'bytes', 3 * bufferedBytes)) as { result: Uint8Array };
    expect(result.byteLength).toBe(3 * bufferedBytes);
    expect(session.isOpen).toBe(true);
  });

  it('stops reading from a peer that calls without reading the answers, until it reads them', async () => {
    const app = await startIpc({ limits: { bufferedBytes: 64 * MiB } });
    const bare = await BareFrontend.open(app.port, { patienceMs: 20_000 });
    await until(() => app.host.sessions.length === 1);
    bare.socket.pause();
    const total = 2000;
    for (let sequence = 0; sequence < total; sequence++) {
      const message = {
        type: 2,
        channel: CHANNEL,
        method: 'text',
        data: [20_000, 'x'.repeat(5000)],
        request: 1,
        sequence,
      };
      bare.write(frameBytes({ opcode: Opcode.Text, payload: textOf(JSON.stringify(message), 0) }));
    }
    await until(() => TestIpcHandler.calls > 100);
    expect(await stalled(() => TestIpcHandler.calls)).toBeLessThan(total / 2);
    expect(app.host.sessions).toHaveLength(1);
    // It goes on where it was as soon as the peer reads.
    bare.socket.resume();
    await until(() => TestIpcHandler.calls === total);
    bare.destroy();
  });
});
