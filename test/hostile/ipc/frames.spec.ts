import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../../harness/waiting.js';
import { end, letGo, log, nested, open, portOf, raw, start } from './attack.harness.js';
import type { Raw } from './attack.harness.js';

afterEach(end);

const DURABLE = ['itwin.ipc', 'linnet.ipc.1'];
/** Waits for the server hello. @returns the id of the session */
async function begun({ frames }: Raw): Promise<string> {
  const [, sessionId] = JSON.parse(await until(() => frames[0])) as [number, string];
  return sessionId;
}

describe('a client hello', () => {
  it.each<[string, string, number]>([
    ['of megabytes', `[9,"${'x'.repeat(4 * 1024 * 1024)}","k",0]`, 1009],
    ['that is a little too long', `[9,"${'x'.repeat(4096)}","k",0]`, 1009],
    ['of many lists', `[9,${'[],'.repeat(1300)}[]]`, 1002],
    ['that is deeply nested', `[9,${'['.repeat(1000)}${']'.repeat(1000)}]`, 1007],
    ['for a session that does not exist', '[9,"s","k",0]', 4001],
    ['that is a server hello', '[10,"s","k",0,0]', 1002],
    ['that is a message', '[0,[2,1,"itwin.target","echo",["early"],"id"]]', 1002],
    ['that is not JSON', 'hello', 1007],
    ['with a member named __proto__', '[9,{"__proto__":1},"k",0]', 1007],
  ])('%s closes only its own connection', async (_, hello, code) => {
    const app = await start();
    const { frontend, target, states } = open(app, 'durable');
    await frontend.ready;
    const { closed } = await raw(app, DURABLE, hello);
    expect((await closed).code).toBe(code);
    expect(await target.echo('fine')).toBe('fine');
    expect(log).toEqual([['echo', 'fine']]);
    expect([states, app.host.sessions.length]).toEqual([['open'], 1]);
  });

  it.each<[string, unknown[]]>([
    ['of many lists', [9, ...Array.from({ length: 5000 }, () => [])]],
    ['of a long text', [9, 'x'.repeat(1_000_000), 'k', 0]],
    ['that is deeply nested', [9, nested(800)]],
    ['with bytes', [9, new Uint8Array(1_000_000)]],
    ['with shared memory', [9, new Uint8Array(new SharedArrayBuffer(8))]],
  ])('%s closes the message port that it came over', async (_, hello) => {
    const app = await start();
    const port = portOf(app);
    const frames: unknown[][] = [];
    port.on('message', (frame: unknown[]) => void frames.push(frame));
    port.postMessage(hello);
    const last = await until(() => frames.at(-1));
    expect(last[0]).toBe('close');
    expect([1002, 1007, 1009]).toContain(last[1]);
    expect(app.host.sessions).toHaveLength(0);
  });
});

describe('frames of the durable wire', () => {
  it('end the session if their text is longer than textLength, whatever their size in bytes', async () => {
    const app = await start({ limits: { textLength: 50_000 } });
    const lists = `[${'[],'.repeat(20_000)}[]]`;
    const text = `[0,[0,"itwin.heard",["${'x'.repeat(50_000)}"]]]`;
    const block = Buffer.from(`[0,[0,"itwin.heard",${lists}]]`);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(1, 0);
    head.writeUInt32LE(block.length, 4);
    for (const frame of [`[0,[0,"itwin.heard",${lists}]]`, text, Buffer.concat([head, block])]) {
      const peer = await raw(app, DURABLE, '[9]');
      await begun(peer);
      peer.socket.send(frame);
      expect((await peer.closed).code).toBe(1009);
    }
    expect(log).toEqual([]);
  });

  it('with a hundred thousand probes get only a few answers', async () => {
    const app = await start();
    const peer = await raw(app, DURABLE, '[9]');
    await begun(peer);
    const probes = Array.from({ length: 100_000 }, () => '[12]').join();
    peer.frames.length = 0;
    peer.socket.send(`[0,${probes}]`);
    peer.socket.send('[0,[2,1,"itwin.target","echo",["behind"],"id"]]');
    await until(() => peer.frames.some((frame) => frame.includes('behind')));
    const answers = peer.frames.join().match(/\[8,\d+\]/g) ?? [];
    expect(answers.length).toBeGreaterThanOrEqual(1);
    expect(answers.length).toBeLessThanOrEqual(3);
  });

  it('with a flood of calls disturb no other session', async () => {
    const app = await start({ limits: { pendingCalls: 50, queuedBytes: 0 } });
    const { frontend, target, states } = open(app, 'durable');
    await frontend.ready;
    const peer = await raw(app, DURABLE, '[9]');
    await begun(peer);
    const calls = Array.from({ length: 5000 }, (_, i) => `[2,${i + 1},"itwin.target","hold",[],"id"]`);
    peer.socket.send(`[0,${calls.join()}]`);
    await until(() => peer.frames.join().split('more bytes than there is space for').length > 4900);
    expect(await target.echo('fine')).toBe('fine');
    letGo();
    await until(() => peer.frames.join().split('"held"').length === 51);
    expect(states).toEqual(['open']);
  });

  it('with too many arguments in a notification end only their own session', async () => {
    const app = await start();
    const { frontend, target, states } = open(app, 'durable');
    await frontend.ready;
    const args = JSON.stringify(Array.from({ length: 300 }, () => 0));
    const peer = await raw(app, DURABLE, '[9]');
    await begun(peer);
    peer.socket.send(`[0,[0,"itwin.heard",${args}]]`);
    expect((await peer.closed).code).toBe(1008);
    expect(await target.echo('fine')).toBe('fine');
    expect(states).toEqual(['open']);
  });
});

describe('the limit of sessions', () => {
  it.each([
    [['x-linnet.ipc.1']],
    [['linnet.ipc.10']],
    [['linnet.ipc.1x', 'itwin.ipc']],
    [['itwin.ipc', 'LINNET.IPC.1']],
    [['itwin.ipc']],
    [[]],
  ])('applies to a connection that offers the protocols %j', async (protocols: string[]) => {
    const app = await start({ limits: { sessions: 1 } });
    const { frontend } = open(app, 'durable');
    await frontend.ready;
    await expect(raw(app, protocols)).rejects.toThrow('503');
    expect(app.host.sessions).toHaveLength(1);
  });

  it('applies to the durable wire as well, except when a session is resumed', async () => {
    const app = await start({ limits: { sessions: 1 } });
    const first = await raw(app, DURABLE, '[9]');
    await begun(first);
    const second = await raw(app, DURABLE, '[9]');
    await second.closed;
    expect(app.host.sessions).toHaveLength(1);
    const [, id, secret] = JSON.parse(first.frames[0]!) as [number, string, string];
    first.socket.terminate();
    const again = await raw(app, DURABLE, `[9,"${id}","${secret}",0]`);
    expect(await begun(again)).toBe(id);
  });
});

describe('the messages kept for frontends that are away', () => {
  const MIB = 1024 * 1024;
  const keptBytes = 2 * MIB;

  it('are limited by keptBytes for all sessions together', async () => {
    const app = await start({ limits: { keptBytes } });
    const present = open(app, 'durable');
    await present.frontend.ready;
    const away: Raw[] = [];
    for (let i = 0; i < 10; i++) away.push(await raw(app, DURABLE, '[9]'));
    await Promise.all(away.map(begun));
    // Broken, not left: each may come back.
    for (const { socket } of away) socket.terminate();
    await Promise.all(away.map(({ closed }) => closed));
    // Two are there for as long as there is space; a hundred others would be as well.
    const closures: unknown[] = [];
    const parked = app.host.sessions.slice(1);
    expect(parked).toHaveLength(10);
    for (const session of parked) {
      void session.closed.then(({ code }) => closures.push(code));
      for (let k = 0; k < 8; k++) void session.send('news', 'x'.repeat(MIB / 8)).catch(() => undefined);
    }
    await until(() => closures.length >= 7);
    expect(new Set(closures)).toEqual(new Set([1013]));
    const open_ = app.host.sessions.length;
    expect(open_).toBeGreaterThanOrEqual(2);
    expect(open_).toBeLessThanOrEqual(4);
    // The other session has lost nothing.
    expect(await present.target.echo('fine')).toBe('fine');
    expect(present.states).toEqual(['open']);
  });

  it('end a session that leaves while there is no space, and free their space when a session ends', async () => {
    const app = await start({ limits: { keptBytes, bufferedBytes: 64 * MIB } });
    const peer = await raw(app, DURABLE, '[9]');
    await begun(peer);
    const session = app.host.sessions[0]!;
    for (let k = 0; k < 40; k++) void session.send('news', 'x'.repeat(MIB / 8)).catch(() => undefined);
    peer.socket.terminate();
    expect((await session.closed).code).toBe(1013);
    const next = await raw(app, DURABLE, '[9]');
    await begun(next);
    const waiting = app.host.sessions[0]!;
    next.socket.terminate();
    await next.closed;
    void waiting.send('news', 'x'.repeat(MIB / 8)).catch(() => undefined);
    const [, id, secret] = JSON.parse(next.frames[0]!) as [number, string, string];
    const back = await raw(app, DURABLE, `[9,"${id}","${secret}",0]`);
    expect(await begun(back)).toBe(id);
    await until(() => back.frames.join().includes('news'));
  });
});
