import { describe, expect, it, jest } from '@jest/globals';
import { MemoryOnceStore } from '@linnet/common';

const answer = Uint8Array.of(1, 2, 3);

describe('the memory of calls that run once', () => {
  it('does not pass the calls that run for each call that it claims', async () => {
    const store = new MemoryOnceStore();
    for (let i = 0; i < 1_000; i++) await store.claim(`running ${i}`, 60_000);
    const claim = await store.claim('over', 60_000);
    claim!.settle(answer);
    const steps = jest.spyOn(Object.getPrototypeOf(new Map().entries()) as Iterator<unknown>, 'next');
    try {
      await store.claim('next', 60_000);
      expect(await store.look('over')).toBe(answer);
      expect(steps.mock.calls.length).toBeLessThan(10);
    } finally {
      steps.mockRestore();
    }
    expect(await store.look('running 999')).toBe('running');
  });
});
