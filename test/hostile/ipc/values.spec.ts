import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcFrontend } from '@linnet/frontend';
import { messagePortIpc } from '@linnet/common';
import { until } from '../../harness/waiting.js';
import {
  end,
  failureOf,
  letGo,
  log,
  nested,
  open,
  portOf,
  prototypeMember,
  start,
  wires,
} from './attack.harness.js';

afterEach(end);

/** Values that no peer accepts, and why. */
const refused: [what: string, make: () => unknown, message: RegExp][] = [
  ['a member named __proto__', prototypeMember, /may not be named "__proto__"/],
  ['a value that is nested too deep', () => nested(600), /nested deeper/],
  ['a value that is nested far too deep', () => nested(1500), /nested deeper/],
];

describe.each(wires)('IPC on the wire "%s":', (wire) => {
  it.each(refused)('%s is refused by the sender, and disturbs no other call', async (_, make, message) => {
    const { frontend, target, states } = open(await start(), wire);
    await frontend.ready;
    const other = target.hold();
    expect((await failureOf(target.echo(make()))).message).toMatch(message);
    expect(() => frontend.send('heard', make())).toThrow(message);
    letGo();
    expect(await other).toBe('held');
    expect(await target.echo('fine')).toBe('fine');
    expect(states).toEqual(['open']);
  });

  it.each(refused)('%s in a call that waits for a session fails only that call', async (_, make, message) => {
    const { target, states } = open(await start(), wire);
    const calls = [failureOf(target.echo(make())), target.echo('fine')];
    expect(((await calls[0]) as Error).message).toMatch(message);
    expect(await calls[1]).toBe('fine');
    expect(states).toEqual(['open']);
  });

  it.each([
    ['proto', /__proto__/],
    ['deep', /nested deeper/],
  ])('a handler that returns a refused value fails only its own call: %s', async (what, message) => {
    const { frontend, target, states } = open(await start(), wire);
    await frontend.ready;
    const other = target.hold();
    expect((await failureOf(target.give(what))).message).toMatch(message);
    letGo();
    expect(await other).toBe('held');
    expect(states).toEqual(['open']);
  });

  it('a value may send a message while it is read, and each message has its own number', async () => {
    const { frontend, target, states } = open(await start(), wire);
    await frontend.ready;
    const value = {
      bytes: Uint8Array.of(1, 2, 3),
      get x() {
        frontend.send('heard', { bytes: Uint8Array.of(4), text: 'x was read' });
        return 1;
      },
    };
    expect(await target.echo(value)).toMatchObject({ x: 1 });
    frontend.send('heard', value);
    expect(await target.echo(2)).toBe(2);
    expect(log).toContainEqual(['echo', { bytes: Uint8Array.of(1, 2, 3), x: 1 }]);
    expect(log).toContainEqual(['heard', { bytes: Uint8Array.of(4), text: 'x was read' }]);
    expect(log).toContainEqual(['heard', { bytes: Uint8Array.of(1, 2, 3), x: 1 }]);
    expect(states).toEqual(['open']);
  });

  it('a value may close its session while it is read, and its call settles', async () => {
    const app = await start();
    const { frontend, target } = open(app, wire, { reconnect: false });
    await frontend.ready;
    const value = {
      get x() {
        frontend.close();
        return 1;
      },
    };
    expect((await failureOf(target.echo(value))).name).toBe('IpcClosedError');
    await until(() => app.host.sessions.length === 0);
  });
});

describe('a broadcast', () => {
  it.each<(typeof refused)[number]>([
    ...refused,
    [
      'a cycle',
      () => {
        const value: { me?: unknown } = {};
        value.me = value;
        return value;
      },
      /refers back/,
    ],
  ])('of %s throws with and without sessions, and reaches none', async (_, make, message) => {
    const app = await start();
    expect(() => app.host.send('news', make())).toThrow(message);
    const heard: unknown[] = [];
    const all = wires.map((wire) => open(app, wire));
    for (const { frontend } of all) {
      frontend.addListener('news', (_event, value) => void heard.push(value));
      await frontend.ready;
    }
    expect(() => app.host.send('news', make())).toThrow(message);
    void app.host.send('news', 'fine');
    await until(() => heard.length >= 3);
    expect(heard).toEqual(['fine', 'fine', 'fine']);
    for (const { states } of all) expect(states).toEqual(['open']);
  });
});

it.each(['compatible', 'durable'] as const)(
  'the warnings of development mode ignore a getter that throws after the value was sent (%s wire)',
  async (wire) => {
    const rejected: unknown[] = [];
    const note = (reason: unknown) => rejected.push(reason);
    process.on('unhandledRejection', note);
    try {
      let reads = 0;
      let most = Infinity;
      const value = {
        get x() {
          if (++reads > most) throw new Error('read once too often');
          return 1;
        },
      };
      const calls = async (developmentMode: boolean) => {
        const app = await start({ developmentMode });
        app.host.handle('look', () => Promise.resolve(value));
        const { frontend } = open(app, wire);
        reads = 0;
        expect(await frontend.invoke('look', 'at')).toEqual({ x: 1 });
        expect(await frontend.makeIpcProxy<{ echo(v: unknown): unknown }>('target').echo(1)).toBe(1);
        return reads;
      };
      most = await calls(false);
      expect(await calls(true)).toBe(most + 1);
      expect(rejected).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  },
);

describe('a close frame of a message port', () => {
  const bomb = () => {
    const list: unknown[] = [];
    for (let i = 0; i < 200; i++) list.push(Object.create(null));
    return list;
  };
  it.each<[string, unknown[]]>([
    ['without a code', ['close']],
    ['with a code that is text', ['close', '1000', 'fine']],
    ['with a code that only a broken connection has', ['close', 1006, 'no close frame has this']],
    ['with a reason that is a deep list', ['close', 1000, nested(1000)]],
    [
      'with a code that is not a number, and a list as reason',
      ['close', Symbol.iterator.description, bomb()],
    ],
    ['with a code that is an object', ['close', { valueOf: 1, toString: 1 }, 'r']],
    ['with a reason that is an object', ['close', 1000, { toString: 1 }]],
    ['with a reason that is very long', ['close', 1000, 'x'.repeat(1_000_000)]],
  ])('%s ends only its own session', async (_, frame) => {
    const app = await start();
    const port = portOf(app);
    const frames: unknown[] = [];
    port.on('message', (message) => void frames.push(message));
    port.postMessage([9]);
    const session = await until(() => app.host.sessions[0]);
    port.postMessage(frame);
    const { code, reason } = await session.closed;
    expect([1000, 1002]).toContain(code);
    expect(reason.length).toBeLessThanOrEqual(123);
    expect(app.host.sessions).toHaveLength(0);
    const other = open(app, 'port');
    expect(await other.target.echo('fine')).toBe('fine');
  });

  it.each<[string, unknown]>([
    ['an object', { valueOf: 1, toString: 1 }],
    ['a number', 1000],
  ])('may come before the client hello with %s as code and reason', async (_, code) => {
    const app = await start();
    const port = portOf(app);
    port.postMessage(['close', code, code]);
    const fine = open(app, 'port');
    expect(await fine.target.echo('fine')).toBe('fine');
  });

  it('with objects as code and reason closes a frontend', async () => {
    const { port1, port2 } = new MessageChannel();
    const frontend = new IpcFrontend(messagePortIpc(port1));
    const failure = failureOf(frontend.ready);
    port2.postMessage(['close', { valueOf: 1, toString: 1 }, { toString: 1 }]);
    expect((await failure).name).toBe('IpcClosedError');
    port2.close();
  });
});
