import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { textOf } from './raw.frontend.codec.js';
import { MessageType } from './raw.frontend.js';
import type { RawFrontend } from './raw.frontend.js';

let app: IpcApp;
let frontends: RawFrontend[];
beforeEach(async () => {
  TestIpcHandler.reset();
  app = await startIpc();
  frontends = [await app.open(), await app.open()];
  await until(() => app.host.sessions.length === 2);
});
afterEach(async () => {
  TestIpcHandler.reset();
  await closeApps();
});

const invoke = (sequence: number, ...data: unknown[]) => ({
  type: MessageType.Invoke,
  channel: CHANNEL,
  method: 'echo',
  data,
  request: sequence + 1,
  sequence,
});

describe('sessions of one server', () => {
  it('get only the answers to their own calls, though all use the same request numbers', async () => {
    frontends.push(...(await Promise.all(Array.from({ length: 8 }, () => app.open()))));
    const asked = frontends.map((frontend, who) =>
      Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const part = Uint8Array.from({ length: (i * 97) % 2000 }, () => who);
          const answer = await frontend.invoke(CHANNEL, 'answerLater', (i * 7) % 10, [who, i, part]);
          // Jest takes its time for typed arrays.
          expect(isDeepStrictEqual(answer, { result: [who, i, part] })).toBe(true);
        }),
      ),
    );
    await Promise.all(asked);
    for (const { received } of frontends)
      expect(received.filter((frame) => 'text' in frame)).toHaveLength(50);
  });

  it('never combine parts of their messages', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    const marker = (index: number) => ({ ipc: 'binary', type: 0, index });
    const announce = textOf(JSON.stringify(invoke(0, marker(0), marker(1))), 2);
    // Each step of one comes between two steps of the other.
    for (const step of [0, 1, 2]) {
      for (const [who, frontend] of [a, b].entries()) {
        if (step === 0) frontend.sendText(announce);
        else frontend.sendBinary(new Uint8Array(10).fill(10 * who + step));
        await frontend.arrived();
      }
    }
    for (const [who, frontend] of [a, b].entries()) {
      const { data } = await frontend.nextMessage();
      const parts = [1, 2].map((step) => new Uint8Array(10).fill(10 * who + step));
      expect(data).toEqual({ result: parts });
    }
  });

  it('have messages that wait for earlier ones of the same session only', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    a.message(invoke(1, 'a1'));
    b.message(invoke(0, 'b0'));
    b.message(invoke(2, 'b2'));
    expect((await b.nextMessage()).data).toEqual({ result: ['b0'] });
    a.message(invoke(0, 'a0'));
    expect((await a.messages(2)).map(({ data }) => data)).toEqual([{ result: ['a0'] }, { result: ['a1'] }]);
    b.message(invoke(1, 'b1'));
    expect((await b.messages(2)).map(({ data }) => data)).toEqual([{ result: ['b1'] }, { result: ['b2'] }]);
  });

  it('do not get half a message that an ended session has left behind', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    a.sendText(textOf(JSON.stringify(invoke(0)), 3));
    a.sendBinary(Uint8Array.of(1));
    await a.arrived();
    a.terminate();
    await until(() => app.host.sessions.length === 1);
    const next = await app.open();
    for (const frontend of [b, next])
      expect(await frontend.invoke(CHANNEL, 'echo', 1)).toEqual({ result: [1] });
  });

  it('number their messages apart, including those that go to all', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    for (let i = 0; i < 3; i++) await a.invoke(CHANNEL, 'echo', i);
    await app.host.send('news', 'all', Uint8Array.of(1, 2, 3));
    await app.host.sessions[1]!.send('news', 'b only');
    await app.host.send('news', 'all again');
    const heard = async (frontend: RawFrontend, count: number) =>
      (await frontend.messages(count)).map(({ sequence, data }) => [sequence, (data as unknown[])[0]]);
    expect(await heard(a, 2)).toEqual([
      [3, 'all'],
      [4, 'all again'],
    ]);
    expect(await heard(b, 3)).toEqual([
      [0, 'all'],
      [1, 'b only'],
      [2, 'all again'],
    ]);
  });

  it('accept a reply only from the frontend that was called', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    const [first, second] = app.host.sessions;
    const replies = Promise.all([first!.invoke('ask'), second!.invoke('ask')]);
    const reply = ((await a.nextMessage()).data as [string])[0];
    expect(((await b.nextMessage()).data as [string])[0]).toBe(reply);
    b.send(reply, 'of b');
    b.send(reply, 'of b again');
    a.send(reply, 'of a');
    expect(await replies).toEqual(['of a', 'of b']);
  });

  it('go on when another one ends', async () => {
    const [a, b] = frontends as [RawFrontend, RawFrontend];
    const answers = [1, 2, 3].map((i) => b.invoke(CHANNEL, 'waitForRelease', i));
    a.invoke(CHANNEL, 'waitForRelease', 0).catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 4);
    a.sendText('x');
    await a.closed;
    TestIpcHandler.release();
    expect(await Promise.all(answers)).toEqual([{ result: 1 }, { result: 2 }, { result: 3 }]);
  });
});
