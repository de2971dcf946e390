import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createRpcServer } from '@linnet/backend/node';
import { RpcInterface } from '@linnet/backend';
import type { OnceStore, RpcCall, StandardSchema } from '@linnet/common';
import { OnceCalls } from '../../../libs/common/src/rpc/server/once.calls.js';
import { settled, until } from '../../harness/waiting.js';
import { bank, Bank, BankBase, closeBanks, failure, start } from './bank.js';

afterEach(closeBanks);

describe('an operation that runs once', () => {
  it('gives a repetition the answer of the first run', async () => {
    const { as } = await start();
    const note = { at: 'noon', bytes: Uint8Array.of(1, 2, 3) };
    const first = await as('a').pay(5, note);
    expect(first).toEqual({ run: 1, amount: 5, note });
    expect(await as('a', 'ann-2').pay(5, note)).toStrictEqual(first);
    expect(bank.runs).toBe(1);
  });

  it('runs again for another activity, other arguments, and another caller', async () => {
    const { as } = await start();
    await as('a').pay(5, Uint8Array.of(1));
    await as('b').pay(5, Uint8Array.of(1));
    await as('a').pay(5, Uint8Array.of(2));
    await as('a').pay(6, Uint8Array.of(1));
    await as('a', 'bob-1').pay(5, Uint8Array.of(1));
    expect(bank.runs).toBe(5);
  });

  it('asks its guards about every repetition', async () => {
    const { as } = await start();
    await as('a').pay(5);
    expect(await failure(as('a', 'nobody').pay(5))).toMatchObject({ status: 403 });
    expect(bank.runs).toBe(1);
  });

  it('lets a repetition wait for the answer of a run', async () => {
    const { as } = await start();
    const calls = [as('a').hold()];
    await bank.begun.opened;
    calls.push(as('a').hold(), as('a').hold());
    await settled();
    bank.held.open();
    expect(await Promise.all(calls)).toEqual([1, 1, 1]);
  });

  it('ends the wait of a repetition whose caller leaves', async () => {
    const { as } = await start();
    const first = as('a').hold();
    await bank.begun.opened;
    const leaving = new AbortController();
    const second = failure(as('a').with({ signal: leaving.signal }).hold());
    await settled();
    leaving.abort(new Error('enough'));
    expect(await second).toMatchObject({ message: 'enough' });
    bank.held.open();
    expect(await first).toBe(1);
  });

  it('has a place of its concurrency only where it runs', async () => {
    const { as } = await start();
    const calls = [as('a').queue(1)];
    await bank.begun.opened;
    calls.push(as('a').queue(1), as('a').queue(1));
    await settled();
    expect(await as('b').queue(2)).toBe(2);
    bank.held.open();
    expect(await Promise.all(calls)).toEqual([1, 1, 1]);
  });

  it('runs again if its caller has left before it had a place', async () => {
    const { as } = await start();
    const held = [as('a').queue(1), as('b').queue(1)];
    await until(() => bank.runs === 2);
    const leaving = new AbortController();
    const left = failure(as('c').with({ signal: leaving.signal }).queue(2));
    await settled();
    leaving.abort(new Error('enough'));
    expect(await left).toMatchObject({ message: 'enough' });
    const again = as('c').queue(2);
    await settled();
    bank.held.open();
    expect(await again).toBe(3);
    await Promise.all(held);
  });

  it.each(['number', 'nest', 'hidden'])(
    'repeats the error "%s" with all that its caller saw',
    async (how) => {
      const { as } = await start();
      const [first, second] = [await failure(as('a').fail(how)), await failure(as('a').fail(how))];
      expect(first).toBeInstanceOf(Error);
      const shown = (error = new Error('no error')) => [error.message, ...Object.entries(error)];
      expect(shown(second)).toEqual(shown(first));
      expect(second?.status).toBe(first?.status);
      expect(bank.runs).toBe(1);
    },
  );

  it('runs again after an error that promises that nothing was done', async () => {
    const { as } = await start();
    expect(await failure(as('a').fail('busy'))).toMatchObject({ message: 'later' });
    await as('a').fail('busy');
    expect(bank.runs).toBe(2);
  });

  it('does not keep an answer that is pending', async () => {
    const { as } = await start();
    expect(await as('a').wait()).toBe('done');
    expect(await as('a').wait()).toBe('done');
    expect(bank.runs).toBe(3);
  });

  it('does not keep an answer above its limit, and does not run again', async () => {
    const { as } = await start({ once: { answerBytes: 1000 } });
    await as('a').pay(5, 'x'.repeat(2000));
    expect(await failure(as('a').pay(5, 'x'.repeat(2000)))).toMatchObject({ name: 'OutcomeUnknownError' });
    expect(bank.runs).toBe(1);
  });

  it('forgets a call when its time is over', async () => {
    const { as } = await start({ once: { lifeMs: 60_000 } });
    await as('a').pay(5);
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + 60_001);
    await as('a').pay(5);
    jest.restoreAllMocks();
    expect(bank.runs).toBe(2);
  });

  it('gives one user no more than his share of what is remembered', async () => {
    const { as } = await start({ once: { keptBytes: 8 * 1024 } });
    const outcomes: (number | undefined)[] = [];
    for (let i = 0; i < 6; i++) outcomes.push((await failure(as(`a${i}`).pay(i)))?.status);
    expect(outcomes.at(-1)).toBe(503);
    expect(await as('b', 'bob-1').pay(1)).toMatchObject({ amount: 1 });
    // Remembered calls stay.
    expect(await as('a0').pay(0)).toMatchObject({ run: 1 });
  });

  it('is refused at start if its result is a stream', () => {
    abstract class Endless extends RpcInterface {
      static readonly interfaceName = 'Endless';
      static readonly interfaceVersion = '1.0.0';
      static readonly operations = { count: { idempotency: 'once', stream: true } } as const;
      abstract count(): AsyncIterable<number>;
    }
    const impl = { async *count() {} };
    expect(() => createRpcServer({ interfaces: [[Endless, impl]] })).toThrow(
      'the implementation of Endless.count: a call with a stream cannot run once.',
    );
  });

  it('is refused at start if an argument is declared as a stream', () => {
    const items: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
    };
    abstract class Upload extends RpcInterface {
      static readonly interfaceName = 'Upload';
      static readonly interfaceVersion = '1.0.0';
      static readonly operations = { put: { idempotency: 'once', args: [{ items }] } } as const;
      abstract put(lines: AsyncIterable<unknown>): Promise<void>;
    }
    const impl = { async put() {} };
    expect(() => createRpcServer({ interfaces: [[Upload, impl]] })).toThrow(
      'the implementation of Upload.put: a call with a stream cannot run once.',
    );
  });

  it('runs once on a server without Nest, for a caller that "around" knows', async () => {
    const { fetch } = createRpcServer({
      interfaces: [[Bank, BankBase]],
      around: (call, next) => {
        call.activity.user = call.activity.accessToken.split('-')[0];
        return next();
      },
    });
    const ask = (authorization: string) =>
      fetch(
        new Request('http://localhost/t/v1/Bank-1.0.0-pay', {
          method: 'POST',
          headers: { 'X-Correlation-ID': 'a', 'Content-Type': 'text/plain', authorization },
          body: '[5]',
        }),
      ).then((answer) => answer.json());
    expect([await ask('ann-1'), await ask('ann-2'), await ask('bob-1')]).toEqual([
      { run: 1, amount: 5 },
      { run: 1, amount: 5 },
      { run: 2, amount: 5 },
    ]);
  });

  it('gets a 503 that promises that it has not begun while its store is away', async () => {
    const store: OnceStore = {
      claim: () => Promise.reject(new Error('no store')),
      look: () => Promise.reject(new Error('no store')),
    };
    const { as } = await start({ once: { store } });
    const error = await failure(as('a').pay(5));
    expect(error).toMatchObject({ status: 503, retryAfterMs: 1000 });
    expect(error!.message).toBe('The store of calls cannot be reached: no store');
    expect(bank.runs).toBe(0);
  });

  it('does not ask a store without a pause, and ends with the signal of its caller', async () => {
    const leaving = new AbortController();
    let looks = 0;
    const store: OnceStore = {
      // It contradicts itself: the call is not to be had, and yet free.
      claim: async () => undefined,
      look: async () => {
        if (++looks === 3) leaving.abort(new Error('enough'));
        if (looks > 3) throw new Error('asked on');
        return 'free';
      },
    };
    const once = new OnceCalls({ store }, (_activity, work) => work());
    const { signal } = leaving;
    const activity = { activityId: 'a', accessToken: 'ann-1', signal };
    const target = { definition: Bank, operation: 'pay', method: 'Bank/pay', policy: {} };
    const call = { target, arguments: [5], activity } as unknown as RpcCall;
    expect(await failure(once.enter(call))).toMatchObject({ message: 'enough' });
    expect(looks).toBe(3);
  });
});
