import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { settled, until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { MessageType, RawFrontend } from './raw.frontend.js';
import { BareFrontend, Opcode } from './raw.frontend.socket.js';
import type { WebSocketFrame } from './raw.frontend.socket.js';

const full = { status: 503, body: 'The server has as many sessions as it can have.\n' };

/** Tries to connect until the server accepts it. */
async function accepted({ port }: IpcApp, withinMs?: number): Promise<void> {
  const frontend = await until(() => RawFrontend.open(port).catch(() => undefined), withinMs);
  frontend.terminate();
}

/** @returns a function that gives the milliseconds since now */
function clock(): () => number {
  const begun = performance.now();
  return () => performance.now() - begun;
}

beforeEach(() => TestIpcHandler.reset());
afterEach(async () => {
  TestIpcHandler.reset();
  await closeApps();
});

describe('messages that arrive before their turn', () => {
  const ahead = (frontend: RawFrontend, sequence: number, bytes: number) =>
    frontend.message({ type: MessageType.Send, channel: 'itwin.x', data: ['x'.repeat(bytes)], sequence });

  it('end their session above one megabyte, however large a message may be', async () => {
    const app = await startIpc();
    const frontend = await app.open();
    for (let sequence = 1; sequence <= 4; sequence++) ahead(frontend, sequence, 300_000);
    expect(await frontend.closed).toEqual({ code: 1002, reason: 'Message 0 is missing.' });
  });

  it('are delivered at their turn, and end their session above waitingBytes', async () => {
    const app = await startIpc({ limits: { waitingBytes: 10_000 } });
    const heard: string[] = [];
    app.host.addListener('x', (_event, text: string) => heard.push(text));
    const frontend = await app.open();
    for (let round = 0; round < 5; round++) {
      const first = round * 3;
      for (const sequence of [first + 2, first + 1, first]) ahead(frontend, sequence, 4000);
    }
    await until(() => heard.length === 15);
    // A message at its turn does not count, whatever its size.
    ahead(frontend, 15, 50_000);
    await until(() => heard.length === 16);
    ahead(frontend, 17, 11_000);
    expect(await frontend.closed).toEqual({ code: 1002, reason: 'Message 16 is missing.' });
  });
});

describe('the place of a session, one of limits.sessions', () => {
  it.each<[string, WebSocketFrame]>([
    ['the IPC protocol', { opcode: Opcode.Text, payload: 'no message' }],
    ['the WebSocket protocol', { opcode: Opcode.Text, payload: 'x', masked: false }],
  ])('is held for two seconds by a peer that violates %s and keeps its connection', async (_what, frame) => {
    const app = await startIpc({ limits: { sessions: 1 } });
    const bare = await BareFrontend.open(app.port, { answersClose: false });
    // It keeps its half of the connection when the server closes the other half.
    bare.socket.allowHalfOpen = true;
    const elapsed = clock();
    bare.frame(frame);
    await until(() => app.host.sessions.length === 0);
    for (let i = 0; i < 3; i++) expect(await RawFrontend.refusal(app.port)).toMatchObject(full);
    // Less than the 30 seconds that `ws` would wait.
    await accepted(app, 15_000);
    expect(elapsed()).toBeGreaterThan(1900);
    bare.destroy();
  });

  it('is held by calls that still run after the session has ended', async () => {
    const app = await startIpc({ limits: { sessions: 1 }, shutdownTimeoutMs: 600_000 });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    for (let round = 0; round < 5; round++) expect(await RawFrontend.refusal(app.port)).toMatchObject(full);
    TestIpcHandler.release();
    // Long before shutdownTimeoutMs is over.
    await accepted(app);
  });

  it('is held by calls that never end until shutdownTimeoutMs is over', async () => {
    const app = await startIpc({ limits: { sessions: 1 }, shutdownTimeoutMs: 300 });
    const frontend = await app.open();
    frontend.invoke(CHANNEL, 'waitForRelease').catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 1);
    const elapsed = clock();
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    await accepted(app);
    expect(elapsed()).toBeGreaterThan(290);
  });
});

describe('the place of an upgrade, one of limits.upgrades', () => {
  it('is held by an authorization until it ends, also after the upgrade was refused', async () => {
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

describe('heartbeatMs: 0', () => {
  it('sends no pings, and keeps a peer that gives no sign of life', async () => {
    const app = await startIpc({ heartbeatMs: 0 });
    const [frontend, session] = await app.pair();
    const silent = await BareFrontend.open(app.port);
    let pings = 0;
    frontend.socket.on('ping', () => pings++);
    await frontend.arrived();
    await settled();
    expect([pings, session.isOpen, app.host.sessions.length]).toEqual([0, true, 2]);
    silent.destroy();
  });
});
