import { describe, expect, it } from '@jest/globals';
import {
  newKey,
  readClientHello,
  readServerHello,
  writeClientHello,
  writeServerHello,
  writeSessionNotFound,
} from './handshake.js';

const violation = (message: string) => expect.objectContaining({ code: 1002, message });
const KEY = 'k'.repeat(20);

describe('a random key of the handshake', () => {
  it('is four random numbers of 32 bits', () => {
    const keys = Array.from({ length: 200 }, newKey);
    expect(new Set(keys).size).toBe(200);
    for (const key of keys) {
      const numbers = key.split('-').map(Number);
      expect(numbers).toHaveLength(4);
      for (const number of numbers) expect(number >>> 0).toBe(number);
    }
  });
});

it('a session begins without a key on a platform without crypto', () => {
  const { crypto } = globalThis;
  for (const missing of [undefined, {}]) {
    Object.defineProperty(globalThis, 'crypto', { value: missing, configurable: true, writable: true });
    try {
      expect(readClientHello(writeClientHello({ sessionId: '', secret: newKey() }, 0, 1))).toBeUndefined();
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true, writable: true });
    }
  }
});

describe('a client hello', () => {
  it.each([
    ['of a session that begins', { sessionId: '', secret: KEY }, 0, 0],
    ['of a session that goes on', { sessionId: 'id', secret: 's' }, 7, 3],
  ])('is read as it was written: %s', (_name, keys, received, attempt) => {
    expect(readClientHello(writeClientHello(keys, received, attempt))).toEqual({
      ...keys,
      received,
      attempt,
    });
  });

  it('needs neither a session nor an attempt', () => {
    expect(readClientHello([9])).toBeUndefined();
    expect(readClientHello([9, 'id', 's', 7])).toEqual({
      sessionId: 'id',
      secret: 's',
      received: 7,
      attempt: 0,
    });
  });

  it.each([
    ['a session that is not a text', [9, 1, KEY, 0]],
    ['a secret that is not a text', [9, 'id', 1, 0]],
    ['no secret', [9, 'id']],
    ['a key that could be guessed', [9, '', KEY.slice(1), 0]],
    ['a number of messages that is not a count', [9, 'id', 's', -1]],
    ['an attempt that is not a count', [9, 'id', 's', 0, '1']],
  ])('is refused if it has %s', (_name, list) => {
    expect(() => readClientHello(list)).toThrow(violation('A client hello that names no session.'));
  });

  it('is the first message of a connection', () => {
    for (const list of [[], [8, 'id', 's', 0], ['9']])
      expect(() => readClientHello(list)).toThrow(violation('A connection begins with a client hello.'));
  });
});

describe('a server hello', () => {
  const hello = { sessionId: 'id', secret: 's', graceMs: 500, received: 7 };

  it.each([true, false])(
    'is read as it was written, also if both sides are on one computer: %s',
    (isNative) => {
      const list = writeServerHello({ ...hello, isNative });
      expect(list).toEqual(isNative ? [10, 'id', 's', 500, 7, true] : [10, 'id', 's', 500, 7]);
      expect(readServerHello(list)).toEqual({ kind: 'hello', ...hello, isNative });
    },
  );

  it('is native only if it says so by true', () => {
    expect(readServerHello([10, 'id', 's', 500, 7, 1])).toMatchObject({ isNative: false });
  });

  it('can be a session that was not found', () => {
    const list = writeSessionNotFound('gone');
    expect(list).toEqual([11, 'gone']);
    expect(readServerHello(list)).toEqual({ kind: 'sessionNotFound', reason: 'gone' });
  });

  it.each([
    ['of another type', [9, 'id', 's', 500, 7]],
    ['without a session', [10, 1, 's', 500, 7]],
    ['without a secret', [10, 'id', 1, 500, 7]],
    ['without a grace time', [10, 'id', 's', '500', 7]],
    ['without a number of messages', [10, 'id', 's', 500]],
    ['with a reason that is not a text', [11, 1]],
  ])('is refused: %s', (_name, list) => {
    expect(() => readServerHello(list)).toThrow(violation('The backend sends no server hello.'));
  });
});
