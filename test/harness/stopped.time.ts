import { jest } from '@jest/globals';

/** Stops the clock and the timers that code sets from now on. Network, immediates and microtasks go on. */
export function stopTime(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
}

/** Moves the stopped clock forward by some milliseconds, as soon as a timer waits. */
export async function passTime(milliseconds: number): Promise<void> {
  while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  await jest.advanceTimersByTimeAsync(milliseconds);
}

/** Lets time pass again. For `afterEach` as well. */
export function startTime(): void {
  jest.useRealTimers();
}

/**
 * Runs work while time is stopped. Work that waits for a timer never ends, and the limit of the test reports it. Proves that
 * something happens at once, on a busy machine too.
 */
export async function withoutTime<T>(work: () => Promise<T>): Promise<T> {
  stopTime();
  try {
    return await work();
  } finally {
    startTime();
  }
}
