import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConsoleLogger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CurrentSession, IpcChannel } from '@linnet/backend';
import { IModelError, IpcClosedError, IpcSession } from '@linnet/common';
import { closeApps } from '../../harness/nest.harness.js';
import { CHANNEL, startIpc, TestIpcHandler } from './ipc.app.js';
import { gate, settled, until } from '../../harness/waiting.js';
import type { IpcApp } from './ipc.app.js';
import { MessageType } from './raw.frontend.js';
import type { RawFrontend } from './raw.frontend.js';

// A rejection or an exception that nobody handles fails the test that it happens in.

const trap = () => {
  throw new Error('a trap');
};
const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));

function nested(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function cycle(): object {
  const value: Record<string, unknown> = { list: [1] };
  value['self'] = [value];
  return value;
}

function manyMembers(): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`m${i}`, i]));
}

/** An error that crosses with all its members, as it has a number. */
function numbered(message: string, members: object): Error {
  return Object.assign(new Error(message), { errorNumber: 9, name: 'Nine' }, members);
}

/** The error that a caller gets of it. */
function crossed(message: string, members: object = {}): unknown {
  const iTwinErrorId = { scope: 'bentley-error', key: 'Nine' };
  return { message, errorNumber: 9, name: 'Nine', iTwinErrorId, ...members };
}

/** Values that a handler throws, and the complete error that its caller gets. */
const thrown: Record<string, [make: () => unknown, error: unknown]> = {
  undefined: [() => undefined, { message: 'The operation failed without an error.' }],
  null: [() => null, null],
  zero: [() => 0, 0],
  false: [() => false, false],
  'empty text': [() => '', ''],
  NaN: [() => NaN, null],
  text: [() => 'failed', 'failed'],
  symbol: [() => Symbol('s'), { message: 'Symbol(s)' }],
  function: [() => function named() {}, { message: expect.stringContaining('named') }],
  bigint: [() => 7n, { message: '7' }],
  'plain object': [() => ({ a: 1, f() {}, u: undefined }), { a: 1 }],
  list: [() => [1, undefined, 'x'], expect.anything()],
  'frozen error': [() => Object.freeze(new Error('frozen')), { message: 'frozen' }],
  'error with members': [() => Object.assign(new Error('plain'), { inside: 1 }), { message: 'plain' }],
  'cyclic error': [() => Object.assign(new Error('cyclic'), cycle()), { message: 'cyclic' }],
  'numbered cyclic error': [
    () => numbered('cyclic', cycle()),
    crossed('cyclic', { list: [1], self: [{ list: [1] }] }),
  ],
  'cyclic object': [cycle, { list: [1], self: [null] }],
  'error that is its own cause': [
    () => {
      const error = new Error('own cause');
      error.cause = error;
      return error;
    },
    { message: 'own cause' },
  ],
  'error with a BigInt': [() => numbered('big', { n: 1n, m: [1n, 2] }), crossed('big', { m: [null, 2] })],
  'error with a typed array': [() => numbered('view', { v: Uint8Array.of(1) }), crossed('view')],
  'error with a huge text': [() => new Error('x'.repeat(3_000_000)), { message: 'x'.repeat(3_000_000) }],
  'error with many members': [() => Object.assign(new Error('many'), manyMembers()), { message: 'many' }],
  'numbered error with many members': [() => numbered('many', manyMembers()), crossed('many', manyMembers())],
  'error with deep members': [
    () => Object.assign(new Error('deep'), { d: nested(100_000) }),
    { message: 'deep' },
  ],
  'numbered error with deep members': [() => numbered('deep', { d: nested(100_000) }), hidden()],
  'error whose member throws': [
    () => Object.defineProperty(new Error('getter'), 'm', { enumerable: true, get: trap }),
    { message: 'getter' },
  ],
  'numbered error whose member throws': [
    () => Object.defineProperty(numbered('getter', {}), 'm', { enumerable: true, get: trap }),
    hidden(),
  ],
  'error whose message throws': [
    () => Object.defineProperty(new Error(), 'message', { get: trap }),
    hidden(),
  ],
  'error whose message is an object': [
    () => Object.assign(new Error(), { message: { toJSON: trap, toString: trap, valueOf: trap } }),
    expect.anything(),
  ],
  'error whose message is not a text': [() => Object.assign(new Error(), { message: 5n }), expect.anything()],
  'error whose member cannot be written': [
    () => numbered('date', { d: new Date(NaN), e: Object.assign(new Date(0), { toJSON: trap }) }),
    expect.objectContaining({ message: 'date' }),
  ],
  'error without a prototype': [() => Object.setPrototypeOf(new Error('bare'), null), expect.anything()],
  'object without a prototype': [() => Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  'object with __proto__': [() => JSON.parse('{"__proto__":{"admin":true},"a":1}'), { a: 1 }],
  'proxy that traps all': [() => new Proxy({}, traps), hidden()],
  'proxy of an error that traps all': [() => new Proxy(new Error(), traps), hidden()],
  'revoked proxy': [
    () => {
      const { proxy, revoke } = Proxy.revocable(new Error(), {});
      revoke();
      return proxy;
    },
    hidden(),
  ],
  'proxy of endless depth': [
    () => {
      const endless = (): object =>
        new Proxy(
          {},
          {
            ownKeys: () => ['a'],
            get: (_, key) => (key === 'a' ? endless() : undefined),
            getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
          },
        );
      return endless();
    },
    hidden(),
  ],
  'class of the application': [
    () =>
      new (class Secret {
        password = 'x';
      })(),
    hidden(),
  ],
  'error of a class of the application': [
    () =>
      new (class DbError extends Error {
        sql = 'select';
      })('inside'),
    hidden(),
  ],
  'error of the system': [
    () => Object.assign(new Error('ENOENT /etc'), { errno: 2, syscall: 'open' }),
    hidden(),
  ],
  promise: [() => Promise.resolve(1), hidden()],
  'error of iTwin.js': [
    () => Object.assign(new Error('locked'), { errorNumber: 65_537, name: 'Locked' }),
    {
      message: 'locked',
      errorNumber: 65_537,
      name: 'Locked',
      iTwinErrorId: { scope: 'bentley-error', key: 'Locked' },
    },
  ],
  'IpcClosedError of another session': [
    () => new IpcClosedError({ code: 1000, reason: '', initiator: 'local' }),
    hidden(),
  ],
};

function hidden(): unknown {
  return {
    message: 'Internal error',
    errorNumber: 32_768,
    name: 'InternalError',
    activityId: expect.any(String),
    iTwinErrorId: { scope: 'bentley-error', key: 'InternalError' },
  };
}

/** Results that cannot be sent, and the error that the caller gets. */
const unsendable: Record<string, [make: () => unknown, message: string | RegExp]> = {
  cycle: [cycle, 'The value cannot be sent: value.self[0] refers back to what contains it.'],
  BigInt: [() => ({ a: [1n] }), 'The value cannot be sent: value.a[0] is a BigInt.'],
  'list of BigInt': [() => new BigInt64Array(1), /BigInt/],
  'toJSON that throws': [() => ({ toJSON: trap }), 'a trap'],
  'getter that throws': [
    () => ({
      get a() {
        return trap();
      },
    }),
    'a trap',
  ],
  'getter that throws undefined': [
    () => ({
      get a() {
        throw undefined;
      },
    }),
    'The operation failed without an error.',
  ],
  'nesting of 100,000': [() => nested(100_000), /cannot be sent/],
  'proxy that traps all': [() => new Proxy({}, traps), 'a trap'],
  'then that throws': [
    () => ({
      // eslint-disable-next-line unicorn/no-thenable -- the one that is tested
      get then() {
        return trap();
      },
    }),
    'a trap',
  ],
  'then that calls back twice and throws': [
    () => ({
      // eslint-disable-next-line unicorn/no-thenable -- the one that is tested
      then(_: unknown, reject: (reason: unknown) => void) {
        reject(new Error('first'));
        reject(new Error('second'));
        throw new Error('third');
      },
    }),
    'first',
  ],
};

@IpcChannel('settles')
class SettlesHandler {
  throwNow(name: string) {
    throw thrown[name]![0]();
  }
  async throwLater(name: string) {
    await nextTurn();
    throw thrown[name]![0]();
  }
  return(name: string) {
    return unsendable[name]![0]();
  }
  async returnLater(name: string) {
    await nextTurn();
    const value = unsendable[name]![0]();
    return [value];
  }
  nothing() {}
  nothingAtAll() {
    return null;
  }
  withStack() {
    throw new Error('told', { cause: new Error('never told') });
  }
  iTwin() {
    throw new IModelError(65_537, 'told');
  }
  untilGone(@CurrentSession() session: IpcSession) {
    return new Promise((_, reject) =>
      session.signal.addEventListener('abort', () => reject(session.signal.reason as Error)),
    );
  }
}

@IpcChannel('one-by-one', { sequential: true })
class SequentialHandler {
  static running = 0;
  static begun = 0;
  static held = gate();
  async run(isHeld: boolean) {
    expect(++SequentialHandler.running).toBe(1);
    SequentialHandler.begun++;
    if (isHeld) await SequentialHandler.held.opened;
    else await nextTurn();
    SequentialHandler.running--;
  }
}

const providers = [SettlesHandler, SequentialHandler];
const limits = { pendingCalls: 20, queuedBytes: 0 };
const SETTLES = 'itwin.settles';

let app: IpcApp;
let frontend: RawFrontend;
let written: string[];
beforeEach(async () => {
  TestIpcHandler.reset();
  SequentialHandler.begun = 0;
  SequentialHandler.held = gate();
  app = await startIpc({ providers, limits });
  // Nest's default output has to survive the thrown value as well.
  written = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const console = new ConsoleLogger({ colors: false });
  const { error } = app.log;
  app.log.error = (...args: [unknown]) => {
    console.error(...args);
    error(...args);
  };
  frontend = await app.open();
});
afterEach(async () => {
  jest.restoreAllMocks();
  TestIpcHandler.release();
  await closeApps();
});

/** The session is as good as before. */
async function stillAnswers() {
  expect(await frontend.invoke(CHANNEL, 'echo', 1)).toEqual({ result: [1] });
}

describe('a call without a target is rejected, and its session goes on', () => {
  it.each([
    ['an unknown channel', 'itwin.nowhere', 'm', 'No handler is registered for channel: nowhere'],
    ['a channel without the prefix', 'settles', 'm', 'No handler is registered for channel: settles'],
    ['the channel __proto__', '__proto__', 'toString', 'No handler is registered for channel: __proto__'],
    [
      'an unknown method',
      SETTLES,
      'x',
      'Method "SettlesHandler.x" not found on IpcHandler registered for channel: settles',
    ],
    ['an empty method', SETTLES, '', `The call names no method of channel: settles`],
    [
      'a method of Object.prototype',
      SETTLES,
      'toString',
      'Method "toString" not available for channel: settles',
    ],
    ['the constructor', SETTLES, 'constructor', 'Method "constructor" not available for channel: settles'],
    ['the method then', SETTLES, 'then', /Method "(SettlesHandler\.)?then" not/],
    ['a lifecycle hook', SETTLES, 'onModuleDestroy', /not found/],
  ])('when it names %s', async (_, channel, method, message) => {
    const answer = await frontend.invoke(channel, method, 1);
    expect(answer).toEqual({ error: expect.objectContaining({ message: expect.stringMatching(message) }) });
    expect(JSON.stringify(answer)).not.toContain('stack');
    await stillAnswers();
    expect(app.log.find('error', '')).toEqual([]);
  });

  it.each([undefined, null, 5, {}, [], true])('when its method is %p', async (method) => {
    frontend.message({
      type: MessageType.Invoke,
      channel: SETTLES,
      method: method as string,
      data: [],
      request: 77,
    });
    expect(await frontend.nextMessage()).toMatchObject({
      type: MessageType.Response,
      channel: SETTLES,
      response: 77,
      data: { error: { message: `The call names no method of channel: settles` } },
    });
    await stillAnswers();
  });
});

describe.each(['throwNow', 'throwLater'])('a value that a handler throws (%s) rejects the call', (method) => {
  it.each(Object.entries(thrown))('when it is: %s', async (name, [, error]) => {
    expect(await frontend.invoke(SETTLES, method, name)).toEqual({ error });
    await stillAnswers();
    // A hidden error is logged, by whatever text it has.
    if (JSON.stringify(error) === JSON.stringify(hidden()))
      expect(app.log.find('error', '').length).toBeGreaterThan(0);
  });
});

describe.each(['return', 'returnLater'])('a result that cannot be sent (%s) becomes an error', (method) => {
  it.each(Object.entries(unsendable))('when it is: %s', async (name, [, message]) => {
    if (method === 'returnLater' && name.startsWith('then')) return;
    const answer = (await frontend.invoke(SETTLES, method, name)) as { error: { message: string } };
    expect(Object.keys(answer)).toEqual(['error']);
    const expected =
      typeof message === 'string'
        ? message.replace('value.', method === 'return' ? 'value.' : 'value[0].')
        : message;
    expect(answer.error.message ?? answer.error).toMatch(expected);
    await stillAnswers();
  });
});

it('a handler that returns undefined or null is answered with a result', async () => {
  expect(await frontend.invoke(SETTLES, 'nothing')).toEqual({});
  expect(await frontend.invoke(SETTLES, 'nothingAtAll')).toEqual({ result: null });
});

describe('calls above limits.pendingCalls', () => {
  it('are answered with an error, and earlier calls with their results', async () => {
    const calls = Array.from({ length: 30 }, (_, i) => frontend.invoke(CHANNEL, 'waitForRelease', i));
    await until(() => TestIpcHandler.waiting === 20);
    const refused = await Promise.all(calls.slice(20));
    for (const answer of refused)
      expect(answer).toMatchObject({
        error: { message: 'The waiting calls of this session have more bytes than there is space for.' },
      });
    // Other sessions are not affected.
    const other = await app.open();
    expect(await other.invoke(CHANNEL, 'echo', 1)).toEqual({ result: [1] });
    TestIpcHandler.release();
    expect(await Promise.all(calls.slice(0, 20))).toEqual(
      Array.from({ length: 20 }, (_, i) => ({ result: i })),
    );
    await stillAnswers();
  });

  it('are answered with an error also on a sequential channel', async () => {
    // The first one ends when the last ones have been rejected.
    const calls = Array.from({ length: 25 }, (_, i) => frontend.invoke('itwin.one-by-one', 'run', i === 0));
    for (const answer of await Promise.all(calls.slice(20))) expect(answer).toHaveProperty('error');
    SequentialHandler.held.open();
    expect(await Promise.all(calls.slice(0, 20))).toEqual(Array.from({ length: 20 }, () => ({})));
    expect(SequentialHandler.begun).toBe(20);
  });
});

describe('a session that closes', () => {
  it('settles running calls, waiting calls and calls to the frontend', async () => {
    const [, session] = await app.pair();
    const other = app.host.sessions.indexOf(session);
    expect(other).toBe(1);
    for (let i = 0; i < 5; i++) frontend.invoke('itwin.one-by-one', 'run', true).catch(() => undefined);
    frontend.invoke(SETTLES, 'untilGone').catch(() => undefined);
    const [own] = app.host.sessions;
    const invoked = own!.invoke('nobody');
    const proxied = own!.makeIpcProxy<{ f(): void }>('nobody').f();
    // The answer to this call proves that the earlier ones have arrived.
    await stillAnswers();
    frontend.terminate();
    await expect(invoked).rejects.toBeInstanceOf(IpcClosedError);
    await expect(proxied).rejects.toThrow('The IPC session is over (1006)');
    await expect(own!.invoke('nobody')).rejects.toThrow('The IPC session is over');
    await expect(own!.send('x')).rejects.toThrow('The IPC session is over');
    expect(session.isOpen).toBe(true);
    SequentialHandler.held.open();
    await until(() => SequentialHandler.running === 0);
    await settled();
    // Waiting calls have not begun, and none of this is a fault.
    expect(SequentialHandler.begun).toBe(1);
    expect(app.log.find('error', '')).toEqual([]);
  });

  it('rejects a close code that does not exist, and stays open', async () => {
    const [session] = app.host.sessions;
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2000, 5000, 1.5, NaN])
      expect(() => session!.close(code)).toThrow('code');
    expect(session!.isOpen).toBe(true);
    await stillAnswers();
    session!.close(4999, 'mine');
    expect(await frontend.closed).toEqual({ code: 4999, reason: 'mine' });
  });

  it('lets running handlers finish, and logs no error', async () => {
    for (let i = 0; i < 3; i++) frontend.invoke(CHANNEL, 'waitForRelease', i).catch(() => undefined);
    await until(() => TestIpcHandler.waiting === 3);
    frontend.terminate();
    await until(() => app.host.sessions.length === 0);
    TestIpcHandler.release();
    await settled();
    expect(app.log.find('error', '')).toEqual([]);
  });
});

describe('stack traces of a handler', () => {
  it.each([
    ['withStack', 'told'],
    ['iTwin', 'told'],
  ])('are not sent with errors by default: %s', async (method, message) => {
    const answer = await frontend.invoke(SETTLES, method);
    expect(answer).toMatchObject({ error: { message } });
    expect(JSON.stringify(answer)).not.toMatch(/stack|cause|never told|\.ts/);
  });

  it('are sent with errors in development mode', async () => {
    const development = await startIpc({ providers, developmentMode: true });
    const other = await development.open();
    for (const method of ['withStack', 'iTwin']) {
      const answer = await other.invoke(SETTLES, method);
      expect(answer).toMatchObject({
        error: { message: 'told', stack: expect.stringContaining('settles.spec') },
      });
      expect(JSON.stringify(answer)).not.toContain('never told');
    }
    // The code behind the warnings of that mode must not fail either.
    for (const name of Object.keys(unsendable)) {
      if (!name.startsWith('then')) await other.invoke(SETTLES, 'return', name);
    }
    for (const name of Object.keys(thrown)) await other.invoke(SETTLES, 'throwNow', name);
  });
});

describe('listeners of the backend', () => {
  it('that throw or reject are logged, and end nothing', async () => {
    const heard: unknown[] = [];
    const failing = [
      () => {
        throw new Error('threw');
      },
      async () => {
        await nextTurn();
        throw new Error('rejected');
      },
      () => Promise.reject(new Proxy({}, traps)),
      () => {
        throw undefined;
      },
    ];
    for (const listener of failing as (() => void)[]) app.host.addListener('heard', listener);
    app.host.addListener('heard', (_, value) => heard.push(value));
    app.host.sessions[0]!.addListener('heard', (_, value) => heard.push(value));
    frontend.send('itwin.heard', 1);
    frontend.send('itwin.nobody', 1);
    frontend.send('__proto__', 1);
    await until(() => heard.length === 2 && app.log.find('error', '').length >= 4);
    await until(() => app.log.find('error', 'rejected').length > 0);
    expect(app.log.find('error', 'threw')).toHaveLength(1);
    expect(app.log.find('error', 'rejected')).toHaveLength(1);
    await stillAnswers();
  });

  it('that never end are bounded by limits.pendingCalls', async () => {
    const held = gate();
    app.host.addListener('heard', () => held.opened);
    for (let i = 0; i < 21; i++) frontend.send('itwin.heard', i);
    expect(await frontend.closed).toMatchObject({
      code: 1008,
      reason: expect.stringContaining('more bytes'),
    });
    held.open();
  });
});

describe('a reply from the frontend', () => {
  it.each([
    ['nothing', [], undefined],
    ['null', [null], undefined],
    ['a text', ['x'], undefined],
    ['a result', [{ result: 1 }], 1],
  ])('of %s resolves the call', async (_, data, result) => {
    const called = app.host.sessions[0]!.callIpcChannel('ask', 'm');
    const { data: asked } = (await frontend.nextMessage()) as { data: string[] };
    frontend.message({ type: MessageType.Send, channel: asked[0]!, data });
    expect(await called).toEqual(result);
  });

  it.each([
    ['an empty object', {}],
    ['a text', 'x'],
    ['zero', 0],
    ['a message that is not a text', { message: {} }],
    ['a name that is not a text', { message: 'm', name: {} }],
    [
      'members that errors have',
      { message: 'm', toString: 1, valueOf: 1, stack: 1, cause: 1, constructor: 1 },
    ],
    // eslint-disable-next-line unicorn/no-thenable -- the one that is tested
    ['members of promises', { message: 'm', then: 1, catch: 1 }],
  ])('with %s as its error rejects the call, and can be logged', async (_, error) => {
    const { host } = app;
    const ask = async () => {
      await host.sessions[0]!.callIpcChannel('ask', 'm');
    };
    const ended = host.handle('relay', ask);
    const answer = frontend.invoke('itwin.relay', 'm');
    const { data: asked } = (await frontend.nextMessage()) as { data: string[] };
    frontend.send(asked[0]!, { error });
    expect(await answer).toHaveProperty('error');
    await stillAnswers();
    ended();
  });
});
