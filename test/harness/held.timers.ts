import { AsyncResource } from 'node:async_hooks';

/** Timers that expire when the test says so, and not when time has passed. */
export interface HeldTimers {
  /** How many of them are set. */
  readonly pending: number;
  /** Lets all that are set expire. */
  expire(): void;
}

const releases: (() => void)[] = [];

/**
 * Holds every timer of exactly this length that is set from now on. All other timers go on in real time. Choose a length that
 * nothing else uses, and give it to the option that is tested.
 */
export function holdTimers(milliseconds: number): HeldTimers {
  const held = new Map<unknown, () => void>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const hold = (work: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) => {
    const timer = set(work, delay, ...args);
    if (delay !== milliseconds) return timer;
    clear(timer);
    held.set(
      timer,
      AsyncResource.bind(() => work(...args)),
    );
    return timer;
  };
  const release = (timer: Parameters<typeof clearTimeout>[0]) => {
    held.delete(timer);
    clear(timer);
  };
  Object.assign(globalThis, { setTimeout: hold, clearTimeout: release });
  releases.push(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  return {
    get pending() {
      return held.size;
    },
    expire() {
      const works = [...held.values()];
      held.clear();
      for (const work of works) work();
    },
  };
}

/** For `afterEach`. */
export function releaseTimers(): void {
  for (const release of releases.splice(0).toReversed()) release();
}
