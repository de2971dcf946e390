import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../../base/limits.js';
import { expectedOf, refused, values } from '../../../../../../test/conformance/tables/values.js';
import { structuredCloneEncoding } from './structured.encoding.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import { prepareResponse, prepareSend } from '../../message/outgoing.message.js';

/** Sends a value as a port does, and reads it as if it had come from a peer. */
function roundTrip(value: unknown): unknown {
  const { content } = structuredCloneEncoding.prepare(prepareSend('c', [value]), () => 0);
  const { list } = structuredCloneEncoding.parse(
    structuredClone(structuredCloneEncoding.frame(0, [content])),
    defaultIpcLimits,
  );
  return (list[1] as [number, string, unknown[]])[2][0];
}

const parse = (frame: unknown, limits = defaultIpcLimits) =>
  structuredCloneEncoding.parse(structuredClone(frame) as IpcFrame, limits).list;

function refusal(frame: unknown, limits = defaultIpcLimits): string {
  try {
    parse(frame, limits);
  } catch (error) {
    if (error instanceof IpcProtocolError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'was taken';
}

describe('a value in the structured clone encoding', () => {
  it.each(values)('arrives as on every wire: $name', (each) => {
    expect(roundTrip(each.value)).toStrictEqual(expectedOf(each) ?? null);
  });

  it.each(refused)('is refused as on every wire: $name', ({ value, message }) => {
    expect(() => structuredCloneEncoding.prepare(prepareResponse('c', 1, value, 'result'), () => 0)).toThrow(
      message,
    );
  });

  it('does not change after it was sent', () => {
    const array = Uint8Array.of(1, 2);
    const { content } = structuredCloneEncoding.prepare(prepareSend('c', [array]), () => 0);
    array[0] = 9;
    expect(content).toEqual([0, 'c', [Uint8Array.of(1, 2)]]);
  });

  it('does not contain the memory around its arrays', () => {
    const all = Buffer.from('the secret of somebody else');
    const { content } = structuredCloneEncoding.prepare(prepareSend('c', [all.subarray(4, 6)]), () => 0);
    const [, , [sent]] = content as [number, string, [Uint8Array]];
    expect(sent.buffer.byteLength).toBe(2);
  });

  it('leaves its envelope empty if it is undefined', () => {
    const { content } = structuredCloneEncoding.prepare(
      prepareResponse('c', 1, undefined, 'result'),
      () => 0,
    );
    expect(content).toStrictEqual([3, 1, 'c', {}]);
  });

  it('is the same if it was encoded as text for another peer before', () => {
    const list = [1];
    const message = prepareSend('c', [{ list, bytes: Uint8Array.of(7) }]);
    message.data.encode();
    list.push(2);
    expect(structuredCloneEncoding.prepare(message, () => 0).content).toEqual([
      0,
      'c',
      [{ list: [1], bytes: Uint8Array.of(7) }],
    ]);
  });
});

describe('a frame of a peer in the structured clone encoding', () => {
  it.each([
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a map', new Map([[1, 2]]), {}],
    ['a regular expression', /x/, {}],
    ['an error', new RangeError('x'), expect.anything()],
    ['memory', new ArrayBuffer(2), Uint8Array.of(0, 0)],
    ['shared memory', new SharedArrayBuffer(8), {}],
    ['undefined', undefined, null],
    ['a boxed text', Object('x'), 'x'],
  ])('is read as JSON would write it: %s', (_name, value, expected) => {
    expect(parse([0, [value]])).toEqual([0, [expected]]);
  });

  it('is not copied again if it owns its memory', () => {
    const own = Uint8Array.of(1, 2);
    const [array] = structuredCloneEncoding.parse([own], defaultIpcLimits).list as [Uint8Array];
    expect(array).toEqual(own);
    expect(array.buffer).toBe(own.buffer);
  });

  it('is copied if its memory is shared or can grow', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    const growing = new Uint8Array(new (ArrayBuffer as any)(4, { maxByteLength: 100 }) as ArrayBuffer);
    const part = new Uint8Array(100).subarray(10, 14);
    const [first, ...others] = structuredCloneEncoding.parse([shared, growing, part], defaultIpcLimits)
      .list as Uint8Array[];
    shared[0] = 1;
    expect(first).toEqual(new Uint8Array(4));
    for (const each of [first!, ...others])
      expect(Object.prototype.toString.call(each.buffer) + each.buffer.byteLength).toBe(
        '[object ArrayBuffer]4',
      );
  });

  it.each([
    [
      'a cycle',
      () => {
        const list: unknown[] = [];
        list.push(list);
        return list;
      },
      /^1007 .*nested/,
    ],
    ['a BigInt', () => [0, 1n], /^1007 /],
    ['a list of BigInts', () => [0, new BigInt64Array(1)], /^1007 /],
    ['a member named __proto__', () => [0, JSON.parse('{"__proto__":{"x":1}}')], /^1007 .*__proto__/],
  ] as [string, () => unknown, RegExp][])('is refused if it contains %s', (_name, make, expected) => {
    expect(refusal(make())).toMatch(expected);
  });

  it('costs no more than messageBytes if a list declares a long length', () => {
    const list: unknown[] = [];
    list.length = 1e9;
    const limits = { ...defaultIpcLimits, messageBytes: 100_000 };
    expect(() => structuredCloneEncoding.parse([0, list], limits)).toThrow('larger than 100000 bytes');
  });

  it('costs no more than messageBytes if a list is referred to very often', () => {
    let list: unknown[] = ['x'];
    for (let i = 0; i < 60; i++) list = [list, list];
    const start = process.cpuUsage();
    expect(refusal([0, list], { ...defaultIpcLimits, messageBytes: 100_000 })).toMatch(/^1009 /);
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(5_000);
  });

  it.each([
    ['text', 'x'],
    ['bytes', Uint8Array.of(1)],
    ['a record', { length: 1, 0: 1 }],
    ['nothing', null],
  ])('is refused if it is not a list but %s', (_name, frame) => {
    expect(refusal(frame)).toMatch(/^1007 /);
  });
});
