import { setTimeout as sleep } from 'node:timers/promises';
import { Global, Injectable, Module } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcChannel } from '@linnet/backend';
import { IpcSession } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { MessageType, RawFrontend } from './raw.frontend.js';
import { BareFrontend, handshake, Opcode } from './raw.frontend.socket.js';
import { stopwatch } from '../../harness/stopwatch.js';

/** How long a peer has to answer a close frame. */
const PATIENCE_MS = 2000;

/** Ends an application; fails when it takes longer. */
async function ends({ close }: IpcApp, withinMs: number): Promise<number> {
  const begun = performance.now();
  const took = stopwatch();
  await close();
  expect(took()).toBeLessThan(withinMs);
  return performance.now() - begun;
}

const events: string[] = [];
beforeEach(() => {
  events.length = 0;
  TestIpcHandler.reset();
});
afterEach(async () => {
  TestIpcHandler.reset();
  await closeApps();
});

describe('under load', () => {
  it('calls in flight are answered, new ones and new sessions are refused, and all are told to go', async () => {
    const app = await startIpc({ shutdownTimeoutMs: 5000 });
    const frontends = await Promise.all(Array.from({ length: 20 }, () => app.open()));
    const calls = frontends.flatMap((frontend) =>
      Array.from({ length: 10 }, (_, i) => frontend.invoke(CHANNEL, 'waitForRelease', i)),
    );
    await until(() => TestIpcHandler.waiting === 200);
    const closed = ends(app, 1500);
    await sleep(20);
    expect(await RawFrontend.refusal(app.port)).toMatchObject({
      status: 503,
      body: 'The server is shutting down.\n',
    });
    await expect(frontends[0]!.invoke(CHANNEL, 'echo', 'late')).resolves.toMatchObject({
      error: { message: 'The server is shutting down.' },
    });
    TestIpcHandler.release();
    expect(await Promise.all(calls)).toEqual(
      frontends.flatMap(() => Array.from({ length: 10 }, (_, i) => ({ result: i }))),
    );
    await closed;
    const ended = await Promise.all(frontends.map((frontend) => frontend.closed));
    expect(new Set(ended.map(({ code, reason }) => `${code} ${reason}`))).toEqual(
      new Set(['1001 The server is shutting down.']),
    );
    await expect(RawFrontend.open(app.port)).rejects.toThrow('ECONNREFUSED');
  });

  it('calls that never end are waited for no longer than is said, and once', async () => {
    const app = await startIpc({ shutdownTimeoutMs: 300 });
    const [frontend, session] = await app.pair();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    expect(await ends(app, 550)).toBeGreaterThan(290);
    expect(await frontend.closed).toMatchObject({ code: 1001 });
    expect(session.signal.aborted).toBe(true);
    expect(app.log.find('warn', '1 sessions still had calls running after 300 ms')).toHaveLength(1);
  });

  it('a call whose frontend leaves meanwhile is waited for, and no longer', async () => {
    const app = await startIpc({ shutdownTimeoutMs: 3000 });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    const closed = ends(app, 1000);
    await sleep(50);
    frontend.terminate();
    await sleep(50);
    TestIpcHandler.release();
    await closed;
  });

  it('200 sessions that do nothing are no reason to wait', async () => {
    const app = await startIpc();
    const frontends = await Promise.all(Array.from({ length: 200 }, () => app.open()));
    await until(() => app.host.sessions.length === 200);
    await ends(app, 1000);
    const codes = await Promise.all(frontends.map(async ({ closed }) => (await closed).code));
    expect(new Set(codes)).toEqual(new Set([1001]));
  });

  it('200 sessions that call all the time have every call answered or refused', async () => {
    const app = await startIpc({ shutdownTimeoutMs: 2000 });
    const frontends = await Promise.all(Array.from({ length: 200 }, () => app.open()));
    let asked = 0;
    let answered = 0;
    const outcomes = new Set<string>();
    const calls = frontends.map(async (frontend) => {
      for (;;) {
        asked++;
        const answer = await frontend.invoke(CHANNEL, 'wait', 1, 'x').catch((error: Error) => error);
        if (answer instanceof Error) break;
        answered++;
        outcomes.add(JSON.stringify(answer).replace(/,"activityId.*/, ''));
      }
    });
    // All are in the midst of it.
    await until(() => answered > 400, 10_000);
    const closed = ends(app, 2500);
    await Promise.all([...calls, closed]);
    // The last one of each has no answer: it was sent when the session was over.
    expect(asked - answered).toBe(200);
    expect([...outcomes].filter((outcome) => !/"result":"x"|shutting down/.test(outcome))).toEqual([]);
  });
});

describe('a peer that does not go along', () => {
  it('that never answers the close frame is cut', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    const other = await app.open();
    await until(() => app.host.sessions.length === 2);
    await ends(app, PATIENCE_MS + 500);
    expect(await bare.closed).toMatchObject({ code: 1001 });
    expect(await other.closed).toMatchObject({ code: 1001 });
  });

  it('that was told to go before, and stayed, is cut', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    await until(() => app.host.sessions.length === 1);
    bare.text('no message');
    await until(() => app.host.sessions.length === 0);
    const half = await BareFrontend.open(app.port, { answersClose: false });
    await until(() => app.host.sessions.length === 1);
    half.frame({ opcode: Opcode.Text, payload: 'x', masked: false });
    await until(() => app.host.sessions.length === 0);
    await ends(app, PATIENCE_MS + 500);
    await Promise.all([bare.closed, half.closed]);
  });

  it('that says what it must not while it is told to go harms nobody', async () => {
    const app = await startIpc();
    const bares = await Promise.all(
      [
        { opcode: Opcode.Text, payload: 'x', masked: false },
        { opcode: Opcode.Text, payload: Buffer.of(0xff) },
        { opcode: 3 },
        { opcode: Opcode.Text, reserved: 7 },
        { opcode: Opcode.Close, payload: Buffer.of(0) },
      ].map(async (frame) => {
        const bare = await BareFrontend.open(app.port, { answersClose: false });
        void bare.next(10_000).then(() => bare.frame(frame));
        return bare;
      }),
    );
    const frontend = await app.open();
    await until(() => app.host.sessions.length === 6);
    await ends(app, PATIENCE_MS + 500);
    for (const bare of bares) expect(await bare.closed).toMatchObject({ code: 1001 });
    expect(await frontend.closed).toMatchObject({ code: 1001 });
  });

  it('that takes nothing of what it asked for is cut', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port);
    bare.socket.pause();
    await until(() => app.host.sessions.length === 1);
    void app.host.sessions[0]!.send('test', new Uint8Array(12 * 1024 * 1024));
    await ends(app, PATIENCE_MS + 500);
    bare.destroy();
  });

  it('that still waits to be let in is refused', async () => {
    let asked = 0;
    const authorize = () => {
      asked++;
      return new Promise<boolean>(() => undefined);
    };
    const app = await startIpc({ authorize });
    const waiting = Array.from({ length: 10 }, () => RawFrontend.refusal(app.port));
    // One that has been let go by its other end, and one that was cut off.
    const gone = await BareFrontend.connect(app.port);
    gone.write(handshake(app.port));
    const cut = await BareFrontend.connect(app.port);
    cut.write(handshake(app.port));
    await until(() => asked === 12);
    gone.socket.end();
    cut.destroy();
    await ends(app, 1000);
    for (const { status, body } of await Promise.all(waiting))
      expect([status, body]).toEqual([503, 'The server is shutting down.\n']);
  });
});

/** Stands for what applications have at their root: a database. */
@Injectable()
class Database implements OnModuleDestroy {
  onModuleDestroy() {
    events.push('database closed');
  }
}

@Global()
@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

@IpcChannel('scoped')
class ScopedHandler implements OnModuleDestroy {
  constructor(
    readonly session: IpcSession,
    readonly database: Database,
  ) {}

  async call() {
    await sleep(100);
    events.push('call done');
  }

  async onModuleDestroy() {
    await sleep(10);
    events.push(this.session.isOpen ? 'destroyed too early' : 'handler destroyed');
  }
}

class NeverThere {}

@IpcChannel('never')
class NeverHandler {
  constructor(
    readonly session: IpcSession,
    readonly never: NeverThere,
  ) {}
  call() {}
}

describe("a session's own handlers", () => {
  it("are destroyed before the root's providers, when their calls are done", async () => {
    const app = await startIpc({
      shutdownTimeoutMs: 3000,
      imports: [DatabaseModule],
      providers: [ScopedHandler],
    });
    const frontends = [await app.open(), await app.open()];
    const calls = frontends.map((frontend) => frontend.invoke('itwin.scoped', 'call'));
    await sleep(30);
    await ends(app, 1500);
    expect(await Promise.all(calls)).toEqual([{}, {}]);
    expect(events).toEqual([
      'call done',
      'call done',
      'handler destroyed',
      'handler destroyed',
      'database closed',
    ]);
  });

  it('are destroyed also when a call never ends, and its session was over before', async () => {
    const app = await startIpc({
      shutdownTimeoutMs: 200,
      imports: [DatabaseModule],
      providers: [ScopedHandler],
    });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    await ends(app, 600);
    expect(events).toEqual(['handler destroyed', 'database closed']);
  });

  it('that are still being made are not waited for without end', async () => {
    const never = {
      provide: NeverThere,
      inject: [IpcSession],
      useFactory: () => new Promise(() => undefined),
    };
    const app = await startIpc({ shutdownTimeoutMs: 200, providers: [never, NeverHandler] });
    const frontend = await app.open();
    frontend.message({ type: MessageType.Invoke, channel: 'itwin.never', method: 'call', request: 1 });
    await until(() => app.host.sessions.length === 1);
    await ends(app, 1000);
    expect(await frontend.closed).toMatchObject({ code: 1001 });
  });
});
