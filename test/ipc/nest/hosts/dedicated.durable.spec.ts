import { jest } from '@jest/globals';
import { WebSocket } from 'ws';
import { IpcChannel, IpcTicketService } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions } from '@linnet/frontend';
import { FaultProxy } from '../../client/fault.proxy.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { holdTimers, releaseTimers } from '../../../harness/held.timers.js';
import { gate, settled, until } from '../../../harness/waiting.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';

/** Lengths that no other timers have: the tests hold the timers of these times, and let them expire. */
const GRACE_MS = 43_210;
const RESUME_MS = 54_321;

/** Holds the calls of `later`. */
let held = gate();

@IpcChannel('only')
class OnlyHandler {
  async say() {
    return 'said';
  }
  async later() {
    await held.opened;
    return 'later';
  }
}

const frontends: IpcFrontend[] = [];
const proxies: FaultProxy[] = [];
const raws: WebSocket[] = [];
afterEach(async () => {
  held.open();
  held = gate();
  for (const socket of raws.splice(0)) socket.terminate();
  for (const frontend of frontends.splice(0)) frontend.close();
  for (const proxy of proxies.splice(0)) proxy.close();
  await closeIpcApps();
  releaseTimers();
});

/** A dedicated backend whose application is to end with its frontend; `close` is spied on. */
async function start(ipc: IpcModuleOptions = {}) {
  const grace = holdTimers(GRACE_MS);
  const gone = jest.fn();
  const dedicated = {
    dedicated: true,
    frontendGraceMs: GRACE_MS,
    shutdownTimeoutMs: 20,
    onFrontendGone: gone,
  };
  const testApp = await startIpcApp({ ipc: { ...dedicated, ...ipc }, providers: [OnlyHandler] });
  const close = jest.spyOn(testApp.app, 'close');
  testApp.host.bindLifetime(testApp.app);
  return { ...testApp, gone, grace, closed: close };
}

/** A frontend of our own, with a ticket for each of its connections where it has a name. */
async function open({ app, port }: IpcTestApp, name?: string, options: IpcFrontendOptions = {}) {
  const proxy = await new FaultProxy(port).listen();
  proxies.push(proxy);
  const url = `ws://127.0.0.1:${proxy.port}/ipc`;
  const ticket = () => app.get(IpcTicketService).issue({ user: 'ann', frontend: name });
  const connector = webSocketIpc(async () => (name ? `${url}?ticket=${await ticket()}` : url));
  const frontend = new IpcFrontend(connector, { reconnectMs: [5, 20], ...options });
  frontends.push(frontend);
  const states: string[] = [];
  frontend.onStateChange((state, closure) => states.push(closure ? `${state} ${closure.code}` : state));
  await frontend.ready;
  return { frontend, proxy, states, only: frontend.makeIpcProxy<OnlyHandler>('only') };
}

/** A connection by hand, which says nothing by itself but answers pings, unless it is to be silent. */
async function raw({ port }: IpcTestApp, autoPong = true) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ipc`, ['linnet.ipc.1'], { autoPong });
  raws.push(socket);
  const received: any[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString())));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  const say = (list: unknown) => socket.send(JSON.stringify(list));
  const answer = (index = 0) => until(() => received[index]);
  return { socket, say, answer, closed };
}

describe('a dedicated backend on the durable wire', () => {
  it('refuses a connection whose client hello comes after that of another frontend', async () => {
    const testApp = await start();
    const late = await raw(testApp);
    const own = await raw(testApp);
    own.say([9]);
    const [welcome, id] = await own.answer();
    expect(welcome).toBe(10);
    late.say([9]);
    expect(await late.answer()).toEqual([11, 'This backend has a frontend already, and serves no other.']);
    expect((await late.closed).code).toBe(4001);
    own.say([0, [2, 1, 'itwin.only', 'say', [], 'a']]);
    expect(await own.answer(1)).toEqual([0, [3, 1, 'itwin.only', { result: 'said' }]]);
    expect(testApp.host.sessions.map((session) => session.id)).toEqual([id]);
  });

  it('keeps a frontend that resumes its session while the backend waits for an answer to a ping', async () => {
    const testApp = await start();
    const silent = await raw(testApp, false);
    const again = await raw(testApp);
    silent.say([9]);
    const [, id, secret] = await silent.answer();
    const asked = new Promise((resolve) => silent.socket.on('ping', resolve));
    const other = testApp.refused();
    await asked;
    again.say([9, id, secret, 0]);
    await again.answer();
    expect((await other).status).toBe(409);
    again.say([0, [2, 1, 'itwin.only', 'say', [], 'a']]);
    expect(await again.answer(1)).toEqual([0, [3, 1, 'itwin.only', { result: 'said' }]]);
    expect(testApp.host.sessions.map((session) => session.id)).toEqual([id]);
  });

  it('lets its frontend resume the session over a new connection', async () => {
    const testApp = await start();
    const { proxy, only, states } = await open(testApp);
    const session = await testApp.session();
    const later = only.later();
    await only.say();
    proxy.cut();
    await until(() => states.length === 3);
    held.open();
    expect(await later).toBe('later');
    expect(states).toEqual(['open', 'interrupted 1006', 'open']);
    expect(testApp.host.sessions).toEqual([session]);
    await settled();
    // The session is not over, so that nothing waits for its frontend.
    expect(testApp.grace.pending).toBe(0);
    expect(testApp.gone).not.toHaveBeenCalled();
  });

  it('answers another frontend with 409, and keeps its own', async () => {
    const testApp = await start();
    const { only, states } = await open(testApp, 'f1');
    expect((await testApp.refused()).status).toBe(409);
    // A WebSocket does not show the status of a refusal.
    const other = open(testApp, 'f2', { reconnect: false });
    await expect(other).rejects.toMatchObject({ name: 'IpcClosedError' });
    expect(await only.say()).toBe('said');
    expect(states).toEqual(['open']);
    expect(testApp.host.sessions).toHaveLength(1);
  });

  it('lets a reloaded page replace the session of the page before, which is still connected', async () => {
    const testApp = await start();
    // A page that is being left does not come back.
    const before = await open(testApp, 'f1', { reconnect: false });
    const { closed } = await testApp.session();
    const pending = before.only.later();
    await before.only.say();
    const lost = pending.catch((error: unknown) => error);
    const { only } = await open(testApp, 'f1');
    expect(await closed).toEqual({
      code: 1001,
      reason: 'The frontend has connected again.',
      initiator: 'local',
    });
    expect(await lost).toMatchObject({ name: 'IpcClosedError' });
    expect(before.states).toEqual(['open', 'closed 1001']);
    expect(await only.say()).toBe('said');
    await settled();
    expect(testApp.grace.pending).toBe(0);
    expect(testApp.gone).not.toHaveBeenCalled();
  });

  it.each(['f1', undefined])(
    'lets the page after a crash replace the session, with the name %s',
    async (name) => {
      const testApp = await start();
      const { proxy, states } = await open(testApp, name);
      const session = await testApp.session();
      proxy.refuses = true;
      await until(() => states.includes('interrupted 1006'));
      const { only } = await open(testApp, name);
      expect((await session.closed).code).toBe(1001);
      expect(await only.say()).toBe('said');
      await settled();
      expect(testApp.grace.pending).toBe(0);
      expect(testApp.gone).not.toHaveBeenCalled();
      expect(testApp.closed).not.toHaveBeenCalled();
    },
  );

  it('ends when its frontend has not come back in resumeGraceMs and then frontendGraceMs', async () => {
    const resume = holdTimers(RESUME_MS);
    const testApp = await start({ resumeGraceMs: RESUME_MS });
    const { proxy, only } = await open(testApp);
    const session = await testApp.session();
    await only.say();
    proxy.cut();
    await only.say();
    expect([resume.pending, testApp.grace.pending]).toEqual([0, 0]);
    proxy.refuses = true;
    // The backend waits, and the frontend, which runs in this process too.
    await until(() => resume.pending === 2);
    resume.expire();
    expect(await session.closed).toMatchObject({ code: 1006 });
    await until(() => testApp.grace.pending === 1);
    expect(testApp.gone).not.toHaveBeenCalled();
    testApp.grace.expire();
    await until(() => testApp.closed.mock.calls.length > 0);
    await testApp.closed.mock.results[0]!.value;
    expect(testApp.gone).toHaveBeenCalledTimes(1);
    expect(testApp.closed).toHaveBeenCalledTimes(1);
  });

  it('ends after frontendGraceMs when its frontend has closed the session', async () => {
    const testApp = await start();
    const { frontend } = await open(testApp);
    frontend.close();
    await until(() => testApp.grace.pending === 1);
    testApp.grace.expire();
    await until(() => testApp.closed.mock.calls.length > 0);
    expect(testApp.gone).toHaveBeenCalledTimes(1);
  });
});
