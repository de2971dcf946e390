import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { served, ways } from './callers.js';
import { failureOf } from './outcome.js';

describe('ValidationPipe with class-validator and class-transformer', () => {
  const label = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const parcel = { to: 'anna', label, lines: [{ article: 'bolt', count: 3 }] };

  for (const way of ways) {
    it(`gives the method instances with all of their bytes over ${way}`, async () => {
      const answer = await served.calls(way).pack(parcel);
      assert.deepEqual({ ...answer, label: undefined }, { isParcel: true, areLines: true, label: undefined });
      // One text: a difference of arrays would be as long as they are.
      assert.equal(Buffer.from(answer.label).toString('base64'), Buffer.from(label).toString('base64'));
    });

    it(`refuses an invalid argument with the reasons over ${way}`, async () => {
      const lines = [{ article: 'bolt', count: 0 }];
      const { status, message } = await failureOf(served.calls(way).pack({ ...parcel, lines }));
      assert.equal(status, 400);
      assert.match(message, /lines\.0\.count must not be less than 1/);
    });

    it(`refuses text in the place of bytes over ${way}`, async () => {
      const { message } = await failureOf(served.calls(way).pack({ ...parcel, label: 'text' as never }));
      assert.match(message, /label must be an instance of Uint8Array/);
    });
  }
});
