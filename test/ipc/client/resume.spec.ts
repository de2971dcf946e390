import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { CurrentActivity, IpcChannel, IpcSession } from '@linnet/backend';
import type { Activity, IpcModuleOptions } from '@linnet/backend';
import { IpcClosedError, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { gate, settled, until } from '../../harness/waiting.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { FaultProxy } from './fault.proxy.js';

/** Calls of `wait` that have begun, and the reasons why they were aborted. */
let waiting = 0;
const ended: unknown[] = [];
/** Calls of `later` are answered when it opens. */
let held = gate();

@IpcChannel('desk')
class Desk {
  constructor(private readonly session: IpcSession) {}
  async id() {
    return this.session.id;
  }
  async later() {
    await held.opened;
    return 'later';
  }
  async context(@CurrentActivity() activity?: Activity) {
    const { activityId, deadline } = activity!;
    return { activityId, left: deadline && deadline - Date.now() };
  }
  async wait(@CurrentActivity() activity?: Activity) {
    waiting++;
    await new Promise((resolve) => activity!.signal.addEventListener('abort', resolve));
    ended.push(activity!.signal.reason);
  }
  async mirror(value: unknown) {
    return value;
  }
  async flood(times: number, bytes: number) {
    for (let i = 0; i < times; i++) void this.session.send('flood', 'x'.repeat(bytes));
  }
}

const frontends: IpcFrontend[] = [];
const proxies: FaultProxy[] = [];
const raws: WebSocket[] = [];
afterEach(async () => {
  held.open();
  held = gate();
  for (const frontend of frontends.splice(0)) frontend.close();
  for (const proxy of proxies.splice(0)) proxy.close();
  for (const raw of raws.splice(0)) raw.terminate();
  await closeIpcApps();
});

const start = (ipc: IpcModuleOptions = {}) => startIpcApp({ ipc, providers: [Desk] });

async function open({ port }: { port: number }, options: IpcFrontendOptions = {}) {
  const proxy = await new FaultProxy(port).listen();
  proxies.push(proxy);
  const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`), {
    reconnectMs: [5, 20],
    ...options,
  });
  frontends.push(frontend);
  const states: string[] = [];
  frontend.onStateChange((state, closure) => states.push(closure ? `${state} ${closure.code}` : state));
  await frontend.ready;
  return { frontend, proxy, states, desk: frontend.makeIpcProxy<Desk>('desk') as any };
}

/** A connection of the durable wire by hand. */
async function raw(app: IpcTestApp, ...frames: (string | Buffer)[]) {
  const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ipc`, ['linnet.ipc.1']);
  raws.push(socket);
  const received: any[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  socket.on('message', (data: Buffer, isBinary) =>
    received.push(isBinary ? data : JSON.parse(data.toString())),
  );
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  for (const frame of frames) socket.send(frame);
  const first = () => until(() => received[0]);
  return { socket, received, closed, first };
}

describe('a session of the durable wire', () => {
  it('goes on over another connection, and its pending calls settle', async () => {
    const { proxy, desk, states } = await open(await start());
    const id = await desk.id();
    const later = desk.later();
    await desk.id();
    proxy.cut();
    await until(() => states.includes('interrupted 1006'));
    held.open();
    expect(await later).toBe('later');
    expect(await desk.id()).toBe(id);
    expect(states).toEqual(['open', 'interrupted 1006', 'open']);
  });

  it('is lost once when resumeGraceMs is over, and another session begins', async () => {
    const app = await start({ resumeGraceMs: 60 });
    const { proxy, desk, states, frontend } = await open(app);
    const [id, session] = [await desk.id(), app.host.sessions[0]!];
    const pending = [desk.later(), desk.later()];
    await desk.id();
    proxy.refuses = true;
    for (const each of pending) await expect(each).rejects.toBeInstanceOf(IpcClosedError);
    expect((await session.closed).code).toBe(1006);
    proxy.refuses = false;
    await frontend.ready;
    expect(await desk.id()).not.toBe(id);
    expect(states).toEqual(['open', 'interrupted 1006', 'connecting 1006', 'open']);
  });

  it('is lost with its connection when resumeGraceMs is 0', async () => {
    const { proxy, desk, states, frontend } = await open(await start({ resumeGraceMs: 0 }));
    const pending = desk.later();
    await desk.id();
    proxy.cut();
    await expect(pending).rejects.toBeInstanceOf(IpcClosedError);
    await frontend.ready;
    expect(states).toEqual(['open', 'connecting 1006', 'open']);
  });

  it('is lost when its backend shuts down', async () => {
    const app = await start({ shutdownTimeoutMs: 20 });
    const { desk, states } = await open(app);
    const pending = desk.later();
    await desk.id();
    await Promise.all([app.close(), expect(pending).rejects.toBeInstanceOf(IpcClosedError)]);
    expect(states).toEqual(['open', 'connecting 1001']);
  });

  it('ends as soon as its frontend closes', async () => {
    const app = await start();
    const { frontend } = await open(app);
    const [session] = app.host.sessions;
    frontend.close();
    expect((await session!.closed).code).toBe(1000);
    await expect(frontend.invoke('desk', 'id')).rejects.toBeInstanceOf(IpcClosedError);
    await expect(frontend.ready).rejects.toBeInstanceOf(IpcClosedError);
  });

  it('keeps at most bufferedBytes for a frontend that is away', async () => {
    const app = await start({ limits: { bufferedBytes: 10_000 } });
    const { proxy, frontend } = await open(app);
    const [session] = app.host.sessions;
    proxy.refuses = true;
    await until(() => frontend.state === 'interrupted');
    // The backend has noticed it as well.
    await settled();
    for (let i = 0; i < 30; i++) session!.send('flood', 'x'.repeat(1000)).catch(() => undefined);
    expect((await session!.closed).code).toBe(1013);
  });

  it('keeps at most bufferedBytes for a backend that is away', async () => {
    const { proxy, desk, states, frontend } = await open(await start(), {
      limits: { bufferedBytes: 10_000 },
    });
    proxy.refuses = true;
    await until(() => frontend.state === 'interrupted');
    const calls = Array.from({ length: 30 }, () => desk.mirror('x'.repeat(1000)));
    const all = Promise.allSettled(calls);
    await expect(calls.at(-1)).rejects.toThrow('More than 10000 bytes wait.');
    // The others arrive when the backend is back, in the same session.
    proxy.refuses = false;
    frontend.connectNow();
    const ends = (await all).map(({ status }) => status);
    expect(ends.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'fulfilled'));
    expect(ends.slice(20)).toEqual(Array.from({ length: 10 }, () => 'rejected'));
    expect(states.join()).not.toContain('connecting');
  });

  it('replaces a connection that no longer carries frames', async () => {
    const { proxy, desk, states } = await open(await start(), { heartbeatMs: 30 });
    const id = await desk.id();
    proxy.plan([{ way: 'up', frame: 0, kind: 'stall' }]);
    expect(await desk.id()).toBe(id);
    expect(states).toEqual(['open', 'interrupted 4000', 'open']);
  });
});

describe('the resumption of a session', () => {
  const begun = async (app: IpcTestApp) => {
    const connection = await raw(app, '[9]');
    const [, id, secret] = await connection.first();
    return { connection, id, secret };
  };
  const resume = (app: IpcTestApp, id: string, secret: unknown, received = 0) =>
    raw(app, JSON.stringify([9, id, secret, received]));

  it('is refused with a wrong secret', async () => {
    const app = await start();
    const { id, secret } = await begun(app);
    for (const wrong of ['', 'x', `${secret}x`, 'é'.repeat(secret.length), 'x'.repeat(secret.length)]) {
      const { first, closed } = await resume(app, id, wrong);
      expect(await first()).toEqual([11, 'The session is not there any more.']);
      expect((await closed).code).toBe(4001);
    }
    expect((await (await resume(app, 'other', secret)).closed).code).toBe(4001);
    expect(app.host.sessions).toHaveLength(1);
  });

  it('is refused to another user', async () => {
    const app = await start({ authorize: ({ url }) => ({ user: { name: url!.split('?')[1] } }) });
    const { id, secret } = await begun(app);
    const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ipc?eve`, ['linnet.ipc.1']);
    raws.push(socket);
    socket.on('open', () => socket.send(JSON.stringify([9, id, secret, 0])));
    expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(4001);
  });

  it('needs another secret each time, as soon as the new one has arrived', async () => {
    const app = await start();
    const { connection, id, secret } = await begun(app);
    const second = await resume(app, id, secret);
    const [, , next] = await second.first();
    expect(next).not.toBe(secret);
    // The newest connection is the only one.
    expect((await connection.closed).code).toBe(1006);
    second.socket.send('[0,[8,0]]');
    second.socket.send('[0,[2,1,"itwin.desk","id",[],"a"]]');
    await until(() => second.received.length > 1);
    expect((await (await resume(app, id, secret)).closed).code).toBe(4001);
    const third = await resume(app, id, next);
    expect((await third.first())[0]).toBe(10);
    expect(app.host.sessions).toHaveLength(1);
  });

  it('is possible with the old secret until the new one has arrived', async () => {
    const app = await start();
    const { id, secret } = await begun(app);
    for (let i = 0; i < 3; i++) {
      const again = await resume(app, id, secret);
      expect((await again.first())[0]).toBe(10);
      again.socket.terminate();
    }
  });

  it('ends the session when the frontend acknowledges messages that were not sent', async () => {
    const app = await start();
    const { id, secret } = await begun(app);
    const [session] = app.host.sessions;
    expect((await (await resume(app, id, secret, 7)).closed).code).toBe(4001);
    expect((await session!.closed).code).toBe(1002);
  });

  it('is possible when the server is full, because a session that is away keeps its place', async () => {
    const app = await start({ limits: { sessions: 1 } });
    const { desk, proxy } = await open(app);
    const id = await desk.id();
    proxy.cut();
    expect(await desk.id()).toBe(id);
    expect((await (await raw(app, '[9]')).closed).code).toBe(1013);
    expect((await app.refused()).status).toBe(503);
  });

  it('is possible on a dedicated backend until another frontend connects', async () => {
    const app = await start({ dedicated: true });
    const { desk, proxy } = await open(app);
    const id = await desk.id();
    expect((await app.refused()).status).toBe(409);
    proxy.cut();
    expect(await desk.id()).toBe(id);
    proxy.refuses = true;
    const [session] = app.host.sessions;
    await settled();
    await app.connect();
    expect((await session!.closed).code).toBe(1001);
  });
});

describe('a hostile frame on the durable wire', () => {
  const blocks = (...words: number[]) => Buffer.from(Uint32Array.from(words).buffer);
  const deep = `[0,[0,"itwin.desk",[${'['.repeat(600)}${']'.repeat(600)}]]]`;
  it.each<[string, string | Buffer, number]>([
    ['text that is not JSON', '[0,', 1007],
    ['a record', '{"first":0}', 1007],
    ['a list without a number', '[[0,"a"]]', 1007],
    ['a negative number', '[-1]', 1007],
    ['a number out of order', '[5,[0,"a"]]', 4000],
    ['a message that is not a list', '[0,7]', 1007],
    ['a type that is not a number', '[0,["x"]]', 1007],
    ['a channel that is not a text', '[0,[0,7]]', 1002],
    ['arguments that are not a list', '[0,[0,"a",7]]', 1002],
    ['a negative request number', '[0,[2,-1,"a","b",[]]]', 1002],
    ['an acknowledgement of a message that was not sent', '[0,[8,1]]', 1002],
    ['an acknowledgement that is not a number', '[0,[8,"0"]]', 1002],
    ['a huge acknowledgement', '[0,[8,9007199254740991]]', 1002],
    ['arguments nested too deep', deep, 1007],
    ['a member named __proto__', '[0,[0,"a",[{"__proto__":{"x":1}}]]]', 0],
    ['a message about a stream that it does not name', '[0,[6,"a"]]', 1002],
    ['a second client hello', '[9]', 4000],
    ['unknown control messages', '[0,[10,"a"],[11],[99],[12]]', 0],
    ['a cancellation of an unknown call', '[0,[4,77]]', 0],
    ['bytes that are not blocks', Buffer.of(1, 2, 3), 1007],
    ['bytes without a block', blocks(0), 1007],
    ['fewer blocks than announced', blocks(0xffffffff, 0, 0), 1007],
    ['a block that is too long', blocks(1, 0xffffffff, 0), 1007],
    ['a block that is not UTF-8', Buffer.concat([blocks(1, 4), Buffer.of(255, 255, 255, 255)]), 1007],
    ['a block that is not a message', Buffer.concat([blocks(1, 3), Buffer.from('[0]')]), 1007],
  ])('harms no other session: %s', async (_name, frame, code) => {
    const app = await start();
    const { socket, closed, first, received } = await raw(app, '[9]');
    await first();
    socket.send(frame);
    if (code > 0) expect((await closed).code).toBe(code);
    else {
      const count = frame.toString().includes('99') ? 0 : 1;
      socket.send(`[${count},[2,1,"itwin.desk","mirror",[1],"a"]]`);
      await until(() => JSON.stringify(received).includes('{"result":1}'));
    }
    // It harms nobody else.
    expect(await (await open(app)).desk.mirror(2)).toBe(2);
  });

  it.each(['', '[]', '[8,0]', '[9,1]', '[9,"a"]', '[9,"a","b"]', '[9,"a","b",-1]', '{"9":1}', Buffer.of(9)])(
    'ends its connection in place of a client hello: %j',
    async (frame) => {
      const app = await start();
      const { closed } = await raw(app, frame);
      expect([1002, 1007]).toContain((await closed).code);
      expect(app.host.sessions).toHaveLength(0);
    },
  );

  it('ends its session when it arrives before the server hello', async () => {
    const app = await start();
    const { closed } = await raw(app, '[9]', '[0,[2,1,"itwin.desk","mirror",[5],"a"]]');
    expect((await closed).code).toBe(1002);
    await until(() => app.host.sessions.length === 0);
  });
});

describe('a call over the durable wire', () => {
  it('carries its activity and its deadline', async () => {
    const { frontend } = await open(await start());
    const desk = frontend.makeIpcProxy<Desk>('desk', { activityId: 'click 7', timeoutMs: 600_000 }) as any;
    const { activityId, left } = await desk.context();
    expect(activityId).toBe('click 7');
    expect(left).toBeGreaterThan(500_000);
    expect(left).toBeLessThanOrEqual(600_000);
  });

  it.each(['aborted', 'late'])('ends at both ends when it is %s', async (how) => {
    const { frontend } = await open(await start());
    const abort = new AbortController();
    const options = how === 'late' ? { timeoutMs: 300 } : { signal: abort.signal };
    [waiting, ended.length] = [0, 0];
    const call = (frontend.makeIpcProxy<Desk>('desk', options) as any).wait();
    const failed = call.catch((error: Error) => error.message) as Promise<string>;
    await until(() => waiting === 1);
    abort.abort(new Error('enough'));
    expect(await failed).toMatch(how === 'late' ? 'within 300 ms' : 'enough');
    expect(await until(() => ended[0])).toEqual(new Error('The call was cancelled.'));
  });

  it('waits for a session only within bufferedBytes', async () => {
    const frontend = new IpcFrontend(webSocketIpc('ws://127.0.0.1:1/ipc'), {
      limits: { bufferedBytes: 1000 },
      invokeTimeoutMs: 100,
    });
    frontends.push(frontend);
    const calls = Array.from({ length: 5 }, () => frontend.invoke('desk', 'mirror', 'x'.repeat(600)));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map((each) => (each as PromiseRejectedResult).reason.name)).toEqual([
      'DeadlineError',
      'DeadlineError',
      ...Array.from({ length: 3 }, () => 'IpcClosedError'),
    ]);
  });
});
