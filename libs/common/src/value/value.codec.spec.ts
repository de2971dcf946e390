import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeValue, encodeValue } from './value.codec.js';

const depth = 512;
const roundTrip = (value: unknown) => {
  const { objects, data } = encodeValue(value);
  return decodeValue(objects, data, depth);
};

/** JSON values and bytes, at any depth; names that the wire keeps for itself are left out. */
const wireValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((key) => !['isBinary', '__proto__', 'toJSON'].includes(key)),
      tie('value'),
      { noNullPrototype: true },
    ),
  ),
})).value;

describe('a value over RPC', () => {
  it('comes back as it was sent', () => {
    fc.assert(fc.property(wireValue, (value) => expect(roundTrip(value)).toEqual(value)));
  });

  it('has the same JSON beside bytes as without bytes', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const value: unknown = JSON.parse(json);
        const withBytes = encodeValue([value, new Uint8Array()]).objects;
        const marker = ',{"isBinary":true,"index":0,"size":0,"chunks":1}]';
        expect(withBytes).toBe(`[${encodeValue(value).objects}${marker}`);
      }),
    );
  });

  it('can be absent, which differs from null', () => {
    expect(encodeValue(undefined)).toEqual({ objects: '', data: [] });
    expect(roundTrip(undefined)).toBeUndefined();
    expect(roundTrip(null)).toBeNull();
    expect(encodeValue(() => 1).objects).toBe('');
    expect(encodeValue(Symbol('s')).objects).toBe('');
  });

  it('has its bytes in document order, once for each occurrence', () => {
    const same = Uint8Array.of(1);
    const { objects, data } = encodeValue({ b: same, a: [Uint8Array.of(2), same] });
    expect(data).toEqual([same, Uint8Array.of(2), same]);
    expect(JSON.parse(objects)).toEqual({
      b: { isBinary: true, index: 0, size: 1, chunks: 1 },
      a: [
        { isBinary: true, index: 1, size: 1, chunks: 1 },
        { isBinary: true, index: 2, size: 1, chunks: 1 },
      ],
    });
  });

  it('keeps bytes that a toJSON returns', () => {
    expect(encodeValue({ toJSON: () => ({ bytes: Uint8Array.of(7) }) }).data).toEqual([Uint8Array.of(7)]);
  });

  it('can contain an error, which follows the rules of errors', () => {
    const error = Object.assign(new Error('m', { cause: 'c' }), { detail: 1 });
    expect(roundTrip([error])).toEqual([{ message: 'm', isError: true, name: 'Error' }]);
    const whole = encodeValue([error], { exposeErrors: 'all' }).objects;
    expect(JSON.parse(whole)).toEqual([{ message: 'm', detail: 1, isError: true, name: 'Error' }]);
    class Driver extends Error {}
    expect(roundTrip({ e: new Driver('secret') })).not.toHaveProperty('e.message', 'secret');
  });
});

describe('a value that cannot be sent over RPC', () => {
  const cycle: { list: unknown[] } = { list: [{}] };
  (cycle.list[0] as Record<string, unknown>)['up'] = cycle;
  let deep: unknown = 'end';
  for (let i = 0; i < 100_000; i++) deep = [deep];

  it.each([
    ['a cycle', cycle, 'value.list[0].up refers back'],
    ['a BigInt', { a: [1, { b: 2n }] }, 'value.a[1].b is a BigInt'],
    ['a BigInt beside bytes', { bytes: Uint8Array.of(1), big: 1n }, 'value.big is a BigInt'],
    ['a cycle beside bytes', [Uint8Array.of(1), cycle], 'value[1].list[0].up refers back'],
    ['a value too deep to write', deep, 'The value cannot be sent'],
  ])('is refused with its path: %s', (_name, value, message) => {
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ errorNumber: 32768 }));
    expect(() => encodeValue(value)).toThrow(message);
  });

  it('does not include a value that only occurs twice', () => {
    const twice = { a: 1 };
    expect(encodeValue([twice, twice]).objects).toBe('[{"a":1},{"a":1}]');
  });
});

describe('a value from a peer of RPC', () => {
  const bytes = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const marker = (members: object) =>
    JSON.stringify({ isBinary: true, index: 0, size: 3, chunks: 2, ...members });

  it.each([
    ['{}x', 'Invalid JSON: "{}x"'],
    ['[1,', 'Invalid JSON: "[1,"'],
    [`"${'x'.repeat(500)}`, /Invalid JSON: ".{100}…"$/],
    [marker({ index: 2 }), 'Cannot unmarshal missing binary value.'],
    [marker({ index: 1 }), 'Cannot unmarshal missing binary value.'],
    [marker({ index: -1 }), 'malformed binary'],
    [marker({ index: 0.5 }), 'malformed binary'],
    [marker({ index: undefined }), 'malformed binary'],
    [marker({ chunks: '1' }), 'malformed binary'],
    [marker({ chunks: Number.MAX_SAFE_INTEGER }), 'missing binary'],
    [marker({ size: 2 ** 40 }), 'a binary value of 3 bytes announced as 1099511627776'],
    [marker({ size: -1 }), 'malformed binary'],
    ['{"a":{"__proto__":{"admin":true}}}', '__proto__'],
    [String.raw`{"\u005f_proto__":1}`, '__proto__'],
    [String.raw`[{"\u005f\u005fproto\u005f\u005f":1}]`, '__proto__'],
  ])('is refused if it is %s', (text, message) => {
    expect(() => decodeValue(text, bytes, depth)).toThrow(message);
  });

  it('can have markers in chunks, and markers of no bytes', () => {
    expect(decodeValue(marker({}), bytes, depth)).toEqual(Uint8Array.of(1, 2, 3));
    expect(decodeValue(marker({ chunks: 1, index: 1 }), bytes, depth)).toEqual(Uint8Array.of(3));
    expect(decodeValue(marker({ chunks: 0, index: 9 }), bytes, depth)).toEqual(new Uint8Array());
  });

  it('can have a member isBinary that is false', () => {
    expect(decodeValue('{"isBinary":false}', [], depth)).toEqual({ isBinary: false });
  });

  it('is read down to the allowed depth, where brackets in text do not count', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => decodeValue(nested(4), [], 4)).not.toThrow();
    expect(() => decodeValue(nested(5), [], 4)).toThrow('nested deeper than 4');
    expect(() => decodeValue(`${'{"a":'.repeat(5)}1${'}'.repeat(5)}`, [], 4)).toThrow('nested deeper than 4');
    expect(decodeValue(String.raw`["[[[[[[\"[[[[", "{{{{{{"]`, [], 4)).toEqual(['[[[[[["[[[[', '{{{{{{']);
    expect(() => decodeValue('['.repeat(5_000_000), [], depth)).toThrow('nested deeper');
  });

  it('fails with a numbered error at most', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.uint8Array()), (text, data) => {
        try {
          decodeValue(text, data, depth);
        } catch (error) {
          expect(error).toHaveProperty('errorNumber', 32768);
        }
      }),
    );
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });
});
