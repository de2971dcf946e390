import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../harness/nest.harness.js';
import { startIpc } from './ipc.app.js';
import { readSlowly } from './raw.frontend.js';
import type { RawFrontend } from './raw.frontend.js';

const KiB = 1024;
const MiB = 1024 * KiB;

afterEach(closeApps);

describe.each<[string, (frontend: RawFrontend) => () => void]>([
  ['at once', () => () => undefined],
  ['slowly', readSlowly],
])('an array that changes after it was sent, to a peer that reads %s', (_how, read) => {
  it.each([8 * KiB, 64 * KiB, 512 * KiB])('arrives as it was when it was sent: %d bytes', async (bytes) => {
    const app = await startIpc();
    const [frontend, session] = await app.pair();
    const count = 40;
    const stop = read(frontend);
    const array = new Uint8Array(bytes);
    for (let i = 0; i < count; i++) {
      array.fill(i);
      await session.send('x', i, array);
    }
    array.fill(255);
    const messages = await frontend.messages(count, 30_000);
    stop();
    for (const [i, { data }] of messages.entries()) {
      const [n, part] = data as [number, Uint8Array];
      expect([n, part.byteLength]).toEqual([i, bytes]);
      expect(Buffer.compare(part, Buffer.alloc(bytes, i))).toBe(0);
    }
  });
});

describe('a frontend that reads all the time', () => {
  it.each([
    [40, MiB],
    [4, 10 * MiB],
  ])('gets %d answers of %d bytes at the same time', async (count, bytes) => {
    const app = await startIpc();
    app.host.handle('large', (_event, _method, i: number) => Buffer.alloc(bytes, i));
    const [frontend, session] = await app.pair({ patienceMs: 30_000 });
    const calls = Array.from({ length: count }, (_, i) => frontend.invoke('itwin.large', 'it', i));
    const answers = (await Promise.all(calls)) as Uint8Array[];
    for (const [i, answer] of answers.entries())
      expect(Buffer.compare(answer, Buffer.alloc(bytes, i))).toBe(0);
    expect(session.isOpen).toBe(true);
  });
});
