import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { pattern } from '../tables/fixture.js';
import { readable } from './compare.js';
import { IpcConformanceModule, slowCalls } from './fixture.js';
import { startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { settled } from '../../harness/waiting.js';
import { kinds, MessageType, RawFrontend } from '../../ipc/wire/raw.frontend.js';

const CONF_TEST = 'itwin.conf-test';
const { Send, Push, Invoke } = MessageType;

/** Promises about the channels of FIXTURE.md, section 3, that the vectors do not cover. */
describe('channels over the compatible wire', () => {
  let server: TestServer;
  let frontend: RawFrontend;
  let other: RawFrontend;
  beforeAll(async () => {
    server = await startServer(IpcConformanceModule, 'LinnetExpressAdapter');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    frontend = await RawFrontend.open(server.port);
    other = await RawFrontend.open(server.port);
  });
  afterEach(async () => {
    await Promise.all([frontend.close(), other.close()]);
  });
  const call = (method: string, ...args: unknown[]) => frontend.invoke(CONF_TEST, method, ...args);

  it.each([
    ['other', 'which', [], 'other'],
    ['conf-test', 'make', [3, 5], pattern(3, 5)],
    [
      'conf-test',
      'digest',
      [Uint8Array.of()],
      { length: 0, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    ],
    ['conf-test', 'echo', [], []],
    ['conf-test', 'echo', [1, null, 'x', [2]], [1, null, 'x', [2]]],
    ['conf-test', 'nothing', [], null],
  ])('answer %s.%s', async (channel, method, args, result) => {
    expect(await frontend.invoke(`itwin.${channel}`, method, ...args)).toStrictEqual({ result });
  });

  // FIXTURE.md has every method answered with nothing; a frontend that asks for a model is better told.
  it('answer the question of a frontend that starts, and no other function of its channel', async () => {
    const ipcApp = 'itwin.itwinjs-core/ipc-app';
    expect(await frontend.invoke(ipcApp, 'queryConcurrency', 'cpu')).toStrictEqual({});
    expect(await frontend.invoke(ipcApp, 'openFile', 'x.bim')).toMatchObject({
      error: { errorNumber: 65606 },
    });
  });

  it('treat an Invoke message without data as a call without arguments', async () => {
    frontend.message({ type: Invoke, channel: CONF_TEST, method: 'echo', request: 1 });
    expect((await frontend.nextMessage()).data).toEqual({ result: [] });
  });

  it('receive each kind of bytes in Send messages', async () => {
    await call('takeLog');
    const views = kinds.map((Kind) => new Kind(pattern(16, 3).buffer));
    frontend.send('conf-send', ...views, 'text');
    frontend.send('itwin.conf-app-send', 1, { a: 2 });
    expect(await call('takeLog')).toEqual({
      result: [
        [...(readable(views) as object[]), 'text'],
        ['app', 1, { a: 2 }],
      ],
    });
  });

  it('send each kind of bytes in Push messages', async () => {
    const views = kinds.map((Kind) => new Kind(pattern(24, 3).buffer));
    frontend.send('conf-send-push', ...views);
    const pushed = await frontend.nextMessage();
    expect(pushed).toMatchObject({ type: Push, channel: 'conf-send-push', sequence: 0 });
    expect(readable(pushed.data)).toEqual(readable(views));
  });

  it('have names that are compared exactly', async () => {
    for (const channel of ['conf-test', 'itwin.Conf-test', 'itwin.conf-test ', 'itwin.conf-raw', ''])
      expect(await frontend.invoke(channel, 'add', 1, 2)).toMatchObject({ error: { errorNumber: 65606 } });
  });

  it('answer calls in the order in which they end', async () => {
    frontend.message({ type: Invoke, channel: 'conf-raw-slow', method: 'slow', data: [60], request: 1 });
    frontend.message({ type: Invoke, channel: CONF_TEST, method: 'delay', data: [20, 'soon'], request: 2 });
    frontend.message({ type: Invoke, channel: CONF_TEST, method: 'add', data: [1, 1], request: 3 });
    const answers = [await frontend.nextMessage()];
    while (slowCalls.length > 0) {
      slowCalls.pop()!.end();
      answers.push(await frontend.nextMessage());
    }
    expect(answers.map(({ response, data, sequence }) => [response, data, sequence])).toEqual([
      [3, { result: 2 }, 0],
      [2, { result: 'soon' }, 1],
      [1, ['slow'], 2],
    ]);
  });

  it('send notifications to every frontend, and an answer only to the frontend that called', async () => {
    const [answer, foreign] = await Promise.all([
      call('push', 'all', 2, 4),
      other.invoke(CONF_TEST, 'one', 'mine'),
    ]);
    expect([answer, foreign]).toEqual([{}, { result: 'mine' }]);
    for (const each of [frontend, other]) {
      const pushes = await each.messages(2);
      expect(pushes.map(({ type, channel, data }) => [type, channel, data])).toEqual([
        [Push, 'itwin.all', [0]],
        [Push, 'itwin.all', [1, pattern(4, 1)]],
      ]);
    }
    // Its sequence has no gap where the other's answer is.
    expect(other.received).toHaveLength(4);
  });

  it('do not mix up frontends whose requests have equal numbers and whose bytes arrive interleaved', async () => {
    for (const [each, kind] of [
      [frontend, 0],
      [other, 3],
    ] as const) {
      const marker = { ipc: 'binary', type: kind, index: 0 };
      const message = {
        type: Invoke,
        channel: CONF_TEST,
        method: 'one',
        data: [marker],
        request: 1,
        sequence: 0,
      };
      each.sendText(JSON.stringify([JSON.stringify(message), 1]));
    }
    // Both have announced a part, and neither has sent it.
    await settled();
    other.sendBinary(Uint8Array.of(1, 2));
    frontend.sendBinary(Uint8Array.of(3, 4));
    expect(readable((await frontend.nextMessage()).data)).toEqual({
      result: { kind: 'Uint8Array', hex: '0304' },
    });
    expect(readable((await other.nextMessage()).data)).toEqual({
      result: { kind: 'Int16Array', hex: '0102' },
    });
  });

  it('call the frontend of the session, and no other', async () => {
    const answer = call('callFrontendProxy', 'fe', 'greet', 'you');
    const { channel, data } = await frontend.nextMessage();
    const [reply, ...args] = data as [string, ...unknown[]];
    expect([channel, args]).toEqual(['itwin.fe', ['greet', 'you']]);
    // It cannot answer for another.
    other.send(reply, { result: 'forged' });
    await other.invoke(CONF_TEST, 'none');
    frontend.send(reply, { result: 'hello' });
    expect(await answer).toEqual({ result: { ok: true, result: 'hello' } });
    // The first reply was it.
    frontend.send(reply, { result: 'again' });
    expect(await call('add', 1, 1)).toEqual({ result: 2 });
  });

  it.each([
    ['an error', { error: { message: 'm', errorNumber: 7 } }, { message: 'm', errorNumber: 7 }],
    ['a text', { error: 'text' }, 'text'],
    ['null', { error: null }, null],
  ])('report to the backend that a frontend has thrown %s', async (_name, reply, errorInfo) => {
    const answer = call('callFrontendProxy', 'fe', 'fail');
    const [channel] = (await frontend.nextMessage()).data as [string];
    frontend.message({ type: Send, channel, data: [reply] });
    expect(await answer).toEqual({ result: { ok: false, errorInfo } });
  });

  it.each([
    ['nothing at all', []],
    ['an absent value', [null]],
    ['a value', ['bare']],
  ])('treat %s as a reply without an envelope', async (_name, data) => {
    const answer = call('callFrontend', 'fe');
    const [channel] = (await frontend.nextMessage()).data as [string];
    frontend.message({ type: Send, channel, data });
    expect(await answer).toEqual({ result: data.length > 0 ? { reply: data[0] } : {} });
  });
});
