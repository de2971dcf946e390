import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { MessageType, RawFrontend } from './raw.frontend.js';
import { BareFrontend, Opcode } from './raw.frontend.socket.js';
import type { WebSocketFrame } from './raw.frontend.socket.js';

const full = { status: 503, body: 'The server has as many sessions as it can have.\n' };

/** Tries until it is let in. @returns after how many milliseconds */
async function letIn({ port }: IpcApp, withinMs: number): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const frontend = await RawFrontend.open(port).catch(() => undefined);
    const took = performance.now() - begun;
    if (frontend) {
      frontend.terminate();
      return took;
    }
    if (took > withinMs) throw new Error(`not let in within ${withinMs} ms`);
    await sleep(20);
  }
}

beforeEach(() => TestIpcHandler.reset());
afterEach(async () => {
  TestIpcHandler.reset();
  await closeApps();
});

describe('messages ahead of their turn', () => {
  const ahead = (frontend: RawFrontend, sequence: number, bytes: number) =>
    frontend.message({ type: MessageType.Send, channel: 'itwin.x', data: ['x'.repeat(bytes)], sequence });

  it('are no more than a megabyte, however large a message may be', async () => {
    const app = await startIpc();
    const frontend = await app.open();
    for (let sequence = 1; sequence <= 4; sequence++) ahead(frontend, sequence, 300_000);
    expect(await frontend.closed).toEqual({ code: 1002, reason: 'Message 0 is missing.' });
  });

  it('are delivered as soon as it is their turn, and are as many as is said', async () => {
    const app = await startIpc({ limits: { waitingBytes: 10_000 } });
    const heard: string[] = [];
    app.host.addListener('x', (_event, text: string) => heard.push(text));
    const frontend = await app.open();
    for (let round = 0; round < 5; round++) {
      const first = round * 3;
      for (const sequence of [first + 2, first + 1, first]) ahead(frontend, sequence, 4000);
    }
    await until(() => heard.length === 15);
    // One that is not ahead is not counted, whatever its size.
    ahead(frontend, 15, 50_000);
    await until(() => heard.length === 16);
    ahead(frontend, 17, 11_000);
    expect(await frontend.closed).toEqual({ code: 1002, reason: 'Message 16 is missing.' });
  });
});

describe('the place of a session', () => {
  it.each<[string, WebSocketFrame]>([
    ['the protocol of IPC', { opcode: Opcode.Text, payload: 'no message' }],
    ['that of WebSockets', { opcode: Opcode.Text, payload: 'x', masked: false }],
  ])('is held by a peer that violates %s, and does not let go, for two seconds', async (_what, frame) => {
    const app = await startIpc({ limits: { sessions: 1 } });
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    // It does not hang up because the other side does.
    bare.socket.allowHalfOpen = true;
    bare.frame(frame);
    await until(() => app.host.sessions.length === 0);
    for (let i = 0; i < 3; i++) expect(await RawFrontend.refusal(app.port)).toMatchObject(full);
    const took = await letIn(app, 3500);
    expect(took).toBeGreaterThan(1500);
    bare.destroy();
  });

  it('is held by calls that go on without it', async () => {
    const app = await startIpc({ limits: { sessions: 1 }, shutdownTimeoutMs: 10_000 });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    for (let round = 0; round < 5; round++) expect(await RawFrontend.refusal(app.port)).toMatchObject(full);
    TestIpcHandler.release();
    expect(await letIn(app, 500)).toBeLessThan(500);
  });

  it('is held by calls that never end no longer than they are waited for', async () => {
    const app = await startIpc({ limits: { sessions: 1 }, shutdownTimeoutMs: 300 });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    expect(await RawFrontend.refusal(app.port)).toMatchObject(full);
    expect(await letIn(app, 1000)).toBeGreaterThan(150);
  });
});

describe('the place of an upgrade', () => {
  it('is held by an authorization for as long as that takes, whoever waits for it', async () => {
    const authorizing: ((verdict: boolean) => void)[] = [];
    const authorize = () => new Promise<boolean>((resolve) => authorizing.push(resolve));
    const app = await startIpc({ authorize, limits: { upgrades: 2, upgradeMs: 100 } });
    const both = await Promise.all([RawFrontend.refusal(app.port), RawFrontend.refusal(app.port)]);
    for (const refused of both)
      expect(refused).toMatchObject({ status: 503, body: expect.stringContaining('takes too long') });
    for (let i = 0; i < 3; i++)
      expect(await RawFrontend.refusal(app.port)).toMatchObject({
        status: 503,
        body: 'Too many frontends are connecting at once.\n',
      });
    expect(authorizing).toHaveLength(2);
    for (const resolve of authorizing.splice(0)) resolve(true);
    const frontend = app.open();
    await until(() => authorizing.length === 1);
    authorizing[0]!(true);
    (await frontend).terminate();
    expect(app.log.find('error', '')).toEqual([]);
  });
});

describe('no heartbeat', () => {
  it('is what heartbeatMs: 0 means', async () => {
    const app = await startIpc({ heartbeatMs: 0 });
    const [frontend, session] = await app.pair();
    const silent = await BareFrontend.open(app.port);
    let pings = 0;
    frontend.socket.on('ping', () => pings++);
    await sleep(150);
    expect([pings, session.isOpen, app.host.sessions.length]).toEqual([0, true, 2]);
    silent.destroy();
  });
});
