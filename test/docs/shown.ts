import { expect } from '@jest/globals';
import { until } from '../harness/waiting.js';

// The assertions that comments of guides become. `at` is the place in the guide, to find a failure.

export function shown(at: string, value: unknown, expected: unknown): void {
  expect({ at, value }).toEqual({ at, value: expected });
}

/** As {@link shown}, for what is not there at once. */
export async function soon(at: string, look: () => unknown, expected: unknown): Promise<void> {
  let failure: unknown;
  const isShown = () => {
    try {
      shown(at, look(), expected);
      return true;
    } catch (error) {
      failure = error;
      return false;
    }
  };
  await until(isShown).catch(() => {
    throw failure;
  });
}

export async function thrown(at: string, work: () => unknown, expected: object): Promise<void> {
  let error: unknown = 'nothing was thrown';
  try {
    await work();
  } catch (caught) {
    error = caught;
  }
  expect({ at, error }).toMatchObject({ at, error: expected });
}
