import { describe, expect, it } from '@jest/globals';
import { errorNumbers } from '../common/robot-world.errors.js';
import { readPlan } from './floor.plan.js';
import type { PlanPart } from './floor.plan.js';

const encoder = new TextEncoder();

/** A plan that arrives in pieces. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1000, most = 500): Promise<PlanPart[]> {
  const parts: PlanPart[] = [];
  for await (const part of readPlan(pieces(encoder.encode(text), size), most)) parts.push(part);
  return parts;
}

describe('readPlan', () => {
  const plan = '# a plan\r\n\nshelf 1 2 3 4 für Reifen\r\n  pillar\t5.5 6 7e0 8\npallet 0 0 400 250';
  const expected = [
    { kind: 'shelf', minX: 1, minY: 2, maxX: 3, maxY: 4 },
    { kind: 'pillar', minX: 5.5, minY: 6, maxX: 7, maxY: 8 },
    { kind: 'pallet', minX: 0, minY: 0, maxX: 400, maxY: 250 },
  ];

  it.each([1, 7, 1000])('reads a plan that arrives in pieces of %d bytes', async (size) => {
    const parts = await read(plan, size);
    expect(parts.flatMap(({ obstacles }) => obstacles)).toEqual(expected);
    expect(parts.at(-1)!.bytes).toBe(encoder.encode(plan).byteLength);
  });

  it('yields the obstacles of a large piece in parts', async () => {
    const parts = await read('shelf 1 2 3 4\n'.repeat(25), 1000, 10);
    expect(parts.map(({ obstacles }) => obstacles.length)).toEqual([10, 10, 5, 0]);
  });

  it('reads no further than its reader', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent++;
        yield encoder.encode('shelf 1 2 3 4\n');
      }
    }
    for await (const { bytes } of readPlan(endless(), 10)) if (bytes === 3 * 14) break;
    expect(sent).toBe(3);
  });

  it.each([
    ['shelf 1 2 3', 'it needs minX, minY, maxX and maxY'],
    ['shelf 1 2 x 4', 'it needs minX'],
    ['shelf 3 2 3 4', 'minimum before maximum'],
    ['shelf 1 2 3 Infinity', 'beyond the floor of 400 m × 250 m'],
    ['shelf -1 2 3 4', 'beyond the floor'],
    ['sofa 1 2 3 4', '"sofa" is not one of shelf, pallet, pillar'],
    [`# ${'x'.repeat(1000)}`, 'longer than 1000 characters'],
  ])('names the line %j and its error', async (line, reason) => {
    await expect(read(`\n${line}\nshelf 1 2 3 4`)).rejects.toMatchObject({
      errorNumber: errorNumbers.invalidPlan,
      message: expect.stringMatching(/^Line 2 of the floor plan is wrong: /),
    });
    await expect(read(`\n${line}`)).rejects.toThrow(reason);
  });

  it('does not keep a file without line ends in memory', async () => {
    let sent = 0;
    async function* oneLine(): AsyncGenerator<Uint8Array> {
      for (; sent < 1000; sent++) yield encoder.encode('x'.repeat(600));
    }
    const reading = readPlan(oneLine(), 10);
    await reading.next();
    await expect(reading.next()).rejects.toThrow('Line 1 of the floor plan is wrong: it is longer');
    expect(sent).toBe(1);
  });

  it('refuses items that are not bytes', async () => {
    async function* texts() {
      yield 'shelf 1 2 3 4' as never;
    }
    await expect(readPlan(texts(), 10).next()).rejects.toThrow('must arrive as bytes');
  });
});
