import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { IpcChannel } from '@linnet/backend';
import { IpcSession } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, endings, startIpc, TestIpcHandler } from './ipc.app.js';
import { until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { BareFrontend, frameBytes, Opcode } from './raw.frontend.socket.js';
import { stopwatch } from '../../harness/stopwatch.js';

const heartbeatMs = 400;
/** Milliseconds that timers may be late by. */
const LATE_MS = 300;
const options = { heartbeatMs, limits: { bufferedBytes: 64 * 1024 * 1024 } };
const MiB = 1024 * 1024;

const children: ChildProcess[] = [];
afterEach(async () => {
  TestIpcHandler.reset();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await closeApps();
});

/** A frontend in a process of its own, that answers pings for as long as it runs. */
async function processOf({ port, host }: IpcApp): Promise<ChildProcess> {
  const script = `
    import { WebSocket } from 'ws';
    const socket = new WebSocket('ws://127.0.0.1:${port}/ipc');
    socket.on('close', (code) => process.exit(code === 1006 ? 6 : 1));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  children.push(child);
  await until(() => host.sessions.length === 1, 10_000);
  return child;
}

describe('a session ends within two intervals', () => {
  it('of a frontend whose process is stopped, with a line in the log', async () => {
    const app = await startIpc(options);
    const child = await processOf(app);
    const [session] = app.host.sessions;
    const pending = session!.invoke('nobody');
    // An answer to every ping, for a while.
    await sleep(4 * heartbeatMs);
    expect(session!.isOpen).toBe(true);
    child.kill('SIGSTOP');
    const took = stopwatch();
    const closure = await session!.closed;
    expect(took()).toBeLessThan(2 * heartbeatMs + LATE_MS);
    expect(closure).toEqual({ code: 1006, reason: 'The frontend gave no sign of life.', initiator: 'local' });
    await expect(pending).rejects.toThrow('no sign of life');
    expect(endings(app.log)).toEqual([expect.stringContaining('no sign of life')]);
    child.kill('SIGCONT');
    await once(child, 'exit');
  });

  it.each([0, 1, 20])(
    'of a peer that takes nothing any more, with %i MiB on their way to it',
    async (size) => {
      const app = await startIpc(options);
      const bare = await BareFrontend.open(app.port);
      await until(() => app.host.sessions.length === 1);
      const [session] = app.host.sessions;
      bare.socket.pause();
      const took = stopwatch();
      const sent = session!.send('x', new Uint8Array(size * MiB));
      const closure = await session!.closed;
      expect(took()).toBeLessThan(2 * heartbeatMs + LATE_MS);
      expect(closure.code).toBe(1006);
      if (size === 20) await expect(sent).rejects.toThrow('no sign of life');
      bare.destroy();
    },
  );
});

/** Answers no ping: whatever keeps its session is something else. */
const mute = (app: IpcApp) => BareFrontend.open(app.port);
const intervals = 6;

describe('a session lives', () => {
  it('of a peer that only takes slowly what it asked for, all at once', async () => {
    // A turn may be late by more than two seconds, as on a busy machine; all of them take longer than two intervals.
    const app = await startIpc({ ...options, heartbeatMs: 3 * heartbeatMs });
    const bare = await mute(app);
    await until(() => app.host.sessions.length === 1);
    const [session] = app.host.sessions;
    void session!.send('x', new Uint8Array(60 * MiB)).catch(() => undefined);
    let allowed = 0;
    const { socket } = bare;
    socket.on('data', () => {
      if (socket.bytesRead >= allowed) socket.pause();
    });
    // In each turn as many bytes as the system tells of. Altogether so few that there are more than it takes by itself:
    // of a peer that has all that it asked for, answers to pings are expected.
    for (let turn = 0; turn < 12; turn++) {
      await sleep((3 * 3 * heartbeatMs) / 12);
      allowed = socket.bytesRead + 2 * MiB;
      socket.resume();
      await until(() => socket.bytesRead >= allowed || !session!.isOpen, 10_000);
      expect(session!.isOpen).toBe(true);
    }
    expect(session!.isOpen).toBe(true);
    bare.destroy();
  });

  it('of a peer that is busy sending, byte by byte', async () => {
    const app = await startIpc(options);
    const bare = await mute(app);
    await until(() => app.host.sessions.length === 1);
    const [session] = app.host.sessions;
    const message = JSON.stringify({
      type: 2,
      channel: CHANNEL,
      method: 'echo',
      data: [],
      request: 1,
      sequence: 0,
    });
    const bytes = frameBytes({ opcode: Opcode.Text, payload: JSON.stringify([message, 0]) });
    for (const byte of bytes) {
      bare.write(Uint8Array.of(byte));
      await sleep((intervals * heartbeatMs) / bytes.byteLength);
    }
    expect(session!.isOpen).toBe(true);
    await until(() => TestIpcHandler.calls === 1);
    bare.destroy();
  });

  it('whose server was busy itself for longer than two intervals', async () => {
    const app = await startIpc(options);
    const child = await processOf(app);
    const [session] = app.host.sessions;
    await sleep(2 * heartbeatMs);
    // Nothing of this process runs meanwhile, and the answer to the ping waits to be read.
    const isBusy = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2.5 * heartbeatMs);
    for (let i = 0; i < 2; i++) {
      // The second time between the moment at which the server wants to look and the one at which it does.
      const twice = new Promise<unknown>((resolve) => setTimeout(() => resolve(isBusy()), heartbeatMs));
      isBusy();
      await twice;
      await sleep(5);
    }
    await sleep(2 * heartbeatMs);
    expect(session!.isOpen).toBe(true);
    child.kill();
  });

  it('whose handlers take longer to be made', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Slow {}
    @IpcChannel('slow')
    class SlowHandler {
      constructor(
        readonly session: IpcSession,
        readonly slow: Slow,
      ) {}
      call() {
        return 'made';
      }
    }
    const made = {
      provide: Slow,
      scope: Scope.REQUEST,
      inject: [IpcSession],
      useFactory: () => sleep(intervals * heartbeatMs),
    };
    const app = await startIpc({ ...options, providers: [made, SlowHandler] });
    const frontend = await app.open();
    await expect(frontend.invoke('itwin.slow', 'call')).resolves.toEqual({ result: 'made' });
  });
});
