import { describe, expect, it } from '@jest/globals';
import { IModelError, TransientError } from './imodel.error.js';
import { encodeError } from './error.codec.js';
import type { ErrorPolicy } from './error.codec.js';
import { encodeErrorValue, Exposed, visibleMembers } from './error.members.js';

const withMembers = (error: Error, members: object) => Object.assign(error, members);
const internal = {
  message: 'Internal error',
  errorNumber: 32768,
  isError: true,
  name: 'InternalError',
  activityId: 'id-1',
};
const encode = (thrown: unknown, policy?: ErrorPolicy) => encodeError(thrown, 'id-1', policy);

const failureOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

class DriverError extends Error {}
@Exposed()
class OwnError extends Error {
  override name = 'OwnError';
  detail = { a: 1 };
}
class DerivedError extends OwnError {}
/** Errors of classes that do not extend `Error`. */
class Numbered {
  errorNumber = 5;
  message = 'm';
}
@Exposed()
class Shown {
  message = 'm';
  detail = { a: 1 };
}
class DerivedShown extends Shown {}

describe('an error that crosses with all members', () => {
  it.each([
    [
      'an error number',
      withMembers(new DriverError('m'), { errorNumber: 7 }),
      { message: 'm', errorNumber: 7, isError: true, name: 'Error' },
    ],
    [
      'an error number beside the members of a driver',
      withMembers(new DriverError('m'), { errorNumber: 7, sql: 'select' }),
      { message: 'm', errorNumber: 7, sql: 'select', isError: true, name: 'Error' },
    ],
    [
      'an iTwinErrorId',
      withMembers(new DriverError('m'), { iTwinErrorId: { scope: 's', key: 'k' }, name: 'k' }),
      { message: 'm', iTwinErrorId: { scope: 's', key: 'k' }, isError: true, name: 'k' },
    ],
    ['@Exposed', new OwnError('m'), { message: 'm', detail: { a: 1 }, isError: true, name: 'OwnError' }],
    [
      'a class derived from one that is @Exposed',
      new DerivedError('m'),
      { message: 'm', detail: { a: 1 }, isError: true, name: 'OwnError' },
    ],
    ['a plain object', { code: 7 }, { code: 7 }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a thrown text', 'text', { message: 'text', isError: true, name: 'Error' }],
    ['a thrown number', 5, { message: '5', isError: true, name: 'Error' }],
    ['a thrown symbol', Symbol('s'), { message: 'Symbol(s)', isError: true, name: 'Error' }],
    [
      'a thrown undefined',
      undefined,
      { message: 'The operation failed without an error.', isError: true, name: 'Error' },
    ],
    [
      'a thrown null',
      null,
      { message: 'The operation failed without an error.', isError: true, name: 'Error' },
    ],
  ])('is recognized by %s', (_name, thrown, body) => {
    expect(encode(thrown)).toEqual(expect.objectContaining({ body, internal: false }));
  });

  it.each([
    ['an error number', new Numbered(), { errorNumber: 5, message: 'm' }],
    ['@Exposed', new Shown(), { message: 'm', detail: { a: 1 } }],
    ['a class derived from one that is @Exposed', new DerivedShown(), { message: 'm', detail: { a: 1 } }],
  ])('is recognized by %s if it does not extend Error', (_name, thrown, members) => {
    const { body, internal } = encode(thrown);
    expect(JSON.parse(JSON.stringify(body))).toMatchObject(members);
    expect(internal).toBe(false);
  });
});

describe('a plain Error over RPC', () => {
  it.each([
    ['without own members', new Error('m'), 'Error'],
    ['with its own name', withMembers(new Error('m'), { name: 'N' }), 'N'],
    [
      'with members',
      withMembers(new Error('m'), { detail: [1], headers: { Authorization: 'secret' } }),
      'Error',
    ],
    ['with a name that is not a text', withMembers(new Error('m'), { name: { secret: 1 } }), 'Error'],
    [
      'with a member that throws',
      Object.defineProperty(new Error('m'), 'detail', {
        enumerable: true,
        get: () => {
          throw new Error('read');
        },
      }),
      'Error',
    ],
  ])('crosses with name and message: %s', (_name, thrown, name) => {
    expect(encode(thrown).body).toStrictEqual({ message: 'm', isError: true, name });
  });
});

describe('an internal error', () => {
  const error = () => new Error('connect ECONNREFUSED 10.0.0.7:5432');
  it.each([
    ['a class of its own', new DriverError('secret')],
    ['a SyntaxError', new SyntaxError('secret')],
    ['a TypeError', new TypeError('secret')],
    ['a RangeError', new RangeError('secret')],
    ['an AggregateError', new AggregateError([new Error('secret')], 'secret')],
    ['a DOMException', new DOMException('secret', 'AbortError')],
    ['an invalid URL', failureOf(() => new URL('postgres://user:secret@[::1'))],
    ['a JSON text that cannot be read', failureOf(() => JSON.parse('secret'))],
    ['a plain error with a code', withMembers(error(), { code: 14, details: 'secret', metadata: {} })],
    ['a code that is absent', withMembers(error(), { code: undefined, isAxiosError: true })],
    ['an error that became a plain object', { message: 'secret', stack: 'Error', code: 'ECONNREFUSED' }],
    [
      'a name that looks like one of a marked class',
      withMembers(new DriverError('secret'), { name: 'OwnError' }),
    ],
    ['errno and syscall', withMembers(error(), { errno: -111, syscall: 'connect', code: 'ECONNREFUSED' })],
    ['syscall', withMembers(error(), { syscall: 'open' })],
    ['errno', withMembers(error(), { errno: -2 })],
    ['code with path', withMembers(error(), { code: 'ENOENT', path: '/etc/secret' })],
    ['sql', withMembers(error(), { sql: 'select 1' })],
    ['query', withMembers(error(), { query: 'select 1' })],
    ['driverError', withMembers(error(), { driverError: {} })],
    ['config', withMembers(error(), { config: { auth: 'x' } })],
    ['request', withMembers(new TypeError('x'), { request: {} })],
    ['an object of a class', new (class Secret {})()],
    ['iTwinErrorId of another shape', withMembers(new DriverError('m'), { iTwinErrorId: 'x' })],
    ['errorNumber that is no number', withMembers(new DriverError('m'), { errorNumber: '1' })],
  ])('is hidden: %s', (_name, thrown) => {
    expect(encode(thrown)).toEqual(expect.objectContaining({ status: 500, body: internal, internal: true }));
  });
});

describe('an error over RPC', () => {
  it('never has its cause or its stack', () => {
    const error = withMembers(new IModelError(65574, 'm'), { cause: new Error('secret') });
    expect(encode(error).body).toStrictEqual({
      message: 'm',
      errorNumber: 65574,
      name: 'Not Found',
      isError: true,
    });
    expect(encode(new Error('m', { cause: 'secret' })).body).not.toHaveProperty('cause');
    expect(encode(withMembers(new Error('m'), { stack: 'own' })).body).not.toHaveProperty('stack');
  });

  it.each([
    ['a stack', { stack: 'secret' }],
    ['a cause', { cause: 'secret' }],
    ['both', { stack: 'secret', cause: 'secret' }],
    ['neither', {}],
  ])('has neither cause nor stack as a plain object with %s', (_name, origin) => {
    const thrown = { errorNumber: 7, message: 'm', ...origin };
    expect(encode(thrown).body).toStrictEqual({ errorNumber: 7, message: 'm' });
  });

  it('has its stack in development mode', () => {
    const error = new Error('m');
    expect(encode(error, { developmentMode: true }).body).toHaveProperty('stack', error.stack);
  });

  it('has the name that iTwin.js gives its number, and not the readable one', () => {
    expect(encode(new IModelError(65606, 'm')).body).toHaveProperty('name', 'Error (65606)');
  });

  it('has the status of its number', () => {
    expect(encode(new IModelError(65574, 'm')).status).toBe(404);
    expect(encode(withMembers(new Error('m'), { errorNumber: 65542 })).status).toBe(400);
    expect(encode(new IModelError(65570, 'm')).status).toBe(500);
    expect(encode(new Error('m')).status).toBe(500);
    expect(encode({ errorNumber: 65574 }).status).toBe(500);
    expect(encode(new TransientError('m', 429, 3))).toEqual(
      expect.objectContaining({ status: 429, retryAfter: 3 }),
    );
  });

  it('is shown or hidden as exposeError decides', () => {
    const exposeError = (error: unknown) =>
      error instanceof DriverError ? true : error instanceof RangeError ? false : undefined;
    expect(encode(new DriverError('shown'), { exposeError }).body).toHaveProperty('message', 'shown');
    expect(encode(new RangeError('hidden'), { exposeError }).body).toEqual(internal);
    const later = (async () => true) as unknown as typeof exposeError;
    expect(encode(new RangeError('hidden'), { exposeError: later }).body).toEqual(internal);
    expect(encode(new Error('m'), { exposeError }).body).toHaveProperty('message', 'm');
    expect(encode(new SyntaxError('m'), { exposeError }).body).toEqual(internal);
  });

  it.each([
    ['secret'],
    [5],
    [Symbol('secret')],
    [{ code: 'secret' }],
    [new Numbered()],
    [new Shown()],
    [null],
  ])('is hidden whatever was thrown if exposeError returns false: %p', (thrown) => {
    const hidden = encode(thrown, { exposeError: () => false });
    expect(hidden).toEqual(expect.objectContaining({ status: 500, body: internal, internal: true }));
  });

  it('crosses with all members but stack and cause if exposeErrors is "all"', () => {
    const exposeErrors = 'all';
    const error = withMembers(new TypeError('m', { cause: 'inside' }), { code: 'E', detail: [1] });
    const body = { message: 'm', code: 'E', detail: [1], isError: true, name: 'TypeError' };
    expect(encode(error, { exposeErrors }).body).toStrictEqual(body);
    expect(encodeErrorValue(error, { exposeErrors })).toStrictEqual(body);
    expect(encode(['m'], { exposeErrors }).body).toEqual(['m']);
    expect(encode(error, { exposeErrors, exposeError: () => false }).body).toEqual(internal);
    for (const other of [undefined, 'marked', 'ALL'] as const)
      expect(encode(error, { exposeErrors: other as undefined }).body).toEqual(internal);
  });

  it('has a hint about @Exposed() in development mode if it is hidden', () => {
    const { hint } = encode(new DriverError('m'), { developmentMode: true });
    expect(hint).toMatch(/DriverError.*@Exposed\(\)/);
    expect(encode(new DriverError('m')).hint).toBeUndefined();
    for (const thrown of [undefined, 'text', Object.create(null)])
      expect(() => encode(thrown, { developmentMode: true, exposeError: () => false })).not.toThrow();
  });

  it('can be mapped to a status and a body', () => {
    const mapError = (error: unknown) =>
      error instanceof DriverError ? { status: 418, body: { message: 'mapped' } } : undefined;
    expect(encode(new DriverError('m'), { mapError })).toEqual({
      status: 418,
      body: { message: 'mapped' },
      internal: false,
      whole: false,
    });
    expect(encode(new Error('m'), { mapError }).status).toBe(500);
  });

  it('follows the same rules as a member of a value', () => {
    expect(encodeErrorValue(new Error('m'))).toEqual({ message: 'm', isError: true, name: 'Error' });
    expect(encodeErrorValue(new DriverError('secret'))).toEqual({ ...internal, activityId: '' });
  });
});

describe('the members of an error that callers see', () => {
  it('have an error without its stack, its cause and those of its own members', () => {
    const inner = withMembers(new IModelError(7, 'inner'), {
      cause: new Error('secret'),
      detail: { stack: 'secret', kept: 1 },
      list: [{ cause: 'secret' }],
    });
    expect(visibleMembers({ message: 'outer', inner }, {})).toStrictEqual({
      message: 'outer',
      inner: expect.objectContaining({ message: 'inner', errorNumber: 7, detail: { kept: 1 }, list: [{}] }),
    });
    expect(JSON.stringify(visibleMembers({ inner }, {}))).not.toContain('secret');
  });

  it('have no member named __proto__', () => {
    const inner = JSON.parse('{"__proto__":{"a":1},"b":2}') as object;
    expect(JSON.stringify(visibleMembers({ inner }, {}))).toBe('{"inner":{"b":2}}');
  });

  it('have primitives as they are, null among them, and no BigInt', () => {
    const same = { a: null, b: 'x', c: 1, list: [null, 'x', 'x', true], inner: { b: 'x', none: null } };
    expect(visibleMembers({ ...same, big: 1n }, {})).toStrictEqual({ ...same, big: undefined });
  });

  it('have an error that refers to itself once', () => {
    const inner: Error = withMembers(new IModelError(7, 'inner'), { again: undefined as unknown });
    (inner as unknown as { again: Error }).again = inner;
    expect(JSON.parse(JSON.stringify(visibleMembers({ inner }, {})))).toEqual({
      inner: { message: 'inner', errorNumber: 7, isError: true, name: expect.any(String) },
    });
  });
});
