import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createRpcClient } from '@linnet/common';
import type { RpcClientEvent, RpcClientOptions } from '@linnet/common';
import { argumentsOf, envelope, failureOf, Robots, ScriptedServer } from './scripted.send.js';
import type { ScriptedReply } from './scripted.send.js';

const done: ScriptedReply = { body: '"done"' };
const busy = (retryAfter?: string, status = 503): ScriptedReply => ({
  status,
  body: '',
  headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
});

/** A client of a script, with what happened and when: milliseconds from the call. */
function clientOf(replies: (ScriptedReply | Error)[], options: RpcClientOptions = {}) {
  const server = new ScriptedServer(...replies);
  const events: RpcClientEvent[] = [];
  const times: number[] = [];
  const start = Date.now();
  const send: typeof server.send = (request) => {
    times.push(Date.now() - start);
    return server.send(request);
  };
  const client = createRpcClient({ send, ...options });
  client.addListener((event) => events.push(event));
  return { server, events, times, robots: client.client(Robots) };
}

/** The outcome of a call while its clock runs as fast as it can. */
async function fast<T>(call: Promise<T>, milliseconds = 1e9): Promise<T> {
  call.catch(() => undefined);
  await jest.advanceTimersByTimeAsync(milliseconds);
  return call;
}

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('a pending call', () => {
  it('is repeated until it has a result, and reports its progress', async () => {
    const { events, times, robots, server } = clientOf([
      envelope('pending', '1 of 2'),
      envelope('pending', '2 of 2'),
      done,
    ]);
    expect(await fast(robots.count(7))).toBe('done');
    expect(times).toEqual([0, 10_000, 20_000]);
    const kinds = events.map(({ kind }) => kind).join(' ');
    expect(kinds).toBe('request pending request pending request response');
    expect(events[1]).toEqual({
      kind: 'pending',
      message: '1 of 2',
      activityId: events[0]!.activityId,
      interfaceName: 'Robots',
      operation: 'count',
    });
    // The same request each time.
    const [first, ...others] = server.requests.map(({ url, headers, body }) => ({ url, headers, body }));
    for (const other of others) expect(other).toEqual(first);
  });

  it('is repeated at the interval of the client, or of Retry-After', async () => {
    const later = { ...envelope('pending', ''), headers: { 'retry-after': '0.25' } };
    const { times, robots } = clientOf([envelope('pending', ''), later, done], { pendingIntervalMs: 700 });
    await fast(robots.count());
    expect(times).toEqual([0, 700, 950]);
  });

  it('is repeated after one hour at most and 10 ms at least, whatever Retry-After is', async () => {
    const never = { ...envelope('pending', ''), headers: { 'retry-after': '1e300' } };
    const now = { ...envelope('pending', ''), headers: { 'retry-after': '-1' } };
    const { times, robots } = clientOf([now, now, never, done]);
    await fast(robots.count());
    expect(times).toEqual([0, 10, 20, 3_600_020]);
  });

  it('is repeated less often the longer it has been pending', async () => {
    const now = { ...envelope('pending', ''), headers: { 'retry-after': '0' } };
    const { times, robots } = clientOf([now]);
    const leaving = new AbortController();
    const call = failureOf(robots.with({ signal: leaving.signal }).count());
    await jest.advanceTimersByTimeAsync(60_000);
    // Quick at first; later a fiftieth of what has gone by lies between two questions.
    expect(times.slice(0, 4)).toEqual([0, 10, 20, 30]);
    for (const [i, time] of times.entries())
      if (i > 0) expect(time - times[i - 1]!).toBeGreaterThanOrEqual(times[i - 1]! / 50 - 1);
    expect(times.length).toBeLessThan(320);
    expect(times.length).toBeGreaterThan(200);
    leaving.abort(new Error('enough'));
    expect((await call).message).toBe('enough');
  });

  it('is repeated quickly again after an answer of another kind', async () => {
    const now = { ...envelope('pending', ''), headers: { 'retry-after': '0' } };
    const later = { ...envelope('pending', ''), headers: { 'retry-after': '1000' } };
    const missing = envelope('notFound', '{}');
    const { times, robots } = clientOf([later, missing, now, done], { onNotFound: () => true });
    await fast(robots.count());
    expect(times).toEqual([0, 1_000_000, 1_000_000, 1_000_010]);
  });

  it('is recognised without the header of the version, which pages of other origins cannot read', async () => {
    const hidden = { ...envelope('pending', 'half'), headers: { 'x-protocol-version': '' } };
    const plain: ScriptedReply = { status: 202, body: 'other half', headers: { 'x-protocol-version': '1' } };
    const { events, robots } = clientOf([hidden, plain, done]);
    await fast(robots.count());
    expect(events.flatMap((event) => (event.kind === 'pending' ? event.message : []))).toEqual([
      'half',
      'other half',
    ]);
  });

  it('is not assumed for a 202 of another kind', async () => {
    const { robots } = clientOf([{ status: 202, body: '{"message":"m"}' }]);
    expect(await failureOf(robots.count())).toMatchObject({ message: 'm', status: 202 });
  });
});

describe('a transient fault', () => {
  it.each([408, 429, 502, 503, 504])('of status %i is repeated', async (status) => {
    const { events, robots } = clientOf([busy(undefined, status), done]);
    expect(await fast(robots.look())).toBe('done');
    expect(events[1]).toMatchObject({ kind: 'retry', reason: expect.stringContaining(`${status}`) });
  });

  it('is repeated four times, after growing pauses with a random part', async () => {
    for (const [chance, factor] of [
      [0, 0.5],
      [0.999_999, 1],
    ] as const) {
      jest.spyOn(Math, 'random').mockReturnValue(chance);
      const { times, robots } = clientOf([busy()]);
      expect(await failureOf(fast(robots.look()))).toMatchObject({ name: 'ServerError', status: 503 });
      const pauses = times.slice(1).map((time, i) => time - times[i]!);
      expect(pauses).toHaveLength(4);
      for (const [i, full] of [500, 750, 1250, 2250].entries())
        expect(Math.abs(pauses[i]! - full * factor)).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['2', 2000],
    ['0.6', 600],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9000],
    // No sooner than without Retry-After, and not all clients at the same moment.
    ['0.1', 250],
    ['Thu, 01 Jan 2025 00:00:00 GMT', 250],
    ['0', 250],
  ])('with Retry-After %s is repeated after %i ms', async (retryAfter, pause) => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const { times, robots } = clientOf([busy(retryAfter), done]);
    await fast(robots.look());
    expect(times).toEqual([0, pause]);
  });

  it('is counted anew after a Retry-After, or after an answer of another kind', async () => {
    const four = Array.from({ length: 4 }, () => busy());
    const { robots, server } = clientOf([
      ...four,
      busy('1'),
      ...four,
      envelope('pending', ''),
      ...four,
      done,
    ]);
    expect(await fast(robots.look())).toBe('done');
    expect(server.requests).toHaveLength(15);
  });

  it('with Retry-After is repeated until it has lasted for longestPauseMs', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const { times, robots } = clientOf([busy('0')], { retry: { limit: 2, longestPauseMs: 2000 } });
    expect(await failureOf(fast(robots.look()))).toMatchObject({ name: 'ServerError', status: 503 });
    expect(times).toEqual([0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000]);
    const mixed = clientOf([busy('1'), busy(), busy('1')], {
      retry: { pauseMs: 0, limit: 9, longestPauseMs: 2100 },
    });
    await failureOf(fast(mixed.robots.look()));
    expect(mixed.times).toEqual([0, 1000, 1010, 2010]);
    // Another answer in between, and there is as much time again.
    const between = [busy('1'), busy('1'), envelope('pending', ''), busy('1'), busy('1'), done];
    const anew = clientOf(between, { retry: { longestPauseMs: 2000 } });
    expect(await fast(anew.robots.look())).toBe('done');
  });

  it('is an error if Retry-After is hours, or is not valid five times', async () => {
    const hours = clientOf([busy('7200')]);
    expect(await failureOf(hours.robots.look())).toMatchObject({ status: 503 });
    expect(hours.server.requests).toHaveLength(1);
    const retry = { longestPauseMs: 1e9, maxRetryAfterMs: 1e9 };
    const patient = clientOf([busy('7200'), done], { retry });
    expect(await fast(patient.robots.look())).toBe('done');
    const strange = clientOf([busy('soon')]);
    expect(await failureOf(fast(strange.robots.look()))).toMatchObject({ status: 503 });
    expect(strange.server.requests).toHaveLength(5);
  });

  it('follows the retry options of the client and of the call', async () => {
    const { robots, times } = clientOf([busy()], { retry: { limit: 2 } });
    jest.spyOn(Math, 'random').mockReturnValue(1);
    await failureOf(fast(robots.with({ retry: { pauseMs: 100 } }).look()));
    expect(times).toEqual([0, 100, 250]);
    const { robots: once, server } = clientOf([busy('1')], { retry: { limit: 0 } });
    await failureOf(once.look());
    expect(server.requests).toHaveLength(1);
  });

  it('is an error, and not repeated, if it has an error number', async () => {
    const body = JSON.stringify({ message: 'm', errorNumber: 65537, name: 'n' });
    const { robots, server } = clientOf([{ status: 429, body }]);
    expect(await failureOf(robots.look())).toMatchObject({ message: 'm', errorNumber: 65537, status: 429 });
    expect(server.requests).toHaveLength(1);
  });

  it('of the network is not repeated for an operation without idempotency', async () => {
    const { robots, server } = clientOf([new Error('reset')]);
    expect(await failureOf(robots.count())).toMatchObject({
      name: 'ServerError',
      status: -1,
      message: 'The server cannot be reached: reset',
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('an answer "not found"', () => {
  const missing = envelope('notFound', '{"message":"Not found","shelf":3}');

  it('is repaired by onNotFound, and the call is repeated with other arguments or the same', async () => {
    const asked: unknown[] = [];
    const { robots, server } = clientOf([missing, missing, done], {
      onNotFound: async (event) => {
        asked.push(event);
        return asked.length === 1 ? ['repaired'] : true;
      },
    });
    expect(await robots.count('broken')).toBe('done');
    expect(server.requests.map(argumentsOf)).toEqual([['broken'], ['repaired'], ['repaired']]);
    const event = {
      interfaceName: 'Robots',
      operation: 'count',
      response: { message: 'Not found', shelf: 3 },
    };
    expect(asked).toEqual([
      { ...event, arguments: ['broken'] },
      { ...event, arguments: ['repaired'] },
    ]);
  });

  it('is an error if onNotFound does not repair it', async () => {
    for (const onNotFound of [undefined, () => undefined, () => false]) {
      const error = await failureOf(clientOf([missing], { onNotFound }).robots.count());
      expect(error).toMatchObject({ name: 'NotFound', message: 'Not found', shelf: 3, status: 404 });
    }
    const { robots } = clientOf([missing], {
      onNotFound: () => {
        throw new Error('beyond repair');
      },
    });
    await expect(robots.count()).rejects.toThrow('beyond repair');
  });

  it('of protocol 1 is recognised without an envelope', async () => {
    const body = '{"message":"Not found"}';
    const one: ScriptedReply = { status: 404, body, headers: { 'x-protocol-version': '1' } };
    expect(await clientOf([one, done], { onNotFound: () => true }).robots.count()).toBe('done');
    // Without a version it may be anybody's 404.
    const none: ScriptedReply = { status: 404, body, headers: { 'x-protocol-version': '' } };
    const { robots } = clientOf([none, done], { onNotFound: () => true });
    expect(await failureOf(robots.count())).toMatchObject({ name: 'ServerError', status: 404 });
  });
});
