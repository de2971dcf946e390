import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { memoryIpc } from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
import type { IpcSession } from '@linnet/common';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import { all, flowChannel, FlowHandler, forget, numbers, seen } from '../flow.js';
import type { Flow } from '../flow.js';

const TIMES = 10_000;
const AT_ONCE = 250;

/** Runs something very often, some of it at once. */
async function often(work: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < TIMES; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => work(n + i)));
}

/** One item, and then nothing until the reader leaves. */
const waiting = (left: () => void): AsyncIterable<number> => ({
  [Symbol.asyncIterator]() {
    let count = 0;
    return {
      next: () => (count++ === 0 ? Promise.resolve({ done: false, value: 1 }) : new Promise(() => undefined)),
      async return() {
        left();
        return { done: true, value: undefined };
      },
    };
  },
});

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
const ignored = () => undefined;
type CloseSession = (other: IpcFrontend, session: IpcSession) => void;
/** Ten thousand ends take this long at most, in milliseconds, on a machine that does much else. */
const LIMIT_MS = 200_000;

describe(`after ${TIMES} streams`, () => {
  let app: IpcTestApp;
  let frontend: IpcFrontend;
  let flow: Flow;
  let ended = 0;
  const end = () => void ended++;
  const shared = new AbortController();

  const STREAMS = 100;

  let turn: Promise<void> = Promise.resolve();

  /** Ends a session with a hundred streams, results and arguments, for every hundredth call; one session after the other. */
  async function inSessions(n: number, close: CloseSession): Promise<void> {
    if (n % STREAMS === 0) await (turn = turn.then(() => endSession(close)));
  }

  async function endSession(close: CloseSession): Promise<void> {
    const { begun } = seen;
    const other = new IpcFrontend(memoryIpc(app.app), { reconnect: false });
    await other.ready;
    const session = app.host.sessions.at(-1)!;
    const proxy = other.makeIpcProxy<Flow>(flowChannel);
    const over = Array.from({ length: STREAMS / 2 }, () => [
      all(proxy.wait()).catch(ignored),
      proxy.hold(waiting(end)).catch(ignored),
    ]).flat();
    await until(() => seen.begun === begun + STREAMS, LIMIT_MS);
    close(other, session);
    await Promise.all(over);
    other.close();
  }

  beforeAll(async () => {
    app = await startIpcApp({ providers: [FlowHandler] });
    frontend = new IpcFrontend(memoryIpc(app.app));
    await frontend.ready;
    flow = frontend.makeIpcProxy<Flow>(flowChannel, { signal: shared.signal });
  });
  afterAll(async () => {
    frontend.close();
    await closeIpcApps();
  });

  it.each<[string, (n: number) => Promise<unknown>, { begun: number; ended: number }]>([
    ['that were read to their end', () => all(flow.count(3)), { begun: TIMES, ended: 0 }],
    [
      'whose readers left',
      async () => {
        for await (const _ of flow.wait()) break;
      },
      { begun: TIMES, ended: 0 },
    ],
    [
      'whose readers failed',
      async () => {
        const read = async () => {
          for await (const _ of flow.wait()) throw new Error('no');
        };
        await read().catch(ignored);
      },
      { begun: TIMES, ended: 0 },
    ],
    [
      'whose producers failed at once',
      () => all(flow.count(3, 0)).catch(ignored),
      { begun: TIMES, ended: 0 },
    ],
    [
      'whose producers failed in the middle',
      () => all(flow.count(3, 2)).catch(ignored),
      { begun: TIMES, ended: 0 },
    ],
    [
      'that were aborted',
      async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const proxy = frontend.makeIpcProxy<Flow>(flowChannel, { signal });
        const read = async () => {
          for await (const _ of proxy.wait()) controller.abort();
        };
        await read().catch(ignored);
        expect(getEventListeners(signal, 'abort')).toEqual([]);
      },
      { begun: TIMES, ended: 0 },
    ],
    [
      'that met their deadline',
      () => all(frontend.makeIpcProxy<Flow>(flowChannel, { timeoutMs: 1 }).wait()).catch(ignored),
      { begun: 0, ended: 0 },
    ],
    ['that were arguments', () => flow.sum(numbers(3, end)), { begun: TIMES, ended: TIMES }],
    [
      'that were arguments, and not read to their end',
      () => flow.sum(numbers(4, end), 2),
      { begun: TIMES, ended: TIMES },
    ],
    [
      'that were arguments, and failed',
      async (n) => {
        const failing = async function* () {
          try {
            yield n;
            throw new Error('no');
          } finally {
            end();
          }
        };
        await flow.sum(failing()).catch(ignored);
      },
      { begun: TIMES, ended: TIMES },
    ],
    [
      'that were arguments, and aborted',
      async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const aborting = async function* () {
          try {
            yield 1;
            controller.abort(new Error('enough'));
            yield 2;
          } finally {
            end();
          }
        };
        await frontend.makeIpcProxy<Flow>(flowChannel, { signal }).hold(aborting()).catch(ignored);
        expect(getEventListeners(signal, 'abort')).toEqual([]);
      },
      { begun: 0, ended: TIMES },
    ],
    [
      'that were arguments, and met their deadline',
      () => frontend.makeIpcProxy<Flow>(flowChannel, { timeoutMs: 1 }).hold(waiting(end)).catch(ignored),
      { begun: 0, ended: TIMES },
    ],
    [
      'whose sessions were closed',
      (n) => inSessions(n, (other) => other.close()),
      { begun: TIMES, ended: TIMES / 2 },
    ],
    [
      'whose sessions were lost',
      (n) => inSessions(n, (_other, session) => session.close()),
      { begun: TIMES, ended: TIMES / 2 },
    ],
  ])(
    '%s nothing is left',
    async (_name, work, expected) => {
      forget();
      ended = 0;
      await work(0);
      await until(() => seen.finished === seen.begun, LIMIT_MS);
      forget();
      ended = 0;
      const before = timers();
      await often(work);
      await until(() => seen.finished === seen.begun && ended === expected.ended, LIMIT_MS);
      if (expected.begun > 0) expect(seen.begun).toBe(expected.begun);
      await until(() => timers() <= before + 2);
      expect(getEventListeners(shared.signal, 'abort').length).toBeLessThanOrEqual(1);
      // The session is idle: no call of it is counted as running.
      expect(await flow.plain()).toBe('plain');
    },
    300_000,
  );

  it('the session closes without waiting for any of them', async () => {
    frontend.close();
    await until(() => app.host.sessions.length === 0);
    expect(getEventListeners(shared.signal, 'abort')).toEqual([]);
  });
});
