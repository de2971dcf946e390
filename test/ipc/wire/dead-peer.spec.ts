import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { IpcChannel } from '@linnet/backend';
import { IpcSession } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, endings, startIpc, TestIpcHandler } from './ipc.app.js';
import { gate, until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { BareFrontend, frameBytes, Opcode } from './raw.frontend.socket.js';

const heartbeatMs = 400;
const options = { heartbeatMs, limits: { bufferedBytes: 64 * 1024 * 1024 } };
const MiB = 1024 * 1024;

const children: ChildProcess[] = [];
afterEach(async () => {
  TestIpcHandler.reset();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await closeApps();
});

/** Counts events, and waits for further ones. */
class Counter {
  count = 0;
  readonly add = () => void this.count++;

  /** Resolves after so many further events. */
  async further(count: number): Promise<void> {
    const end = this.count + count;
    await until(() => this.count >= end);
  }
}

/** A frontend in a process of its own, which answers pings for as long as it runs, and reports each. */
async function processOf({ port, host }: IpcApp): Promise<{ child: ChildProcess; pings: Counter }> {
  const script = `
    import { WebSocket } from 'ws';
    const socket = new WebSocket('ws://127.0.0.1:${port}/ipc');
    socket.on('ping', () => process.send('ping'));
    socket.on('close', (code) => process.exit(code === 1006 ? 6 : 1));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  const pings = new Counter();
  child.on('message', pings.add);
  await until(() => host.sessions.length === 1);
  return { child, pings };
}

/** Counts the intervals of a server: the pings that a frontend beside the tested one receives. */
async function intervalsOf(app: IpcApp): Promise<Counter> {
  const beside = await app.open();
  const intervals = new Counter();
  beside.socket.on('ping', intervals.add);
  return intervals;
}

describe('a session ends within two intervals of the heartbeat', () => {
  it('when the process of its frontend is stopped, with one warning in the log', async () => {
    const app = await startIpc(options);
    const { child, pings } = await processOf(app);
    const [session] = app.host.sessions;
    const pending = session!.invoke('nobody');
    const intervals = await intervalsOf(app);
    // An answer to every ping, for a while.
    await pings.further(4);
    await intervals.further(1);
    expect(session!.isOpen).toBe(true);
    child.kill('SIGSTOP');
    const { count } = intervals;
    const closure = await session!.closed;
    // The second ping was sent, and has not arrived.
    expect(intervals.count - count).toBeLessThanOrEqual(1);
    expect(closure).toEqual({ code: 1006, reason: 'The frontend gave no sign of life.', initiator: 'local' });
    await expect(pending).rejects.toThrow('no sign of life');
    expect(endings(app.log)).toEqual([expect.stringContaining('no sign of life')]);
    child.kill('SIGCONT');
    await once(child, 'exit');
  });

  it.each([0, 1, 20])('when its peer stops reading, with %i MiB on their way to it', async (size) => {
    const app = await startIpc(options);
    const [frontend, session] = await app.pair();
    const intervals = await intervalsOf(app);
    await intervals.further(2);
    frontend.socket.pause();
    const { count } = intervals;
    const sent = session.send('x', new Uint8Array(size * MiB));
    const closure = await session.closed;
    expect(intervals.count - count).toBeLessThanOrEqual(1);
    expect(closure.code).toBe(1006);
    if (size === 20) await expect(sent).rejects.toThrow('no sign of life');
    frontend.terminate();
  });
});

/** Answers no ping: something else keeps its session. */
const mute = (app: IpcApp) => BareFrontend.open(app.port);

describe('a session stays open', () => {
  it('while its peer slowly reads a large message, but answers no ping', async () => {
    // Long enough to take bytes in each interval on a busy machine.
    const app = await startIpc({ ...options, heartbeatMs: 3 * heartbeatMs });
    const bare = await mute(app);
    await until(() => app.host.sessions.length === 1);
    const [session] = app.host.sessions;
    const intervals = await intervalsOf(app);
    void session!.send('x', new Uint8Array(60 * MiB)).catch(() => undefined);
    let allowed = 0;
    const { socket } = bare;
    socket.on('data', () => {
      if (socket.bytesRead >= allowed) socket.pause();
    });
    // Once in each interval as many bytes as the system reports. They are so few that more bytes wait all the time:
    // a peer that has all its bytes has to answer pings.
    for (let turn = 0; turn < 4; turn++) {
      await intervals.further(1);
      allowed = socket.bytesRead + 2 * MiB;
      socket.resume();
      await until(() => socket.bytesRead >= allowed || !session!.isOpen);
      expect(session!.isOpen).toBe(true);
    }
    await intervals.further(1);
    expect(session!.isOpen).toBe(true);
    bare.destroy();
  });

  it('while its peer sends a message byte by byte, but answers no ping', async () => {
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
    const intervals = await intervalsOf(app);
    const inInterval = Math.ceil(bytes.byteLength / 6);
    for (const [i, byte] of bytes.entries()) {
      if (i % inInterval === 0) await intervals.further(1);
      bare.write(Uint8Array.of(byte));
      await nextTurn();
    }
    expect(session!.isOpen).toBe(true);
    await until(() => TestIpcHandler.calls === 1);
    bare.destroy();
  });

  it('when its server was busy for longer than two intervals', async () => {
    const app = await startIpc(options);
    const { child, pings } = await processOf(app);
    const [session] = app.host.sessions;
    await pings.further(2);
    // Sleeps: nothing of this process runs meanwhile, and the answer to the ping waits to be read.
    const isBusy = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2.5 * heartbeatMs);
    for (let i = 0; i < 2; i++) {
      // The second time between the moment at which the server wants to look and the one at which it does.
      // Sleeps: this timer has to expire together with the one of the heartbeat.
      const twice = new Promise<unknown>((resolve) => setTimeout(() => resolve(isBusy()), heartbeatMs));
      isBusy();
      await twice;
      await pings.further(1);
    }
    await pings.further(2);
    expect(session!.isOpen).toBe(true);
    child.kill();
  });

  it('while the creation of its handlers takes longer than two intervals', async () => {
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
    const made = gate();
    const slow = { provide: Slow, scope: Scope.REQUEST, inject: [IpcSession], useFactory: () => made.opened };
    const app = await startIpc({ ...options, providers: [slow, SlowHandler] });
    const frontend = await app.open();
    const answer = frontend.invoke('itwin.slow', 'call');
    const intervals = await intervalsOf(app);
    await intervals.further(6);
    made.open();
    await expect(answer).resolves.toEqual({ result: 'made' });
  });
});
