import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { IpcClosedError } from '@linnet/frontend';
import type { IpcFrontend } from '@linnet/frontend';
import { FrontendModule, gates } from './frontend.fixture.js';
import type { ChannelsHandler } from './frontend.fixture.js';
import { frontendWays } from './frontend.ways.js';
import { startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { gate, until } from '../../harness/waiting.js';

/** Promises about channels, whatever connects a frontend. */
describe.each(frontendWays)('channels over $name', ({ adapter, open }) => {
  let server: TestServer;
  let frontend: IpcFrontend;
  let other: IpcFrontend;
  let channels: Record<keyof ChannelsHandler, (...args: unknown[]) => Promise<any>>;
  beforeAll(async () => {
    server = await startServer(FrontendModule, adapter);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    [frontend, other] = [await open(server), await open(server)];
    await Promise.all([frontend.ready, other.ready]);
    channels = frontend.makeIpcProxy<any>('channels') as typeof channels;
  });
  afterEach(() => {
    frontend.close();
    other.close();
    // No call of a test waits longer than the test.
    for (const each of gates.values()) each.open();
    gates.clear();
  });
  const gateOf = (name: string) => {
    const made = gate();
    gates.set(name, made);
    return made;
  };

  it('have names that are compared exactly', async () => {
    expect(await channels.which()).toBe('channels');
    expect(await frontend.callIpcChannel('other', 'which')).toBe('other');
    for (const name of ['Other', 'other ', 'itwin.other', ''])
      await expect(frontend.callIpcChannel(name, 'which')).rejects.toMatchObject({ errorNumber: 65606 });
    for (const method of ['onModuleInit', 'constructor', 'toString', 'host', ''])
      await expect(frontend.callIpcChannel('channels', method)).rejects.toBeInstanceOf(Error);
  });

  it('return plain results if they have no envelope', async () => {
    expect(await frontend.invoke('bare', 'method', 1, Int8Array.of(-1))).toEqual([
      'method',
      1,
      Int8Array.of(-1),
    ]);
  });

  it('answer calls in the order in which they end', async () => {
    const done: unknown[] = [];
    const note = (value: unknown) => done.push(value);
    const [first, second] = [gateOf('first'), gateOf('second')];
    const last = channels.later('first', 'slow').then(note);
    const before = channels.later('second', Uint8Array.of(1)).then(note);
    await channels.which().then(note);
    second.open();
    await before;
    first.open();
    await last;
    expect(done).toEqual(['channels', Uint8Array.of(1), 'slow']);
    const all = Array.from({ length: 200 }, (_, i) => i);
    const together = gateOf('together');
    const answers = all.map((i) => channels.later('together', [i, Uint8Array.of(i)]));
    // This call is handled after the others, so that all of them wait for the gate.
    await channels.which();
    together.open();
    expect(await Promise.all(answers)).toEqual(all.map((i) => [i, Uint8Array.of(i)]));
  });

  it('receive messages in the order of sending, with and without bytes', async () => {
    const sent = Array.from({ length: 50 }, (_, i) => (i % 3 > 0 ? [i] : [i, Float64Array.of(i / 2)]));
    for (const args of sent) frontend.send('heard', ...args);
    expect(await channels.heard()).toEqual(sent);
  });

  it('notify every frontend, or one, in the order of sending', async () => {
    const told: Record<string, unknown[][]> = { frontend: [], other: [] };
    frontend.addListener('news', (_event, ...args) => told['frontend']!.push(args));
    const stop = other.addListener('news', (_event, ...args) => told['other']!.push(args));
    await channels.notifyAll('news', 20);
    await channels.tell('news', 'mine');
    const all = Array.from({ length: 20 }, (_, i) => (i % 2 > 0 ? [i, Uint16Array.of(i)] : [i]));
    await until(() => told['frontend']!.length > 20 && told['other']!.length > 19);
    expect(told).toEqual({ frontend: [...all, ['mine']], other: all });
    stop();
    await channels.notifyAll('news', 1);
    await until(() => told['frontend']!.length > 21);
    // Notifications arrive before the answer.
    await other.callIpcChannel('other', 'which');
    expect(told['other']).toEqual(all);
  });

  it('call the frontend of the session, and no other', async () => {
    other.handle('page', () => 'the wrong one');
    const stop = frontend.handle('page', (value: unknown) => [value]);
    expect(await channels.ask('page', Int16Array.of(-7))).toEqual({ reply: [Int16Array.of(-7)] });
    stop();
    frontend.handle('page', (method: string, value: number) => {
      if (method === 'fail') throw new RangeError(`not ${value}`);
      return undefined;
    });
    expect(await channels.ask('page', 'nothing')).toEqual({ reply: null });
    expect(await channels.askMethod('page', 'fail', 7)).toEqual({ message: 'not 7' });
  });

  it('reject the waiting calls of a frontend that closes, and leave other frontends open', async () => {
    gateOf('never');
    const waiting = channels.later('never', 1);
    const settled = Promise.allSettled([waiting]);
    await channels.which();
    frontend.close();
    const [outcome] = await settled;
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(IpcClosedError);
    await expect(channels.which()).rejects.toBeInstanceOf(IpcClosedError);
    expect(await other.callIpcChannel('other', 'which')).toBe('other');
  });

  it('have session handlers that exist before the first message and are destroyed with the session', async () => {
    const ended = (await other.callIpcChannel('ended', 'count')) as number;
    expect(await frontend.callIpcChannel('mine', 'count')).toEqual([1, true]);
    expect(await frontend.callIpcChannel('mine', 'count')).toEqual([2, true]);
    expect(await other.callIpcChannel('mine', 'count')).toEqual([1, true]);
    frontend.close();
    await until(async () => (await other.callIpcChannel('ended', 'count')) !== ended);
    expect(await other.callIpcChannel('ended', 'count')).toBe(ended + 1);
    expect(await other.callIpcChannel('mine', 'count')).toEqual([2, true]);
  });
});
