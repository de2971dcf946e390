import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { memoryIpc } from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
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

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
const ignored = () => undefined;

describe(`after ${TIMES} streams`, () => {
  let app: IpcTestApp;
  let frontend: IpcFrontend;
  let flow: Flow;
  let ended = 0;
  const end = () => void ended++;
  const shared = new AbortController();

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
  ])(
    '%s nothing is left',
    async (_name, work, expected) => {
      forget();
      ended = 0;
      await work(0);
      await until(() => seen.finished === seen.begun);
      forget();
      ended = 0;
      const before = timers();
      await often(work);
      await until(() => seen.finished === seen.begun && ended === expected.ended);
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
