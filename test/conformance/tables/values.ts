import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/** A value that crosses the wire, and what is on the other side. */
export interface GuaranteedValue {
  name: string;
  value: unknown;
  /** Default: the value itself. */
  expected?: unknown;
  /** The client marshals as the reference does, which is not what is promised here: it is sent by us only. */
  fromServerOnly?: boolean;
}

/** A value that is refused where it is sent, with a text that says where in it the reason is. */
export interface RefusedValue {
  name: string;
  value: unknown;
  message: string;
}

const bytes = (...values: number[]) => Uint8Array.of(...values);
const same = bytes(1, 2);
const cycle: { list: unknown[] } = { list: [] };
cycle.list.push({ up: cycle });
const sparse = [1];
sparse[3] = 4;

/** The promise: what every transport carries, both ways. */
export const values: GuaranteedValue[] = [
  { name: 'nothing', value: undefined },
  { name: 'null', value: null },
  { name: 'true', value: true },
  { name: 'false', value: false },
  { name: 'zero', value: 0 },
  { name: 'negative zero', value: -0, expected: 0 },
  { name: 'the smallest number', value: Number.MIN_VALUE },
  { name: 'the largest number', value: Number.MAX_VALUE },
  { name: 'NaN', value: NaN, expected: null },
  { name: 'infinities', value: [Infinity, -Infinity], expected: [null, null] },
  { name: 'an empty text', value: '' },
  { name: 'Latin-1', value: 'é ü ß ÿ' },
  { name: 'other letters', value: 'Ж 中 ا' },
  { name: 'emoji', value: '😀 👩‍👩‍👧' },
  { name: 'control characters', value: '\0\u0001\b\n\r\t\u001f\u007f\u2028\u2029' },
  { name: 'quotes and backslashes', value: '"\'\\' },
  { name: 'lone surrogates', value: '\ud800 \udfff' },
  { name: 'a byte order mark', value: '\ufeffx' },
  { name: 'a long text', value: 'aé😀'.repeat(100_000) },
  { name: 'an empty list', value: [] },
  { name: 'an empty object', value: {} },
  { name: 'a list with gaps', value: sparse, expected: [1, null, null, 4] },
  { name: 'undefined in a list', value: [undefined, 1], expected: [null, 1] },
  { name: 'undefined as a member', value: { a: undefined, b: 1 }, expected: { b: 1 } },
  { name: 'functions', value: { f: () => 1, list: [() => 1] }, expected: { list: [null] } },
  { name: 'symbols', value: { s: Symbol('s'), list: [Symbol('s')] }, expected: { list: [null] } },
  { name: 'a date', value: new Date(0), expected: '1970-01-01T00:00:00.000Z' },
  { name: 'an invalid date', value: [new Date(NaN)], expected: [null] },
  { name: 'an object with toJSON', value: { toJSON: () => 'json' }, expected: 'json' },
  {
    name: 'an object of a class',
    value: new (class Point {
      x = 1;
      get y() {
        return 2;
      }
    })(),
    expected: { x: 1 },
  },
  { name: 'odd names', value: { '': 1, constructor: 2, toString: 3, 'a b': 4, '😀': 5 } },
  { name: 'false isBinary', value: { isBinary: false } },
  { name: 'deep nesting', value: JSON.parse(`${'['.repeat(500)}1${']'.repeat(500)}`) },
  { name: 'bytes', value: bytes(0, 1, 254, 255) },
  { name: 'no bytes', value: bytes() },
  { name: 'many bytes', value: Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256) },
  { name: 'bytes that look like multipart', value: [1, new Uint8Array(Buffer.from('\r\n--x\r\n\r\n--'))] },
  { name: 'a part of a larger buffer', value: { part: bytes(1, 2, 3, 4).subarray(1, 3) } },
  { name: 'bytes in an object', value: { a: { b: [bytes(1), { c: bytes(2, 3) }] }, d: 'text' } },
  { name: 'no bytes between bytes', value: { list: [1, bytes(1), bytes(), bytes(2)] } },
  { name: 'the same bytes twice', value: { a: same, b: same } },
  { name: 'a list that begins with bytes', value: [bytes(1), bytes(2), 'x'] },
  {
    name: 'a Buffer',
    value: { buffer: Buffer.of(1, 2) },
    expected: { buffer: bytes(1, 2) },
    fromServerOnly: true,
  },
  { name: 'a Buffer by itself', value: Buffer.of(1, 2), expected: bytes(1, 2) },
  {
    name: 'memory',
    value: { memory: bytes(1, 2).buffer },
    expected: { memory: bytes(1, 2) },
    fromServerOnly: true,
  },
];

/** The value at the other end. */
export function expectedOf(each: GuaranteedValue): unknown {
  return 'expected' in each ? each.expected : each.value;
}

/** The value that an operation receives as an argument. An absent argument is null in a list of arguments. */
export function argumentOf(each: GuaranteedValue): unknown {
  return expectedOf(each) ?? null;
}

/** Objects that JSON would make `{}` of, or that it would write with their private members. */
const uncarried: Record<string, unknown> = {
  Map: new Map([[1, 2]]),
  Set: new Set([1]),
  RegExp: /x/,
  Blob: new Blob(['x']),
  File: new File(['x'], 'x'),
  FormData: new FormData(),
  URLSearchParams: new URLSearchParams('a=1'),
  Headers: new Headers({ a: '1' }),
  SharedArrayBuffer: new SharedArrayBuffer(1),
  WeakMap: new WeakMap(),
  BigInt64Array: BigInt64Array.of(1n),
  StreamableFile: new StreamableFile(bytes(1)),
  promise: Promise.resolve(1),
  stream: new ReadableStream(),
};

/** Values that are refused whole, because they cannot be sent. */
export const refused: RefusedValue[] = [
  { name: 'a cycle', value: cycle, message: 'value.list[0].up refers back' },
  {
    name: 'a cycle beside bytes',
    value: { a: bytes(1), cycle },
    message: 'value.cycle.list[0].up refers back',
  },
  { name: 'a BigInt', value: { a: [1, 2n] }, message: 'value.a[1] is a BigInt' },
  { name: 'a BigInt by itself', value: 1n, message: 'value is a BigInt' },
  {
    name: 'a Map with a member of its own',
    value: [Object.assign(new Map([[1, 2]]), { label: 'x' })],
    message: 'value[0] is of kind Map; send its entries',
  },
  {
    name: 'a Set of a class with fields',
    value: new (class Labels extends Set<string> {
      readonly label = 'x';
    })(['y']),
    message: 'value is of kind Set; send its entries',
  },
  {
    name: 'a Readable of Node in a list',
    value: { a: [1, { content: Readable.from(['x']) }] },
    message: 'value.a[1].content is of kind stream; send its bytes',
  },
  ...Object.entries(uncarried).map(([kind, value]) => ({
    name: `${kind} in a list`,
    value: { a: [1, { content: value }] },
    message: `value.a[1].content is of kind ${kind}; `,
  })),
];

/** Values that IPC carries, and RPC over HTTP does not. */
export const refusedOverRpc: RefusedValue[] = [
  Uint16Array.of(7),
  Float64Array.of(1.5),
  new DataView(bytes(1).buffer),
].map((value) => {
  const kind = value[Symbol.toStringTag];
  return {
    name: `a ${kind}`,
    value: { list: [value] },
    message: `value.list[0] is of kind ${kind}; send its bytes`,
  };
});
