import { setImmediate as nextTurn } from 'node:timers/promises';
import { Global, Injectable, Module } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { IpcChannel } from '@linnet/backend';
import { IpcSession } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { holdTimersFrom, releaseTimers } from '../../harness/held.timers.js';
import { gate, settled, until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { MessageType, RawFrontend } from './raw.frontend.js';
import { BareFrontend, handshake, Opcode } from './raw.frontend.socket.js';

/** A shutdown that waits so long for calls exceeds the time of a test. */
const ENDLESS_MS = 600_000;
/** `ws` alone would wait 30 seconds for the answer to a close frame. */
const BEFORE_WS_MS = 20_000;

/** Begins to close an application. @returns its end, as soon as the server rejects new calls */
async function closing({ close }: IpcApp, frontend: RawFrontend) {
  let isClosed = false;
  const closed = close().then(() => void (isClosed = true));
  await until(async () => 'error' in ((await frontend.invoke(CHANNEL, 'echo')) as object));
  return { closed, isClosed: () => isClosed };
}

/** Closes an application with peers that do not answer. */
async function cutOff({ close }: IpcApp): Promise<void> {
  const begun = performance.now();
  await close();
  expect(performance.now() - begun).toBeLessThan(BEFORE_WS_MS);
}

/** Closes an application, and fails if the end waits for a timer. */
async function closeWithoutTimers({ close }: IpcApp): Promise<void> {
  holdTimersFrom(100);
  await close();
  releaseTimers();
}

const events: string[] = [];
beforeEach(() => {
  events.length = 0;
  TestIpcHandler.reset();
});
afterEach(async () => {
  jest.restoreAllMocks();
  releaseTimers();
  TestIpcHandler.reset();
  await closeApps();
});

describe('the shutdown of a server under load', () => {
  it('answers running calls, rejects new calls and new sessions, and then closes all sessions', async () => {
    const app = await startIpc({ shutdownTimeoutMs: ENDLESS_MS });
    const frontends = await Promise.all(Array.from({ length: 20 }, () => app.open()));
    const calls = frontends.flatMap((frontend) =>
      Array.from({ length: 10 }, (_, i) => frontend.invoke(CHANNEL, 'waitForRelease', i)),
    );
    await until(() => TestIpcHandler.waiting === 200);
    const { closed } = await closing(app, frontends[0]!);
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

  it('waits for calls that never end for shutdownTimeoutMs, and once', async () => {
    const app = await startIpc({ shutdownTimeoutMs: 300 });
    const [frontend, session] = await app.pair();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const begun = performance.now();
    await app.close();
    expect(performance.now() - begun).toBeGreaterThan(290);
    expect(timers.mock.calls.filter(([, ms]) => ms! > 100 && ms! <= 300)).toHaveLength(1);
    expect(await frontend.closed).toMatchObject({ code: 1001 });
    expect(session.signal.aborted).toBe(true);
    expect(app.log.find('warn', '1 sessions still had calls running after 300 ms')).toHaveLength(1);
  });

  it('waits for a call whose frontend leaves meanwhile, and no longer', async () => {
    const app = await startIpc({ shutdownTimeoutMs: ENDLESS_MS });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    const { closed, isClosed } = await closing(app, frontend);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    await settled();
    expect(isClosed()).toBe(false);
    TestIpcHandler.release();
    await closed;
  });

  it('does not wait for 200 sessions without calls', async () => {
    const app = await startIpc({ shutdownTimeoutMs: ENDLESS_MS });
    const frontends = await Promise.all(Array.from({ length: 200 }, () => app.open()));
    await until(() => app.host.sessions.length === 200);
    await closeWithoutTimers(app);
    const codes = await Promise.all(frontends.map(async ({ closed }) => (await closed).code));
    expect(new Set(codes)).toEqual(new Set([1001]));
  });

  it('answers or rejects every call of 200 sessions that call all the time', async () => {
    const app = await startIpc({ shutdownTimeoutMs: ENDLESS_MS });
    const frontends = await Promise.all(Array.from({ length: 200 }, () => app.open()));
    let asked = 0;
    let answered = 0;
    const outcomes = new Set<string>();
    const calls = frontends.map(async (frontend) => {
      for (;;) {
        asked++;
        const answer = await frontend.invoke(CHANNEL, 'answerLater', 1, 'x').catch((error: Error) => error);
        if (answer instanceof Error) break;
        answered++;
        outcomes.add(JSON.stringify(answer).replace(/,"activityId.*/, ''));
      }
    });
    // All are in the midst of it.
    await until(() => answered > 400);
    await Promise.all([...calls, app.close()]);
    // The last one of each has no answer: it was sent when the session was over.
    expect(asked - answered).toBe(200);
    expect([...outcomes].filter((outcome) => !/"result":"x"|shutting down/.test(outcome))).toEqual([]);
  });
});

describe('the shutdown of a server with peers that do not cooperate', () => {
  it('cuts a peer that never answers the close frame', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    const other = await app.open();
    await until(() => app.host.sessions.length === 2);
    await cutOff(app);
    expect(await bare.closed).toMatchObject({ code: 1001 });
    expect(await other.closed).toMatchObject({ code: 1001 });
  });

  it('cuts a peer whose session was ended before, and which has kept its connection', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    await until(() => app.host.sessions.length === 1);
    bare.text('no message');
    await until(() => app.host.sessions.length === 0);
    const half = await BareFrontend.open(app.port, { answersClose: false });
    await until(() => app.host.sessions.length === 1);
    half.frame({ opcode: Opcode.Text, payload: 'x', masked: false });
    await until(() => app.host.sessions.length === 0);
    await cutOff(app);
    await Promise.all([bare.closed, half.closed]);
  });

  it('is not disturbed by a peer that answers the close frame with invalid frames', async () => {
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
    await cutOff(app);
    for (const bare of bares) expect(await bare.closed).toMatchObject({ code: 1001 });
    expect(await frontend.closed).toMatchObject({ code: 1001 });
  });

  it('cuts a peer that does not read a large message', async () => {
    const app = await startIpc();
    const bare = await BareFrontend.open(app.port);
    bare.socket.pause();
    await until(() => app.host.sessions.length === 1);
    void app.host.sessions[0]!.send('test', new Uint8Array(12 * 1024 * 1024));
    await cutOff(app);
    bare.destroy();
  });

  it('refuses upgrades that still wait for authorization, without waiting for them', async () => {
    let asked = 0;
    const authorize = () => {
      asked++;
      return new Promise<boolean>(() => undefined);
    };
    const app = await startIpc({ authorize });
    const waiting = Array.from({ length: 10 }, () => RawFrontend.refusal(app.port));
    // One peer ends its half of the connection, and one destroys it.
    const gone = await BareFrontend.connect(app.port);
    gone.write(handshake(app.port));
    const cut = await BareFrontend.connect(app.port);
    cut.write(handshake(app.port));
    await until(() => asked === 12);
    gone.socket.end();
    cut.destroy();
    await closeWithoutTimers(app);
    for (const { status, body } of await Promise.all(waiting))
      expect([status, body]).toEqual([503, 'The server is shutting down.\n']);
  });
});

/** Stands for a provider at the root of an application. */
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

  static begun = 0;
  static held = gate();

  async call() {
    ScopedHandler.begun++;
    await ScopedHandler.held.opened;
    events.push('call done');
  }

  async onModuleDestroy() {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
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

describe('handlers of a session', () => {
  it('are destroyed at shutdown after their calls, and before the providers of the root', async () => {
    const app = await startIpc({
      shutdownTimeoutMs: ENDLESS_MS,
      imports: [DatabaseModule],
      providers: [ScopedHandler],
    });
    const frontends = [await app.open(), await app.open()];
    const calls = frontends.map((frontend) => frontend.invoke('itwin.scoped', 'call'));
    await until(() => ScopedHandler.begun === 2);
    const { closed } = await closing(app, frontends[0]!);
    await settled();
    expect(events).toEqual([]);
    ScopedHandler.held.open();
    await closed;
    expect(await Promise.all(calls)).toEqual([{}, {}]);
    expect(events).toEqual([
      'call done',
      'call done',
      'handler destroyed',
      'handler destroyed',
      'database closed',
    ]);
  });

  it('are destroyed at shutdown also when their session has ended and one of its calls never ends', async () => {
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
    await app.close();
    expect(events).toEqual(['handler destroyed', 'database closed']);
  });

  it('do not delay a shutdown beyond shutdownTimeoutMs while they are being created', async () => {
    const never = {
      provide: NeverThere,
      inject: [IpcSession],
      useFactory: () => new Promise(() => undefined),
    };
    const app = await startIpc({ shutdownTimeoutMs: 200, providers: [never, NeverHandler] });
    const frontend = await app.open();
    frontend.message({ type: MessageType.Invoke, channel: 'itwin.never', method: 'call', request: 1 });
    await until(() => app.host.sessions.length === 1);
    await app.close();
    expect(await frontend.closed).toMatchObject({ code: 1001 });
  });
});
