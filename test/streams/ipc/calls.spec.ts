import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { IpcClosedError, ipcChannel, IpcFrontend } from '@linnet/common';
import { IpcChannel } from '@linnet/backend';
import { webSocketIpc } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import { FlowHandler, forget, numbers, seen } from '../flow.js';

interface Clock {
  ticks(): AsyncIterable<number>;
}
const clockChannel = ipcChannel<Clock>('clock', {
  methods: { ticks: { stream: true, idempotency: 'safe' } },
});

@IpcChannel(clockChannel)
class ClockHandler implements Clock {
  async *ticks() {
    seen.begun++;
    for (let i = 0; ; i++) {
      yield i;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

let app: IpcTestApp;
let frontend: IpcFrontend;

beforeEach(async () => {
  forget();
  app = await startIpcApp({ providers: [FlowHandler, ClockHandler] });
  frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${app.port}/ipc`), { reconnectMs: [1, 1] });
  await frontend.ready;
});
afterEach(async () => {
  frontend.close();
  await closeIpcApps();
});

it('a call with too many streams rejects, and its session goes on', async () => {
  const [session] = app.host.sessions;
  const call = (streams: number) =>
    frontend.callIpcChannel('flow', 'sum', ...Array.from({ length: streams }, () => numbers(3)));
  await expect(call(17)).rejects.toThrow('A call cannot have more than 16 streams.');
  expect(await frontend.callIpcChannel('flow', 'sum', numbers(3))).toBe(3);
  expect(app.host.sessions).toEqual([session]);
});

it('a stream that may be repeated ends with its session, and does not begin anew', async () => {
  const items: number[] = [];
  const reading = (async () => {
    for await (const tick of frontend.makeIpcProxy<Clock>(clockChannel).ticks()) items.push(tick);
  })();
  await until(() => items.length > 2);
  app.host.sessions[0]!.close(1011, 'enough');
  await expect(reading).rejects.toBeInstanceOf(IpcClosedError);
  await frontend.ready;
  expect(items).toEqual(Array.from(items, (_, i) => i));
  expect(seen.begun).toBe(1);
});
