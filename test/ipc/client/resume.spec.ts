import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { CurrentActivity, IpcChannel, IpcSession } from '@linnet/backend';
import type { Activity, IpcModuleOptions } from '@linnet/backend';
import { IpcClosedError, IpcFrontend, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { FaultProxy } from './fault.proxy.js';

const ended: unknown[] = [];

@IpcChannel('room')
class Room {
  constructor(private readonly session: IpcSession) {}
  async id() {
    return this.session.id;
  }
  async later(ms: number) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return 'later';
  }
  async context(@CurrentActivity() activity?: Activity) {
    const { activityId, deadline } = activity!;
    return { activityId, left: deadline && deadline - Date.now() };
  }
  async wait(@CurrentActivity() activity?: Activity) {
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
  for (const frontend of frontends.splice(0)) frontend.close();
  for (const proxy of proxies.splice(0)) proxy.close();
  for (const raw of raws.splice(0)) raw.terminate();
  await closeIpcApps();
});

const start = (ipc: IpcModuleOptions = {}) => startIpcApp({ ipc, providers: [Room] });

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
  return { frontend, proxy, states, room: frontend.makeIpcProxy<Room>('room') as any };
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

describe('a session', () => {
  it('goes on over another connection, and what was called settles as if nothing had been', async () => {
    const { proxy, room, states } = await open(await start());
    const id = await room.id();
    const later = room.later(60);
    await room.id();
    proxy.cut();
    expect(await later).toBe('later');
    expect(await room.id()).toBe(id);
    expect(states).toEqual(['open', 'interrupted 1006', 'open']);
  });

  it('is lost when its time is over, once, and the next is a new start', async () => {
    const app = await start({ resumeGraceMs: 60 });
    const { proxy, room, states, frontend } = await open(app);
    const [id, session] = [await room.id(), app.host.sessions[0]!];
    const pending = [room.later(10_000), room.later(10_000)];
    await room.id();
    proxy.refuses = true;
    for (const each of pending) await expect(each).rejects.toBeInstanceOf(IpcClosedError);
    expect((await session.closed).code).toBe(1006);
    proxy.refuses = false;
    await frontend.ready;
    expect(await room.id()).not.toBe(id);
    expect(states).toEqual(['open', 'interrupted 1006', 'connecting 1006', 'open']);
  });

  it('is not kept with resumeGraceMs: 0', async () => {
    const { proxy, room, states, frontend } = await open(await start({ resumeGraceMs: 0 }));
    const pending = room.later(10_000);
    await room.id();
    proxy.cut();
    await expect(pending).rejects.toBeInstanceOf(IpcClosedError);
    await frontend.ready;
    expect(states).toEqual(['open', 'connecting 1006', 'open']);
  });

  it('is lost with its backend', async () => {
    const app = await start({ shutdownTimeoutMs: 20 });
    const { room, states } = await open(app);
    const pending = room.later(1000);
    await room.id();
    await Promise.all([app.close(), expect(pending).rejects.toBeInstanceOf(IpcClosedError)]);
    expect(states).toEqual(['open', 'connecting 1001']);
  });

  it('ends with its frontend, at once', async () => {
    const app = await start();
    const { frontend } = await open(app);
    const [session] = app.host.sessions;
    frontend.close();
    expect((await session!.closed).code).toBe(1000);
    await expect(frontend.invoke('room', 'id')).rejects.toBeInstanceOf(IpcClosedError);
    await expect(frontend.ready).rejects.toBeInstanceOf(IpcClosedError);
  });

  it('keeps so much and no more for a frontend that is away', async () => {
    const app = await start({ limits: { bufferedBytes: 10_000 } });
    const { proxy } = await open(app);
    const [session] = app.host.sessions;
    proxy.refuses = true;
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (let i = 0; i < 30; i++) session!.send('flood', 'x'.repeat(1000)).catch(() => undefined);
    expect((await session!.closed).code).toBe(1013);
  });

  it('keeps so much and no more for a backend that is away', async () => {
    const { proxy, room, states, frontend } = await open(await start(), {
      limits: { bufferedBytes: 10_000 },
    });
    proxy.refuses = true;
    await until(() => frontend.state === 'interrupted');
    const calls = Array.from({ length: 30 }, () => room.mirror('x'.repeat(1000)));
    const all = Promise.allSettled(calls);
    await expect(calls[0]).rejects.toBeInstanceOf(IpcClosedError);
    expect(states).toContain('connecting 1013');
    frontend.close();
    expect(
      (await all).every((each) => (each as PromiseRejectedResult).reason instanceof IpcClosedError),
    ).toBe(true);
  });

  it('finds out that its connection is dead', async () => {
    const { proxy, room, states } = await open(await start(), { heartbeatMs: 30 });
    const id = await room.id();
    proxy.plan([{ way: 'up', frame: 0, kind: 'stall' }]);
    expect(await room.id()).toBe(id);
    expect(states).toEqual(['open', 'interrupted 4000', 'open']);
  });
});

describe('resumption', () => {
  const welcomed = async (app: IpcTestApp) => {
    const connection = await raw(app, '[9]');
    const [, id, secret] = await connection.first();
    return { connection, id, secret };
  };
  const resume = (app: IpcTestApp, id: string, secret: unknown, received = 0) =>
    raw(app, JSON.stringify([9, id, secret, received]));

  it('is refused to who does not know the secret, whatever he says', async () => {
    const app = await start();
    const { id, secret } = await welcomed(app);
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
    const { id, secret } = await welcomed(app);
    const socket = new WebSocket(`ws://127.0.0.1:${app.port}/ipc?eve`, ['linnet.ipc.1']);
    raws.push(socket);
    socket.on('open', () => socket.send(JSON.stringify([9, id, secret, 0])));
    expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(4001);
  });

  it('takes another secret each time; the old one is worthless as soon as the new one has arrived', async () => {
    const app = await start();
    const { connection, id, secret } = await welcomed(app);
    const second = await resume(app, id, secret);
    const [, , next] = await second.first();
    expect(next).not.toBe(secret);
    // The newest connection is the only one.
    expect((await connection.closed).code).toBe(1006);
    second.socket.send('[0,[8,0]]');
    second.socket.send('[0,[2,1,"itwin.room","id",[],"a"]]');
    await until(() => second.received.length > 1);
    expect((await (await resume(app, id, secret)).closed).code).toBe(4001);
    const third = await resume(app, id, next);
    expect((await third.first())[0]).toBe(10);
    expect(app.host.sessions).toHaveLength(1);
  });

  it('is possible with the old secret where the welcome did not arrive', async () => {
    const app = await start();
    const { id, secret } = await welcomed(app);
    for (let i = 0; i < 3; i++) {
      const again = await resume(app, id, secret);
      expect((await again.first())[0]).toBe(10);
      again.socket.terminate();
    }
  });

  it('of messages that were not sent ends the session', async () => {
    const app = await start();
    const { id, secret } = await welcomed(app);
    const [session] = app.host.sessions;
    expect((await (await resume(app, id, secret, 7)).closed).code).toBe(4001);
    expect((await session!.closed).code).toBe(1002);
  });

  it('is possible where no other session is: those that wait count', async () => {
    const app = await start({ limits: { sessions: 1 } });
    const { room, proxy } = await open(app);
    const id = await room.id();
    proxy.cut();
    expect(await room.id()).toBe(id);
    expect((await (await raw(app, '[9]')).closed).code).toBe(1013);
    expect((await app.refused()).status).toBe(503);
  });

  it('of the one frontend of a dedicated backend goes before another', async () => {
    const app = await start({ dedicated: true });
    const { room, proxy } = await open(app);
    const id = await room.id();
    expect((await app.refused()).status).toBe(409);
    proxy.cut();
    expect(await room.id()).toBe(id);
    proxy.refuses = true;
    const [session] = app.host.sessions;
    await new Promise((resolve) => setTimeout(resolve, 30));
    await app.connect();
    expect((await session!.closed).code).toBe(1001);
  });
});

describe('hostile frames', () => {
  const blocks = (...words: number[]) => Buffer.from(Uint32Array.from(words).buffer);
  const deep = `[0,[0,"itwin.room",[${'['.repeat(600)}${']'.repeat(600)}]]]`;
  it.each<[string, string | Buffer, number]>([
    ['no JSON', '[0,', 1007],
    ['no list', '{"first":0}', 1007],
    ['no number', '[[0,"a"]]', 1007],
    ['a number that is none', '[-1]', 1007],
    ['another number', '[5,[0,"a"]]', 4000],
    ['no message', '[0,7]', 1007],
    ['a type that is none', '[0,["x"]]', 1007],
    ['no channel', '[0,[0,7]]', 1002],
    ['no list of arguments', '[0,[0,"a",7]]', 1002],
    ['a request that is none', '[0,[2,-1,"a","b",[]]]', 1002],
    ['an acknowledgement of what was not sent', '[0,[8,1]]', 1002],
    ['one that is none', '[0,[8,"0"]]', 1002],
    ['a huge one', '[0,[8,9007199254740991]]', 1002],
    ['nesting', deep, 1007],
    ['__proto__', '[0,[0,"a",[{"__proto__":{"x":1}}]]]', 0],
    ['a message of an unknown type', '[0,[6,"a"]]', 0],
    ['a greeting once more', '[9]', 4000],
    ['unknown control messages', '[0,[10,"a"],[11],[99],[12]]', 0],
    ['cancelling what is not there', '[0,[4,77]]', 0],
    ['bytes that are no blocks', Buffer.of(1, 2, 3), 1007],
    ['no blocks', blocks(0), 1007],
    ['more blocks than there are', blocks(0xffffffff, 0, 0), 1007],
    ['a block that is too long', blocks(1, 0xffffffff, 0), 1007],
    ['a block that is no UTF-8', Buffer.concat([blocks(1, 4), Buffer.of(255, 255, 255, 255)]), 1007],
    ['a block that is no message', Buffer.concat([blocks(1, 3), Buffer.from('[0]')]), 1007],
  ])('%s', async (_name, frame, code) => {
    const app = await start();
    const { socket, closed, first, received } = await raw(app, '[9]');
    await first();
    socket.send(frame);
    if (code > 0) expect((await closed).code).toBe(code);
    else {
      const count = frame.toString().includes('99') ? 0 : 1;
      socket.send(`[${count},[2,1,"itwin.room","mirror",[1],"a"]]`);
      await until(() => JSON.stringify(received).includes('{"result":1}'));
    }
    // It harms nobody else.
    expect(await (await open(app)).room.mirror(2)).toBe(2);
  });

  it.each(['', '[]', '[8,0]', '[9,1]', '[9,"a"]', '[9,"a","b"]', '[9,"a","b",-1]', '{"9":1}', Buffer.of(9)])(
    'as a greeting: %j',
    async (frame) => {
      const app = await start();
      const { closed } = await raw(app, frame);
      expect([1002, 1007]).toContain((await closed).code);
      expect(app.host.sessions).toHaveLength(0);
    },
  );

  it('before the welcome end the session: its handlers may not be there', async () => {
    const app = await start();
    const { closed } = await raw(app, '[9]', '[0,[2,1,"itwin.room","mirror",[5],"a"]]');
    expect((await closed).code).toBe(1002);
    await until(() => app.host.sessions.length === 0);
  });
});

describe('a call', () => {
  it('carries its activity and its deadline', async () => {
    const { frontend } = await open(await start());
    const room = frontend.makeIpcProxy<Room>('room', { activityId: 'click 7', timeoutMs: 5000 }) as any;
    const { activityId, left } = await room.context();
    expect(activityId).toBe('click 7');
    expect(left).toBeGreaterThan(3000);
    expect(left).toBeLessThanOrEqual(5000);
  });

  it.each(['aborted', 'late'])('that is %s is over here and there', async (how) => {
    const { frontend } = await open(await start());
    const abort = new AbortController();
    const options = how === 'late' ? { timeoutMs: 50 } : { signal: abort.signal };
    const call = (frontend.makeIpcProxy<Room>('room', options) as any).wait();
    setTimeout(() => abort.abort(new Error('enough')), 50);
    ended.length = 0;
    await expect(call).rejects.toThrow(how === 'late' ? 'within 50 ms' : 'enough');
    expect(await until(() => ended[0])).toEqual(new Error('The call was cancelled.'));
  });

  it('that waits for a session is bounded', async () => {
    const frontend = new IpcFrontend(webSocketIpc('ws://127.0.0.1:1/ipc'), {
      limits: { bufferedBytes: 1000 },
      invokeTimeoutMs: 100,
    });
    frontends.push(frontend);
    const calls = Array.from({ length: 5 }, () => frontend.invoke('room', 'mirror', 'x'.repeat(600)));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map((each) => (each as PromiseRejectedResult).reason.name)).toEqual([
      'DeadlineError',
      'DeadlineError',
      ...Array.from({ length: 3 }, () => 'IpcClosedError'),
    ]);
  });
});
