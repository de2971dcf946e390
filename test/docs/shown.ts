import { expect } from '@jest/globals';

// The assertions that comments of guides become. `at` is the place in the guide, to find a failure.

export function shown(at: string, value: unknown, expected: unknown): void {
  expect({ at, value }).toEqual({ at, value: expected });
}

/** As {@link shown}, for what is not there at once. */
export async function soon(at: string, look: () => unknown, expected: unknown): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return shown(at, look(), expected);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
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
