import { describe, expect, it } from '@jest/globals';
import { nameError, wireNameOf } from './error.name.js';

const named = (wireName: string): Error => {
  const error = new Error('m');
  nameError(error, wireName);
  return error;
};

describe('nameError', () => {
  it.each([
    ['Error (65604)', 'NoContentError'],
    ['Error (65606)', 'NotFoundError'],
    ['Error (65608)', 'AbortedError'],
    ['RpcInterfaceStatus.IncompatibleVersion', 'IncompatibleVersionError'],
    ['Error (7000000)', 'NumberedError'],
  ])('replaces %s by %s, and the wire keeps the original', (wireName, name) => {
    const error = named(wireName);
    expect(error.name).toBe(name);
    expect(wireNameOf(error, error.name)).toBe(wireName);
  });

  it.each(['Not Found', 'Error', 'OutOfStock', 'Error (7) of mine', '', 'constructor'])(
    'keeps the name %j',
    (name) => {
      const error = named(name);
      expect([error.name, wireNameOf(error, error.name)]).toEqual([name, name]);
    },
  );
});

describe('wireNameOf', () => {
  it('returns a name that an application gave an error afterwards', () => {
    const error = named('Error (65606)');
    error.name = 'NoSuchShelf';
    expect(wireNameOf(error, error.name)).toBe('NoSuchShelf');
  });

  it('returns the name of an error that was named without nameError', () => {
    const error = Object.assign(new Error('m'), { name: 'NotFoundError' });
    expect(wireNameOf(error, error.name)).toBe('NotFoundError');
  });
});
