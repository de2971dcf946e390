import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DurableKeepalive } from './keepalive.js';

const INTERVAL = 1000;

let progress: { acknowledged: number; isWaiting: boolean };
let events: string[];
let keepalive: DurableKeepalive;

beforeEach(() => {
  jest.useFakeTimers();
  progress = { acknowledged: 0, isWaiting: false };
  events = [];
  keepalive = watch(INTERVAL);
});
afterEach(() => {
  jest.useRealTimers();
});

function watch(intervalMs: number): DurableKeepalive {
  return new DurableKeepalive(intervalMs, {
    progress: () => progress,
    probe: () => events.push('probe'),
    giveUp: () => events.push('give up'),
  });
}

/** Lets checks happen. The check itself comes behind pending input, by a timer of its own. */
function checks(count: number): void {
  for (let i = 0; i < count; i++) {
    jest.advanceTimersByTime(INTERVAL);
    jest.advanceTimersByTime(1);
  }
}

describe('a silent peer of the durable wire', () => {
  it('is probed after one interval of silence, and given up after another', () => {
    keepalive.start();
    checks(1);
    expect(events).toEqual([]);
    checks(1);
    expect(events).toEqual(['probe']);
    checks(1);
    expect(events).toEqual(['probe', 'give up']);
  });

  it('is not given up if it answers the probe', () => {
    keepalive.start();
    for (let round = 0; round < 5; round++) {
      checks(2);
      keepalive.heard(false);
    }
    expect(events).toEqual(['probe', 'probe', 'probe', 'probe', 'probe']);
  });

  it('is not given up if its answer waits to be read', () => {
    keepalive.start();
    checks(2);
    jest.advanceTimersByTime(INTERVAL);
    keepalive.heard(false);
    jest.advanceTimersByTime(1);
    expect(events).toEqual(['probe']);
  });

  it('gets twice as many probes on each connection after it was given up', () => {
    for (const probes of [1, 2, 4]) {
      events = [];
      keepalive.start();
      checks(2 + probes);
      expect(events).toEqual([...Array.from({ length: probes }, () => 'probe'), 'give up']);
    }
  });

  it.each([
    ['a message', true, 1],
    ['a frame without messages', false, 2],
  ])('gets the right number of probes if it has sent %s', (_name, hasMessages, probes) => {
    keepalive.start();
    checks(3);
    events = [];
    keepalive.start();
    keepalive.heard(hasMessages);
    checks(2 + probes);
    expect(events).toEqual([...Array.from({ length: probes }, () => 'probe'), 'give up']);
  });

  it('leaves no unanswered probe behind for its next connection', () => {
    keepalive.start();
    checks(2);
    keepalive.start();
    checks(2);
    expect(events).toEqual(['probe', 'probe']);
  });
});

describe('a peer of the durable wire that sends frames', () => {
  const talk = (acknowledged: (round: number) => number) => {
    keepalive.start();
    for (let round = 1; round <= 4; round++) {
      keepalive.heard(true);
      progress.acknowledged = acknowledged(round);
      checks(1);
    }
  };

  it('is not probed if nothing waits for it', () => {
    talk(() => 0);
    expect(events).toEqual([]);
  });

  it('is not probed if it acknowledges what waits', () => {
    progress.isWaiting = true;
    talk((round) => round);
    expect(events).toEqual([]);
  });

  it('is probed for a message that it does not acknowledge, and not given up', () => {
    progress.isWaiting = true;
    talk(() => 0);
    expect(events).toEqual(['probe', 'probe', 'probe', 'probe']);
  });

  it('is probed after an interval in which it acknowledged nothing', () => {
    progress.isWaiting = true;
    talk((round) => (round === 1 ? 7 : 8));
    expect(events).toEqual(['probe', 'probe']);
  });
});

describe('the timer of DurableKeepalive', () => {
  it('does not exist without an interval', () => {
    watch(0).start();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('exists once, however often it is started', () => {
    keepalive.start();
    keepalive.start();
    expect(jest.getTimerCount()).toBe(1);
    keepalive.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not keep the process alive', () => {
    const made = jest.spyOn(globalThis, 'setTimeout');
    keepalive.start();
    checks(1);
    const timers = made.mock.results.map(({ value }) => value as { hasRef(): boolean });
    made.mockRestore();
    expect(timers.map((timer) => timer.hasRef())).toEqual([false, false, false]);
  });
});
