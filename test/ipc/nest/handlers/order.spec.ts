import { setImmediate as nextTurn } from 'node:timers/promises';
import { UseGuards } from '@nestjs/common';
import { IpcChannel, IpcSession } from '@linnet/backend';
import { MessageType } from '../../wire/raw.frontend.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { settled, until } from '../../../harness/waiting.js';
import type { TestFrontend } from '../../../harness/ipc.harness.js';

let events: string[] = [];
/** Work that goes on until it is released, by name. */
let held = new Map<string, () => void>();

/** Takes so many turns of the event loop, or until it is released. Notes its begin and its end. */
async function work(name: string, turns: number | 'held'): Promise<string> {
  events.push(`+${name}`);
  if (turns === 'held') await new Promise<void>((resolve) => held.set(name, resolve));
  else for (let turn = 0; turn < turns; turn++) await nextTurn();
  events.push(`-${name}`);
  return name;
}

@IpcChannel('together')
class TogetherHandler {
  work(name: string, turns: number | 'held' = 1) {
    return work(name, turns);
  }
}

@IpcChannel('queued', { sequential: true })
class QueuedHandler {
  work(name: string, turns: number | 'held' = 1) {
    return work(name, turns);
  }
  async fail(name: string) {
    await work(name, 1);
    throw new Error(name);
  }
  @UseGuards({ canActivate: async () => (await nextTurn(), true) })
  guarded(name: string) {
    return work(name, 1);
  }
}

/** One for each session. */
@IpcChannel('noting')
class NotingHandler {
  constructor(session: IpcSession) {
    session.addListener('note', (_event, name: string) => events.push(name));
  }
  async first(name: string) {
    events.push(name);
  }
  async second(name: string) {
    events.push(name);
  }
}

@IpcChannel('queued-too', { sequential: true })
class OtherQueuedHandler {
  constructor(readonly session: IpcSession) {}
  work(name: string, turns: number | 'held' = 1) {
    return work(name, turns);
  }
}

const start = () =>
  startIpcApp({ providers: [TogetherHandler, QueuedHandler, OtherQueuedHandler, NotingHandler] });
const names = (count: number) => Array.from({ length: count }, (_, i) => String(i));
const invoke = ({ raw }: TestFrontend, sequence: number, ...data: unknown[]) =>
  raw.message({
    type: MessageType.Invoke,
    channel: 'itwin.together',
    method: 'work',
    data,
    request: sequence + 1,
    sequence,
  });

beforeEach(() => {
  events = [];
  held = new Map();
});
afterEach(closeIpcApps);

describe('calls of a session', () => {
  it('start in the order of their numbers, also if text follows bytes', async () => {
    const { connect } = await start();
    const frontend = await connect();
    const answers = [
      frontend.ask('together.work', 'bytes', 'held', new Uint8Array(200_000)),
      frontend.ask('together.work', 'text', 'held'),
      frontend.ask('together.work', 'more bytes', 'held', Uint8Array.of(1)),
      frontend.ask('together.work', 'more text', 'held'),
    ];
    await until(() => held.size === 4);
    for (const release of held.values()) release();
    await Promise.all(answers);
    expect(events.slice(0, 4)).toEqual(['+bytes', '+text', '+more bytes', '+more text']);
  });

  it('start once each and in the order of their numbers, in whatever order they arrive', async () => {
    const { connect } = await start();
    const frontend = await connect();
    for (const sequence of [2, 1, 4, 1, 0, 0, 3, 4]) invoke(frontend, sequence, String(sequence), 1);
    await frontend.raw.messages(5);
    expect(events.filter((event) => event.startsWith('+'))).toEqual(names(5).map((name) => `+${name}`));
  });

  it('start in one order with notifications between them, also the first call of a method', async () => {
    const { connect } = await start();
    const { raw } = await connect();
    const call = (method: string, name: string, sequence: number) =>
      raw.message({
        type: MessageType.Invoke,
        channel: 'itwin.noting',
        method,
        data: [name],
        request: sequence + 1,
        sequence,
      });
    const note = (name: string, sequence: number) =>
      raw.message({ type: MessageType.Send, channel: 'itwin.note', data: [name], sequence });
    call('first', 'a', 0);
    note('b', 1);
    call('second', 'c', 2);
    note('d', 3);
    call('first', 'e', 4);
    await until(() => events.length === 5);
    expect(events).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('run at the same time, and are answered in the order in which they finish', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    const order: string[] = [];
    const answers = ['a', 'b', 'c'].map((name) =>
      ask('together.work', name, 'held').then(({ result }) => order.push(result as string)),
    );
    await until(() => held.size === 3);
    expect(events).toEqual(['+a', '+b', '+c']);
    for (const name of ['c', 'a', 'b']) held.get(name)!();
    await Promise.all(answers);
    expect(order).toEqual(['c', 'a', 'b']);
  });

  it('are all answered if there are five hundred at once', async () => {
    const { connect } = await start();
    const frontends = await Promise.all([connect(), connect()]);
    const answers = await Promise.all(
      names(500).map((name, i) => frontends[i % 2]!.ask('together.work', name, (i * 7) % 10)),
    );
    expect(answers.map(({ result }) => result as string)).toEqual(names(500));
  });

  it('start in one order with notifications to listeners of the host', async () => {
    const { connect, host } = await start();
    const frontend = await connect();
    host.addListener('told', (_event, text: string) => void events.push(text));
    frontend.raw.send('itwin.told', 'a', new Uint8Array(100_000));
    const answer = frontend.ask('together.work', 'b', 'held');
    frontend.raw.send('itwin.told', 'c');
    await until(() => events.includes('c'));
    held.get('b')!();
    await answer;
    expect(events.slice(0, 3)).toEqual(['a', '+b', 'c']);
  });
});

describe('calls of a sequential channel', () => {
  it('run one after the other, in their order', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    const answers = await Promise.all(names(5).map((name, i) => ask('queued.work', name, 5 - i)));
    expect(answers.map(({ result }) => result as string)).toEqual(names(5));
    expect(events).toEqual(names(5).flatMap((name) => [`+${name}`, `-${name}`]));
  });

  it('run one after the other also with guards and failures', async () => {
    const { connect } = await start();
    const { ask, fail } = await connect();
    const answers = await Promise.all([
      fail('queued.fail', 'a'),
      ask('queued.guarded', 'b'),
      fail('queued.nothing'),
      ask('queued.work', 'c'),
    ]);
    expect(answers).toMatchObject([{ message: 'a' }, { result: 'b' }, {}, { result: 'c' }]);
    expect(events).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
  });

  it('run one after the other also if each session has its own handler', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    await Promise.all(names(3).map((name) => ask('queued-too.work', name)));
    expect(events).toEqual(names(3).flatMap((name) => [`+${name}`, `-${name}`]));
  });

  it.each([
    ['another session', 'queued'],
    ['another channel', 'queued-too'],
  ])('do not wait for calls of %s', async (what, channel) => {
    const { connect } = await start();
    const one = await connect();
    const other = what === 'another session' ? await connect() : one;
    const slow = one.ask('queued.work', 'slow', 'held');
    await until(() => held.size === 1);
    expect(await other.ask(`${channel}.work`, 'quick')).toEqual({ result: 'quick' });
    expect(events).toEqual(['+slow', '+quick', '-quick']);
    held.get('slow')!();
    await slow;
  });

  it('never run if they still wait when the session ends', async () => {
    const { connect, session } = await start();
    const frontend = await connect();
    const { closed } = await session();
    for (const name of ['a', 'b']) frontend.ask('queued.work', name, 'held').catch(() => undefined);
    await until(() => held.size === 1);
    frontend.raw.terminate();
    await closed;
    held.get('a')!();
    await until(() => events.includes('-a'));
    await settled();
    expect(events).toEqual(['+a', '-a']);
  });
});
