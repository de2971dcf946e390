import { describe, expect, it } from '@jest/globals';
import { encodeAnswer, readAnswer } from '../../../libs/common/src/rpc/server/once.answer.js';
import { failure } from './bank.js';

/** A stored answer with this head, and these bytes behind it. */
function record(head: object, ...bytes: number[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ version: 1, ...head }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.byteLength);
  return Uint8Array.of(...length, ...text, ...bytes);
}

describe('a stored answer', () => {
  const objects = '{"isBinary":true,"index":0,"size":2,"chunks":1}';

  it('is read with its bytes', () => {
    const value = [Uint8Array.of(1, 2), new Uint8Array(0), { at: Uint8Array.of(3) }];
    const stored = encodeAnswer({ kind: 'result', value }, 'a', {});
    expect(readAnswer(stored)).toStrictEqual({ isKnown: true, value });
    expect(readAnswer(record({ kind: 'result', objects, sizes: [2] }, 1, 2)).value).toEqual(
      Uint8Array.of(1, 2),
    );
  });

  it('does not choose how much memory its reader takes', () => {
    const { arrayBuffers } = process.memoryUsage();
    const stored = record({ kind: 'result', objects, sizes: [1_500_000_000] }, 1, 2);
    expect(readAnswer(stored)).toEqual({ isKnown: false });
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(500_000_000);
  });

  it.each([
    [[1]],
    [[3]],
    [[2, 1]],
    [[3, -1]],
    [[-1, 3]],
    [[0.5, 1.5]],
    [['2']],
    [[2, null]],
    [{ length: 1 }],
    ['2'],
    [2],
    [null],
  ])('cannot be read if its two bytes have the sizes %j', (sizes) => {
    expect(readAnswer(record({ kind: 'result', objects, sizes }, 1, 2))).toEqual({ isKnown: false });
  });

  it.each([undefined, '', '"text"', '5', 'true', 'null'])(
    'cannot be read if the body of its error is %j',
    async (body) => {
      const read = async () => readAnswer(record({ kind: 'error', objects: body, status: 409 }));
      expect(await failure(read())).toBeUndefined();
      expect(await read()).toEqual({ isKnown: false });
    },
  );

  it('has an error with its body', async () => {
    const read = async () => readAnswer(record({ kind: 'error', objects: '{"message":"no"}', status: 409 }));
    expect(await failure(read())).toMatchObject({ wire: { status: 409, body: { message: 'no' } } });
  });
});
