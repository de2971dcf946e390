import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { BackplaneError, memoryBackplane } from '@linnet/common';
import type { BackplaneLogs, BackplaneNode, IpcBackplane } from '@linnet/common';
import { joinOnce, OnceLog } from '@linnet/common/internal';
import { brokers } from '../../harness/brokers.js';
import { holdTimers, releaseTimers } from '../../harness/held.timers.js';
import { passTime, startTime, stopTime } from '../../harness/stopped.time.js';
import { until } from '../../harness/waiting.js';
import { bank, closeBanks, ends, failure, start } from './bank.js';

type Logs = Pick<BackplaneLogs, 'append' | 'read'>;

afterEach(async () => {
  releaseTimers();
  startTime();
  jest.restoreAllMocks();
  await closeBanks();
});

const events = { frame: () => undefined, restored: () => undefined };
const answer = Uint8Array.of(1, 2, 3);
/** Nothing else sets a timer of a third of it. */
const LIFE_MS = 60_003;

/** Joins a backplane whose logs append as a test says. */
function joinWith(
  backplane: IpcBackplane,
  append: (logs: Logs, ...args: Parameters<Logs['append']>) => Promise<number>,
) {
  const node = backplane.join('faulty', events);
  const logs = (node.records ?? node.logs)!;
  const faulty: Pick<BackplaneNode, 'lives' | 'leave' | 'records'> = {
    lives: (each) => node.lives(each),
    leave: () => node.leave(),
    records: { append: (...args) => append(logs, ...args), read: (key) => logs.read(key) },
  };
  return new OnceLog({ id: 'faulty', node: faulty as BackplaneNode }, true);
}

/** Joins a backplane that loses the confirmations of appends by their numbers, and counts the appends. */
function joinForgetful(backplane: IpcBackplane, ...lost: number[]) {
  const counted = { appends: 0, done: 0 };
  const store = joinWith(backplane, async (logs, ...args) => {
    const number = ++counted.appends;
    try {
      const last = await logs.append(...args);
      if (lost.includes(number)) throw new BackplaneError('unreachable', 'The confirmation was lost.');
      return last;
    } finally {
      counted.done++;
    }
  });
  return { store, counted };
}

describe('the claim of a call that runs once', () => {
  it.each([{ lost: [2] }, { lost: [2, 3] }, { lost: [3, 4, 6] }])(
    'is renewed although the confirmations $lost of its writes were lost',
    async ({ lost }) => {
      stopTime();
      const backplane = memoryBackplane();
      const { store, counted } = joinForgetful(backplane, ...lost);
      const other = joinOnce(backplane);
      await store.claim('a', 300);
      for (let i = 0; i < 30; i++) {
        await passTime(100);
        expect(await other.look('a')).toBe('running');
        expect(await other.claim('a', 300)).toBeUndefined();
      }
      expect(counted.appends).toBeGreaterThan(30);
    },
  );

  it('is renewed if the backplane has forgotten it', async () => {
    stopTime();
    const backplane = memoryBackplane();
    const { logs } = backplane.join('restarted', events);
    const [one, two] = [joinOnce(backplane), joinOnce(backplane)];
    await one.claim('a', 300);
    await logs!.append('once a', new Uint8Array(0), { after: 1, replaces: true, lifeMs: 300 });
    expect(await two.look('a')).toBe('free');
    await passTime(100);
    expect(await two.look('a')).toBe('running');
  });

  it('is given up if another node has claimed the call after its time', async () => {
    const timers = holdTimers(LIFE_MS / 3);
    const backplane = memoryBackplane();
    const { store, counted } = joinForgetful(backplane);
    const other = joinOnce(backplane);
    const lost = await store.claim('a', LIFE_MS);
    const now = performance.now();
    // The process slept.
    jest.spyOn(performance, 'now').mockReturnValue(now + LIFE_MS + 1);
    const won = await other.claim('a', LIFE_MS);
    timers.expire();
    // The claim of the other node is renewed.
    await until(() => timers.pending > 0);
    lost!.settle(answer);
    await store.close();
    expect(counted.appends).toBe(1);
    expect(await other.look('a')).toBe('running');
    won!.settle(Uint8Array.of(4));
    await other.close();
    expect(await joinOnce(backplane).look('a')).toEqual(Uint8Array.of(4));
  });
});

describe('the answer of a call that runs once', () => {
  it('is kept if the backplane has forgotten the claim', async () => {
    const backplane = memoryBackplane();
    const { logs } = backplane.join('restarted', events);
    const store = joinOnce(backplane);
    const claim = await store.claim('a', 60_000);
    await logs!.append('once a', new Uint8Array(0), { after: 1, replaces: true, lifeMs: 300 });
    claim!.settle(answer);
    await store.close();
    expect(await joinOnce(backplane).look('a')).toEqual(answer);
  });

  const all = {
    memory: {
      isThere: true,
      start: async () => ({ port: 0, stop: async () => undefined }),
      connect: (_port: number) => memoryBackplane(),
    },
    ...brokers,
  };
  describe.each(Object.entries(all))('in %s', (_name, broker) => {
    (broker.isThere ? it : it.skip)('is kept although the confirmation of a renewal was lost', async () => {
      const timers = holdTimers(LIFE_MS / 3);
      const { port, stop } = await broker.start();
      ends.push(stop);
      const backplane = broker.connect(port);
      const { store, counted } = joinForgetful(backplane, 2);
      const other = joinOnce(backplane);
      ends.push(() => other.close());
      const claim = await store.claim('a', LIFE_MS);
      timers.expire();
      await until(() => counted.done === 2);
      claim!.settle(answer);
      await store.close();
      expect(await other.look('a')).toEqual(answer);
    });
  });

  it('is replaced by a note if the backplane cannot hold it, and the call does not run again', async () => {
    const backplane = memoryBackplane();
    const store = joinWith(backplane, (logs, key, frame, options) =>
      frame.byteLength > 500
        ? Promise.reject(new BackplaneError('full', 'A frame above 500 bytes.'))
        : logs.append(key, frame, options),
    );
    const [one, two] = [await start({ once: { store } }), await start({ once: { backplane } })];
    const note = 'x'.repeat(1_000);
    await one.as('a').pay(5, note);
    for (const { as } of [one, two])
      expect(await failure(as('a').pay(5, note))).toMatchObject({
        name: 'OutcomeUnknownError',
        message: 'The call has run, and its answer was not kept. The call is not run again.',
      });
    expect(bank.runs).toBe(1);
  });

  (brokers['NATS']!.isThere ? it : it.skip)(
    'is replaced by a note above the max_payload of NATS',
    async () => {
      const { port, stop } = await brokers['NATS']!.start();
      ends.push(stop);
      const once = { answerBytes: 4_000_000, backplane: brokers['NATS']!.connect(port) };
      const { as } = await start({ once });
      const note = 'x'.repeat(1_200_000);
      await as('a').pay(5, note);
      expect(await failure(as('a').pay(5, note))).toMatchObject({ name: 'OutcomeUnknownError' });
      expect(bank.runs).toBe(1);
    },
  );
});
