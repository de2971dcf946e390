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
  return hold((delay) => delay === milliseconds);
}

/**
 * Holds every timer of this length or longer that is set from now on. Work that waits for such a timer never ends, and fails by
 * the limit of its test.
 */
export function holdTimersFrom(milliseconds: number): HeldTimers {
  return hold((delay) => delay !== undefined && delay >= milliseconds);
}

function hold(isHeld: (delay: number | undefined) => boolean): HeldTimers {
  const held = new Map<unknown, () => void>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const start = (work: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) => {
    // Sleeps: all other timers go on in real time.
    const timer = set(work, delay, ...args);
    if (!isHeld(delay)) return timer;
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
  Object.assign(globalThis, { setTimeout: start, clearTimeout: release });
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
