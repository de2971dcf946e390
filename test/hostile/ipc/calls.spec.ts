import { afterEach, describe, expect, it } from '@jest/globals';
import { createRpcClient, rpcOverIpc } from '@linnet/common';
import { until } from '../../harness/waiting.js';
import { FaultProxy } from '../../ipc/client/fault.proxy.js';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { Clock, end, failureOf, letGo, log, open, start, wires } from './attack.harness.js';

afterEach(end);

describe.each(wires)('IPC on the wire "%s":', (wire) => {
  it.each([Infinity, 2 ** 31, 2 ** 32, Number.MAX_VALUE])(
    'a call with a timeout of %d ms does not expire, and does not disturb others',
    async (timeoutMs) => {
      const { frontend, target, states } = open(await start(), wire);
      await frontend.ready;
      const calls = [
        frontend.makeIpcProxy<{ hold(): unknown }>('target', { timeoutMs }).hold(),
        target.hold(),
      ];
      expect(await target.echo('meanwhile')).toBe('meanwhile');
      letGo();
      expect(await Promise.all(calls)).toEqual(['held', 'held']);
      expect(states).toEqual(['open']);
    },
  );

  it.each([Infinity, 2 ** 32])('a frontend may have an invokeTimeoutMs of %d', async (invokeTimeoutMs) => {
    const { target, states } = open(await start(), wire, { invokeTimeoutMs });
    const held = target.hold();
    expect(await target.echo(1)).toBe(1);
    letGo();
    expect(await held).toBe('held');
    expect(states).toEqual(['open']);
  });

  it('an operation over IPC gets the deadline of its call, except on the compatible wire', async () => {
    const { frontend } = open(await start(), wire);
    await frontend.ready;
    const clock = createRpcClient({ transport: rpcOverIpc(frontend) }).client(Clock);
    const left = await clock.with({ timeoutMs: 50_000 }).left();
    // The compatible wire does not carry this.
    if (wire === 'compatible') expect(left).toBeNull();
    else {
      expect(left).toBeGreaterThan(20_000);
      expect(left).toBeLessThanOrEqual(50_000);
    }
    // One that has none is a call of the session's like others.
    const { frontend: patient } = open(await start(), wire, { invokeTimeoutMs: 0 });
    expect(
      await createRpcClient({ transport: rpcOverIpc(patient) })
        .client(Clock)
        .left(),
    ).toBeNull();
  });

  it('a state listener that throws or makes a call disturbs neither other listeners nor the next session', async () => {
    const app = await start();
    const { frontend, target, states } = open(app, wire, { reconnectMs: [5, 20] });
    const own = console.error;
    const told: unknown[] = [];
    console.error = (error: unknown) => void told.push(error);
    try {
      let early: Promise<unknown> | undefined;
      const stop = frontend.onStateChange(() => {
        throw new Error('a listener');
      });
      frontend.onStateChange((state) => {
        if (state === 'connecting') early ??= target.echo('early').catch((error: unknown) => error);
      });
      await frontend.ready;
      const under = failureOf(target.hold());
      (await until(() => app.host.sessions[0])).close(3000, 'enough');
      // Running calls are over. Later calls go to the next session, if one can begin.
      expect((await under).name).toBe('IpcClosedError');
      if (wire === 'port') await until(() => states.includes('closed 3000'));
      else {
        await until(() => early);
        expect(await early).toBe('early');
        expect(states).toEqual(['open', 'connecting 3000', 'open']);
        expect(log).toEqual([['echo', 'early']]);
      }
      expect(told).toContainEqual(new Error('a listener'));
      stop();
    } finally {
      console.error = own;
    }
  });
});

describe('a call that waits for the calls before it', () => {
  it.each(['durable', 'port'] as const)(
    'does not run if it is cancelled while it waits (wire "%s")',
    async (wire) => {
      const { frontend } = open(await start(), wire);
      await frontend.ready;
      const run = (name: string, signal?: AbortSignal) =>
        frontend.makeIpcProxy<{ run(name: string): unknown }>('one-by-one', { signal }).run(name);
      const leaving = new AbortController();
      const first = run('held');
      const second = failureOf(run('second', leaving.signal));
      const third = run('third');
      await until(() => log.length > 0);
      leaving.abort(new Error('left'));
      expect((await second).message).toBe('left');
      // The cancellation has arrived before what was sent behind it.
      await frontend.callIpcChannel('target', 'echo', 'behind');
      letGo();
      expect(await first).toBe('held');
      expect(await third).toBe('third');
      expect(log).toEqual([
        ['run', 'held'],
        ['echo', 'behind'],
        ['run', 'third'],
      ]);
    },
  );
});

describe('a session with an unlimited time', () => {
  it('is not closed while a page is busy, if heartbeatMs is 0', async () => {
    const app = await start({ heartbeatMs: 0 });
    const { frontend, target, states } = open(app, 'durable', { heartbeatMs: 0, reconnectMs: [1, 5] });
    await frontend.ready;
    // A page that is busy.
    const free = performance.now() + 50;
    while (performance.now() < free);
    for (let i = 0; i < 20; i++) expect(await target.echo(i)).toBe(i);
    expect(states).toEqual(['open']);
  });

  it.each([30 * 24 * 3600e3, Infinity])(
    'is resumed again and again, if resumeGraceMs is %d',
    async (resumeGraceMs) => {
      const app = await start({ resumeGraceMs });
      const proxy = await new FaultProxy(app.port).listen();
      const connect = webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`);
      const frontend = new IpcFrontend(connect, { reconnectMs: [5, 20] });
      try {
        const states: string[] = [];
        frontend.onStateChange((state) => states.push(state));
        await frontend.ready;
        const held = frontend.callIpcChannel('target', 'hold');
        for (let i = 1; i <= 3; i++) {
          proxy.cut();
          await until(() => states.filter((state) => state === 'open').length > i);
        }
        letGo();
        expect(await held).toBe('held');
        expect(states).toEqual('open interrupted open interrupted open interrupted open'.split(' '));
      } finally {
        frontend.close();
        proxy.close();
      }
    },
  );
});
