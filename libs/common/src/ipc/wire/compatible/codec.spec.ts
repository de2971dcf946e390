import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defaultIpcLimits } from '../../../base/limits.js';
import type { NoticeMessage } from '../../message/message.js';
import { parseMessage, parseTextFrame, textFrame } from './codec.js';
import { preparePush, prepareResponse } from '../../message/outgoing.message.js';
import { encodeIpcValue } from '../../message/value.codec.js';

const kinds = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  DataView,
] as const;

/** Bytes of no pattern, in memory where they begin at an offset. */
function memory(length: number, offset: number): Uint8Array {
  const bytes = new Uint8Array(offset + length + 5).map((_, i) => i * 37 + 11);
  return bytes.subarray(offset, offset + length);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex');

const message = (argument: string, ...parts: Uint8Array[]) =>
  parseMessage(`{"type":0,"channel":"c","sequence":0,"data":[${argument}]}`, parts, defaultIpcLimits)
    .message as NoticeMessage;
const read = (argument: string, ...parts: Uint8Array[]) => message(argument, ...parts).data[0];

/** Writes a value, and reads it as if it had come from a peer. */
function roundTrip(value: unknown): unknown {
  const outgoing = preparePush('c', [value]);
  const { parts } = outgoing.data.encode();
  const frame = parseTextFrame(textFrame(outgoing, 5), defaultIpcLimits);
  expect(frame.parts).toBe(parts.length);
  const { sequence, message } = parseMessage(
    frame.json,
    parts.map((part) => part.slice()),
    defaultIpcLimits,
  );
  expect([sequence, message]).toMatchObject([5, { type: 1, channel: 'itwin.c'.slice(6) }]);
  return (message as NoticeMessage).data[0];
}

describe('typed arrays on the compatible wire', () => {
  it.each(kinds.map((kind, code) => [kind.name, kind, code] as const))(
    'are read and written at every offset: %s',
    (_, kind, code) => {
      const size = 'BYTES_PER_ELEMENT' in kind ? kind.BYTES_PER_ELEMENT : 1;
      for (let offset = 0; offset < 9; offset++) {
        for (const count of [0, 1, 3, 1000]) {
          const part = memory(count * size, offset);
          const array = read(`{"ipc":"binary","type":${code},"index":0}`, part) as ArrayBufferView;
          expect(array.constructor).toBe(kind);
          expect(bytesOf(array)).toBe(bytesOf(part));
          const { json, parts } = encodeIpcValue({ array });
          expect(json).toBe(`{"array":{"ipc":"binary","type":${code},"index":0}}`);
          expect(parts.map(bytesOf)).toEqual([bytesOf(part)]);
        }
      }
    },
  );

  it('are views of large aligned parts, and copies of other parts', () => {
    const bytes = memory(80_000, 0);
    const aligned = bytes.subarray(16, 16 + 64_000);
    const marker = '{"ipc":"binary","type":8,"index":0}';
    expect((read(marker, aligned) as Float64Array).buffer).toBe(aligned.buffer);
    const odd = bytes.subarray(17, 17 + 64_000);
    const copied = read(marker, odd) as Float64Array;
    expect(copied.buffer).not.toBe(odd.buffer);
    expect(bytesOf(copied)).toBe(bytesOf(odd));
    // A few bytes do not keep alive the chunk that they came in.
    expect((read(marker, bytes.subarray(0, 8)) as Float64Array).buffer.byteLength).toBe(8);
  });

  it('are sent without a copy', () => {
    const array = new Float64Array(10_000);
    const { parts } = encodeIpcValue([array.subarray(3), Buffer.from(array.buffer, 1, 5)]);
    expect(parts.map(({ buffer }) => buffer)).toEqual([array.buffer, array.buffer]);
    expect(parts.map(({ buffer }) => buffer === array.buffer)).toEqual([true, true]);
    expect(parts.map(({ byteOffset, byteLength }) => [byteOffset, byteLength])).toEqual([
      [24, 79_976],
      [1, 5],
    ]);
  });

  it('can be Buffers, in shared memory, or empty', () => {
    const shared = new Uint16Array(new SharedArrayBuffer(6)).fill(7);
    const value = roundTrip([
      Buffer.from('é'),
      shared,
      new DataView(new ArrayBuffer(0)),
    ]) as ArrayBufferView[];
    expect(value.map((array) => array.constructor.name)).toEqual(['Uint8Array', 'Uint16Array', 'DataView']);
    expect(value.map(bytesOf)).toEqual(['c3a9', '070007000700', '']);
  });

  it('are numbered in the order of the text, once for each occurrence', () => {
    const array = Uint8Array.of(1);
    const { json, parts } = encodeIpcValue({ b: [array, { c: array }], a: Int8Array.of(2) });
    expect([...json!.matchAll(/"index":(\d)/g)].map(([, index]) => index)).toEqual(['0', '1', '2']);
    expect(parts.map(bytesOf)).toEqual(['01', '01', '02']);
  });

  it.each([BigInt64Array, BigUint64Array])('are refused if they hold BigInts: %p', (kind) => {
    expect(() => encodeIpcValue({ a: new kind(1) })).toThrow(kind.name);
  });
});

describe('markers of typed arrays on the compatible wire', () => {
  it.each([
    ['an index out of range', '{"ipc":"binary","type":0,"index":1}'],
    ['a negative index', '{"ipc":"binary","type":0,"index":-1}'],
    ['a fraction as index', '{"ipc":"binary","type":0,"index":0.5}'],
    ['a text as index', '{"ipc":"binary","type":0,"index":"0"}'],
    ['length as index', '{"ipc":"binary","type":0,"index":"length"}'],
    ['neither type nor index', '{"ipc":"binary"}'],
    ['an unknown kind', '{"ipc":"binary","type":10,"index":0}'],
    ['BigInts', '{"ipc":"binary","type":-1,"index":0}'],
    ['three bytes for elements of four', '{"ipc":"binary","type":5,"index":0}'],
    ['escaped letters', String.raw`{"\u0069p\u0063":"bin\u0061ry","type":0,"index":9}`],
  ])('are refused: %s', (_, argument) => {
    expect(() => read(argument, Uint8Array.of(1, 2, 3))).toThrow(expect.objectContaining({ code: 1007 }));
  });

  it('can name a part several times, and the arrays share its memory', () => {
    const [bytes, again, words] = read(
      '[{"ipc":"binary","type":0,"index":0},{"ipc":"binary","type":0,"index":0},{"ipc":"binary","type":4,"index":0}]',
      Uint8Array.of(1, 0, 2, 0),
    ) as [Uint8Array, Uint8Array, Uint16Array];
    expect([bytes, again, words]).toEqual([
      Uint8Array.of(1, 0, 2, 0),
      Uint8Array.of(1, 0, 2, 0),
      Uint16Array.of(1, 2),
    ]);
    expect(new Set([bytes.buffer, again.buffer, words.buffer]).size).toBe(1);
  });

  it('share the memory of a part that was copied, too', () => {
    const small = memory(8, 3);
    const [bytes, words] = read(
      '[{"ipc":"binary","type":0,"index":0},{"ipc":"binary","type":4,"index":0}]',
      small,
    ) as [Uint8Array, Uint16Array];
    expect(bytes.buffer).not.toBe(small.buffer);
    expect(words.buffer).toBe(bytes.buffer);
  });

  it('are only objects with the member ipc of "binary"', () => {
    for (const argument of ['{"ipc":"binary2"}', '{"ipc":true}', '["ipc","binary"]', '"ipc"'])
      expect(read(argument, Uint8Array.of(1))).toEqual(JSON.parse(argument));
  });

  it('cannot be sent by objects that only look like them', () => {
    const fake = { ipc: 'binary', type: 0, index: 0 };
    expect(() => encodeIpcValue([fake, Uint8Array.of(1)])).toThrow('would be taken for a typed array');
    expect(() => encodeIpcValue([JSON.stringify(fake)])).not.toThrow();
  });
});

describe('a text frame of the compatible wire', () => {
  const limits = { ...defaultIpcLimits, parts: 2 };

  it.each([
    ['is not JSON', '{', 1007, 'A text frame is not valid JSON.'],
    ['is an object', '{"0":"{}","1":0}', 1007, 'A text frame is not a message and a number.'],
    ['has no text', '[1,0]', 1007, 'A text frame is not a message and a number.'],
    ['has no number', '["{}"]', 1007, 'A text frame announces no number of binary frames.'],
    ['has a negative number', '["{}",-1]', 1007, 'A text frame announces no number of binary frames.'],
    ['has a fraction', '["{}",0.5]', 1007, 'A text frame announces no number of binary frames.'],
    ['announces too many parts', '["{}",3]', 1008, 'A message of more than 2 binary frames.'],
  ])('is refused if it %s', (_name, text, code, message) => {
    expect(() => parseTextFrame(text, limits)).toThrow(expect.objectContaining({ code, message }));
  });

  it('may announce as many parts as the limit', () => {
    expect(parseTextFrame('["{}",2]', limits)).toEqual({ json: '{}', parts: 2 });
  });

  it('is refused for its length first if it is not JSON', () => {
    const short = { ...limits, textLength: 10 };
    for (const [length, code] of [
      [10, 1007],
      [11, 1009],
    ] as const)
      expect(() => parseTextFrame('['.repeat(length), short)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the members of a message of the compatible wire', () => {
  const parse = (json: string) => parseMessage(json, [], defaultIpcLimits);

  it.each([
    ['is a number', '1', 'A message is no object.'],
    ['is null', 'null', 'A message is no object.'],
    ['has no sequence number', '{"type":0,"channel":"c","data":[]}', 'A message has no sequence number.'],
    ['has no channel', '{"type":0,"sequence":1}', 'A message names no channel.'],
    [
      'has no list of arguments',
      '{"type":0,"channel":"c","sequence":1,"data":{}}',
      'A message has no list of arguments.',
    ],
    [
      'has a text as its request number',
      '{"type":2,"channel":"c","sequence":1,"request":"1"}',
      'A message has a request number that is none.',
    ],
  ])('are refused if the message %s', (_name, json, message) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: 1002, message }));
  });

  it('are ignored for a type that the wire does not have', () => {
    for (const type of ['4', '"0"', '-1', 'null'])
      expect(parse(`{"type":${type},"sequence":6}`)).toEqual({ sequence: 6, message: { type: -1 } });
  });

  it('of a call and of an answer arrive as they were sent', () => {
    const call = '{"type":2,"channel":"c","method":"m","request":7,"sequence":1}';
    expect(parse(call).message).toMatchObject({ type: 2, channel: 'c', method: 'm', request: 7, data: [] });
    const answer = '{"type":3,"channel":"c","response":8,"request":9,"data":[5],"sequence":1}';
    expect(parse(answer).message).toMatchObject({ type: 3, channel: 'c', request: 8, data: [[5]] });
    const empty = '{"type":3,"channel":"c","response":8,"sequence":1}';
    expect(parse(empty).message).toMatchObject({ type: 3, request: 8, data: [undefined] });
  });
});

describe('hostile text on the compatible wire', () => {
  it.each([
    '{"__proto__":{}}',
    '[[{"a":{"__proto__":1}}]]',
    String.raw`{"\u005f_proto__":{}}`,
    String.raw`{"__proto\u005f_":{}}`,
    String.raw`{"\u005F\u005F\u0070\u0072\u006F\u0074\u006F\u005F\u005F":{}}`,
  ])('is refused for its message alone, with parts and without: %s', (argument) => {
    for (const parts of [[], [Uint8Array.of(1)]])
      expect(message(argument, ...parts)).toMatchObject({
        data: [],
        refusal: { message: 'Invalid value: a member may not be named "__proto__".' },
      });
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('is refused above the allowed depth only', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    // Two levels are the message's own.
    expect(() => read(nested(510))).not.toThrow();
    expect(() => read(nested(511))).toThrow('deeper than 512');
    expect(() => read('[{"a":'.repeat(100_000))).toThrow('deeper than 512');
    // Brackets in texts are letters.
    expect(read(JSON.stringify('['.repeat(5000)))).toHaveLength(5000);
  });

  it('is sent only as deep as a peer reads it in a message and an envelope', () => {
    const nested = (depth: number): unknown => (depth === 1 ? [] : [nested(depth - 1)]);
    expect(encodeIpcValue(nested(510)).json).toHaveLength(2 * 510);
    expect(() => encodeIpcValue(nested(511))).toThrow('nested deeper than 510 levels');
  });

  it('is read or refused with a close code', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => JSON.stringify([json, 0])),
        ),
        (text) => {
          try {
            const { json } = parseTextFrame(text, defaultIpcLimits);
            parseMessage(json, [], defaultIpcLimits);
          } catch (error) {
            expect([1002, 1007, 1008]).toContain((error as { code?: unknown }).code);
          }
        },
      ),
    );
  });
});

describe('a round trip on the compatible wire', () => {
  const array = fc.tuple(fc.nat(8), fc.uint8Array({ maxLength: 64 })).map(([kind, bytes]) => {
    const { BYTES_PER_ELEMENT: size } = kinds[kind as 0];
    return new kinds[kind as 0](bytes.slice(0, bytes.length - (bytes.length % size)).buffer);
  });
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((number) => (Object.is(number, -0) ? 0 : number)),
      fc.boolean(),
      fc.constant(null),
      array,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__' && key !== 'toJSON' && key !== 'ipc'),
        tie('value'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    ),
  }));

  it('returns values with typed arrays anywhere', () => {
    fc.assert(
      fc.property(value, (sent) => {
        expect(roundTrip(sent)).toEqual(sent);
      }),
    );
  });

  it('returns channels and texts of every kind', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (channel, sent) => {
        const outgoing = prepareResponse(channel, 7, sent, 'result');
        const { json } = parseTextFrame(textFrame(outgoing, 0), defaultIpcLimits);
        expect(JSON.parse(json)).toEqual({
          type: 3,
          channel,
          response: 7,
          data: { result: sent },
          sequence: 0,
        });
      }),
    );
  });
});
