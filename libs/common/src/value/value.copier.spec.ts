import { describe, expect, it } from '@jest/globals';
import { IModelError } from '../error/imodel.error.js';
import { ValueCopier } from './value.copier.js';
import type { CopyRules } from './value.copier.js';

const rules: CopyRules = { depth: 3, bytes: 1e6, arrayOf: (view) => view, check: () => undefined };
const received: CopyRules = { ...rules, refused: (_item, { message }) => message };
const copy = (value: unknown, own: Partial<CopyRules> = {}, from = rules) =>
  new ValueCopier({ ...from, ...own }).copy(value);

/** The bytes that a copy takes. */
function bytesOf(value: unknown): number {
  const copier = new ValueCopier(rules);
  copier.copy(value);
  return copier.bytes;
}

describe('a copy by ValueCopier', () => {
  it.each<[string, unknown]>([
    ['primitives', ['x', 1.5, true, false, null]],
    ['numbers that JSON lacks', [NaN, Infinity, -0]],
    ['dropped members', { a: undefined, b: () => 1, c: Symbol('c'), d: 1 }],
    ['dropped items', [undefined, () => 1]],
    ['a date', { at: new Date(0) }],
    ['toJSON with the key', [{ toJSON: (key: string) => `key ${key}` }]],
    ['boxed primitives', [Object(1), Object('x'), Object(true)]],
    ['holes', Array.from({ length: 3 }).fill(1, 1, 2)],
    ['members of a prototype', Object.create({ hidden: 1 })],
  ])('is what JSON makes of the value: %s', (_name, value) => {
    expect(copy(value)).toStrictEqual(JSON.parse(JSON.stringify(value)));
  });

  it('has an error as callers see it', () => {
    expect(copy(new IModelError(7, 'm'))).toEqual({
      message: 'm',
      errorNumber: 7,
      isError: true,
      name: expect.any(String),
    });
    expect(copy(new TypeError('secret'))).toMatchObject({ message: 'Internal error' });
    const shown = copy(new TypeError('shown'), { exposure: { exposeErrors: 'all' } });
    expect(shown).toMatchObject({ message: 'shown' });
  });

  it('has the arrays of its rules, and memory as an array', () => {
    const seen: ArrayBufferView[] = [];
    const arrayOf = (view: ArrayBufferView) => {
      seen.push(view);
      return new Int8Array(1);
    };
    expect(copy([Uint8Array.of(1), new ArrayBuffer(2)], { arrayOf })).toEqual([
      new Int8Array(1),
      new Int8Array(1),
    ]);
    expect(seen).toEqual([Uint8Array.of(1), new Uint8Array(2)]);
  });

  it.each([
    ['a BigInt', 1n, 'it has a BigInt'],
    ['a map', new Map(), 'it has a Map'],
    ['a member named __proto__', JSON.parse('{"__proto__":1}'), 'a member may not be named "__proto__"'],
  ])('is not made of %s', (_name, value, message) => {
    expect(() => copy([value])).toThrow(message);
  });

  it('asks its rules about each record', () => {
    const seen: unknown[] = [];
    const value = { a: { b: 1 } };
    copy([value], { check: (record) => seen.push(record) });
    expect(seen).toEqual([value, value.a]);
  });
});

describe('the limits of ValueCopier', () => {
  it('accept the depth, and no more', () => {
    expect(copy([[[]]])).toEqual([[[]]]);
    expect(copy([[[]], { a: {} }])).toEqual([[[]], { a: {} }]);
    expect(() => copy([[[[]]]])).toThrow('The value is nested deeper than 3 levels.');
    expect(() => copy({ a: { b: { c: {} } } })).toThrow('nested deeper than 3 levels');
  });

  it.each<[string, unknown, number]>([
    ['a number', 1, 8],
    ['a text', 'abc', 8 + 3],
    ['a list', [null, true], 8 + 48 + 2 * 8],
    ['an object', { key: 'abc' }, 8 + 48 + 3 + 8 + 3],
    ['an array', new Uint8Array(100), 8 + 100],
    ['memory', new ArrayBuffer(100), 8 + 100],
  ])('count the bytes of %s', (_name, value, bytes) => {
    expect(bytesOf(value)).toBe(bytes);
    expect(copy(value, { bytes })).toEqual(copy(value));
    expect(() => copy(value, { bytes: bytes - 1 })).toThrow(`The value is larger than ${bytes - 1} bytes.`);
  });

  it('refuse a long list before its items are read', () => {
    let read = 0;
    const list = Array.from({ length: 100 }, () => ({ toJSON: () => read++ }));
    expect(() => copy(list, { bytes: 500 })).toThrow('larger than 500 bytes');
    expect(read).toBe(0);
  });

  it('accept 1024 holes from a peer', () => {
    const sparse = (holes: number) => {
      const list: unknown[] = [1];
      list.length = holes + 1;
      return list;
    };
    expect(copy(sparse(1024), {}, received)).toHaveLength(1025);
    expect(() => copy(sparse(1025), {}, received)).toThrow('The value has lists with too many holes.');
    expect(copy([undefined, ...sparse(1024)], {}, received)).toHaveLength(1026);
    expect(copy(sparse(1025))).toHaveLength(1026);
  });

  it('accept an object from a peer that stands in two places behind a long text', () => {
    const shared = { a: 1 };
    const value = ['x'.repeat(100_000), shared, shared];
    expect(copy(value, {}, received)).toEqual(value);
  });

  it('refuse an object from a peer that stands in very many places', () => {
    const shared = [['x'.repeat(100)], 1];
    const list = Array.from({ length: 2000 }, () => shared);
    expect(() => copy(list, {}, received)).toThrow(
      'The value is too large: an object stands in many places.',
    );
    expect(copy(list)).toHaveLength(2000);
    const apart = Array.from({ length: 2000 }, () => [['x'.repeat(100)], 1]);
    expect(copy(apart, {}, received)).toHaveLength(2000);
    const few = Array.from({ length: 100 }, () => shared);
    expect(copy(few, {}, received)).toHaveLength(100);
  });
});

describe('a member named __proto__ from a peer', () => {
  const evil = JSON.parse('{"a":1,"__proto__":{"b":2}}') as object;

  it('replaces the item of the outer list, and no other item', () => {
    const refusal = 'The value cannot be sent: a member may not be named "__proto__".';
    expect(copy([1, [evil], { a: 2 }, evil, 3], {}, received)).toEqual([1, refusal, { a: 2 }, refusal, 3]);
  });

  it('is not in the copy that the rules get', () => {
    const items: unknown[] = [];
    const refused = (item: unknown) => items.push(item);
    copy([evil], { refused });
    expect(items).toStrictEqual([{ a: 1 }]);
  });
});
