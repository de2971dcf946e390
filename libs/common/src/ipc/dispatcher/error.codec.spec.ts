import { describe, expect, it } from '@jest/globals';
import { Activity } from '../../call/activity.js';
import type { CallReport } from '../../call/call.report.js';
import { Exposed } from '../../error/error.members.js';
import { unwrapEnvelope } from '../channel/envelope.js';
import { answerFailure, rebuildFrontendError } from './error.codec.js';
import type { IpcErrorOptions } from './error.codec.js';

const activity = new Activity({ activityId: 'activity-1' });

/** The error that a caller sees on the wire, and the error in the log. */
function answer(thrown: unknown, options: IpcErrorOptions = {}) {
  const reports: CallReport[] = [];
  const value = answerFailure(thrown, activity, { ...options, report: (report) => reports.push(report) });
  const json = JSON.stringify({ error: value });
  return { error: (JSON.parse(json) as { error: unknown }).error, json, reports };
}

const hidden = {
  message: 'Internal error',
  errorNumber: 32_768,
  name: 'InternalError',
  activityId: 'activity-1',
  iTwinErrorId: { scope: 'bentley-error', key: 'InternalError' },
};

@Exposed()
class Shown extends Error {
  constructor(readonly detail: unknown) {
    super('shown');
  }
}

describe('an error of an IPC call as iTwin.js frontends read it', () => {
  it.each([
    ['an Error', new Error('m'), { message: 'm' }],
    ['an Error with members', Object.assign(new Error('m'), { detail: 1 }), { message: 'm' }],
    ['an own name', Object.assign(new Error('m'), { name: 'N' }), { message: 'm', name: 'N' }],
    [
      'an error with a number',
      Object.assign(new Error('m'), { errorNumber: 65_537, name: 'Already Loaded' }),
      {
        errorNumber: 65_537,
        name: 'Already Loaded',
        message: 'm',
        iTwinErrorId: { scope: 'bentley-error', key: 'Already Loaded' },
      },
    ],
    [
      'an iTwinError',
      Object.assign(new Error('m'), { iTwinErrorId: { scope: 's', key: 'k' }, extra: 1, name: 'k' }),
      { iTwinErrorId: { scope: 's', key: 'k' }, extra: 1, name: 'k', message: 'm' },
    ],
    ['a text', 'failed', 'failed'],
    ['an object', { a: [1, { b: null }] }, { a: [1, { b: null }] }],
    ['a class that may be seen', new Shown({ n: 1 }), { detail: { n: 1 }, message: 'shown' }],
  ])('crosses: %s', (_, thrown, error) => {
    expect(answer(thrown).error).toEqual(error);
  });

  it('has a message if undefined was thrown', () => {
    expect(answer(undefined).error).toEqual({ message: expect.stringMatching(/./) });
  });

  it('has plain data as its members, and nothing else', () => {
    class Inner {
      secret = 1;
    }
    const error = Object.assign(new Shown({}), {
      cause: new Error('inside'),
      date: new Date(0),
      map: new Map([['a', 1]]),
      set: new Set([1]),
      nested: new Error('n'),
      list: [1, { x: 1 }],
      undef: undefined,
      inner: new Inner(),
      bytes: Uint8Array.of(1),
      f: () => 1,
      s: Symbol('s'),
      big: 1n,
    });
    expect(answer(error).error).toEqual({
      message: 'shown',
      detail: {},
      date: '1970-01-01T00:00:00.000Z',
      map: { a: 1 },
      set: [1],
      nested: { message: 'n' },
      list: [1, { x: 1 }],
    });
  });

  it('has its logging metadata without the function that made it', () => {
    const error = Object.assign(new Error('m'), {
      errorNumber: 1,
      name: 'N',
      hasMetaData: true,
      _metaData: () => 'x',
      loggingMetadata: new Map([['k', new Set([1])]]),
    });
    const { error: told } = answer(error);
    expect(told).toMatchObject({ loggingMetadata: { k: [1] } });
    expect(told).not.toHaveProperty('_metaData');
  });

  it('has no cycles', () => {
    const record: Record<string, unknown> = {};
    const error = Object.assign(new Shown(record), { a: record });
    error.a['back'] = error;
    error.a['self'] = error.a;
    expect(answer(error).error).toEqual({ message: 'shown', a: {}, detail: {} });
  });

  it('has no member __proto__', () => {
    const thrown = JSON.parse('{"__proto__":{"x":1},"a":{"__proto__":{"y":1},"b":1}}') as object;
    expect(answer(thrown).json).toBe('{"error":{"a":{"b":1}}}');
  });
});

describe('an internal error of an IPC call', () => {
  class DatabaseError extends Error {
    readonly table = 'users';
  }
  it.each([
    ['a class of its own', new DatabaseError('select')],
    ['an error of the engine', new TypeError('select')],
    ['an error with a code', Object.assign(new Error('select'), { code: 14, metadata: {} })],
    ['an error of the system', Object.assign(new Error('ENOENT'), { errno: 2, syscall: 'open' })],
    ['an instance', new (class Secret {})()],
    [
      'a proxy',
      new Proxy(new Error(), {
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      }),
    ],
    [
      'an error whose member throws',
      Object.defineProperty(new Shown(1), 'x', {
        enumerable: true,
        get: () => {
          throw new Error('trap');
        },
      }),
    ],
  ])('is hidden: %s', (_, thrown) => {
    const { error, reports } = answer(thrown);
    expect(error).toEqual(hidden);
    // The log is told of what it was, by itself.
    const reported = reports.map((report) => (report.kind === 'error' ? report.thrown : undefined));
    expect(reported.some((each) => Object.is(each, thrown))).toBe(true);
  });

  it('is hidden as a member of another error', () => {
    for (const inner of [new DatabaseError('select'), new TypeError('select')]) {
      const { json } = answer(Object.assign(new Shown(1), { inner }));
      expect(json).not.toMatch(/select|users/);
    }
  });

  it('is shown with all members if exposeErrors is "all"', () => {
    const inner = Object.assign(new TypeError('select'), { detail: 1 });
    const error = Object.assign(new TypeError('m', { cause: 'inside' }), { code: 'E', inner });
    expect(answer(error, { exposeErrors: 'all' }).error).toEqual({
      message: 'm',
      code: 'E',
      inner: { message: 'select', detail: 1 },
    });
    const exposeError = (each: unknown) => each !== inner;
    expect(answer(error, { exposeError }).error).toMatchObject({ inner: { message: 'Internal error' } });
  });

  it('has a stack in development mode only', () => {
    expect(answer(new Error('m')).json).not.toContain('stack');
    expect(answer(new Error('m'), { developmentMode: true }).error).toEqual({
      message: 'm',
      stack: expect.stringContaining('error.codec.spec'),
    });
  });

  it('is hidden and reported if an option throws as well', () => {
    const thrown = new Error('first');
    const failing = () => {
      throw new Error('second');
    };
    for (const options of [{ exposeError: failing }, { mapError: failing }]) {
      const { error, reports } = answer(thrown, options);
      expect(error).toEqual(hidden);
      expect(reports.map((report) => report.kind === 'error' && (report.thrown as Error).message)).toEqual([
        'first',
        'second',
      ]);
    }
  });
});

describe('a reply from a frontend', () => {
  const unwrapReply = (reply: unknown) => unwrapEnvelope(reply, rebuildFrontendError);

  it.each([undefined, null, 5, 'x', [], {}, { result: undefined }, { error: undefined }])(
    'is not an error if it is %p',
    (reply) => {
      expect(unwrapReply(reply)).toBeUndefined();
    },
  );

  it.each([0, '', false, null, 'failed'])('is thrown as it is if its error is %p', (error) => {
    let thrown: unknown = 'nothing';
    try {
      unwrapReply({ error });
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBe(error);
  });

  it('is thrown as an Error without its stack if its error is an object', () => {
    const error = { message: 'm', name: 'N', stack: 'theirs', extra: 1 };
    expect(() => unwrapReply({ error })).toThrow(
      expect.objectContaining({ message: 'm', name: 'N', extra: 1 }),
    );
    expect(() => unwrapReply({ error })).toThrow(
      expect.objectContaining({ stack: expect.not.stringContaining('theirs') }),
    );
    expect(() => unwrapReply({ error: { message: {}, name: {} } })).toThrow('unknown error');
  });
});
