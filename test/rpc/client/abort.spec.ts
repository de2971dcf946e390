import { getEventListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  Activity,
  ClientRequestContext,
  CurrentActivity,
  IModelError,
  RpcInterface,
  RpcModule,
} from '@linnet/backend';
import { RpcOperation } from '@linnet/common';
import { createRpcClient } from '@linnet/common';
import type { RpcClient, RpcProxy } from '@linnet/common';
import { failureOf, Robots, ScriptedServer } from './scripted.send.js';
import { open, ways } from './ways.js';
import type { Way } from './ways.js';
import { passTime, startTime, stopTime } from '../../harness/stopped.time.js';
import { settled, until } from '../../harness/waiting.js';

abstract class Waits extends RpcInterface {
  static readonly interfaceName = 'Waits';
  static readonly interfaceVersion = '1.0.0';
  untilGone(_key: string): Promise<void> {
    return this.forward(arguments);
  }
  alone(_key: string): Promise<void> {
    return this.forward(arguments);
  }
  timeLeft(): Promise<number | null> {
    return this.forward(arguments);
  }
  onward(): Promise<{ left: number; activityId: string }> {
    return this.forward(arguments);
  }
  forbidden(): Promise<void> {
    return this.forward(arguments);
  }
}

/** The events of calls, in order: `started a`, `gone a`. */
const log: string[] = [];
/** The name that the implementation has in the context of its call. */
let inner: RpcClient;

@RpcInterface(Waits)
class WaitsImpl implements Waits {
  async untilGone(key: string, @CurrentActivity() activity?: Activity): Promise<void> {
    log.push(`started ${key}`);
    const { signal } = activity!;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    log.push(`gone ${key}`);
  }
  @RpcOperation({ concurrency: 1 })
  async alone(key: string, @CurrentActivity() activity?: Activity): Promise<void> {
    return this.untilGone(key, activity);
  }
  async timeLeft(@CurrentActivity() activity?: Activity): Promise<number | null> {
    const { deadline } = activity!;
    return deadline === undefined ? null : deadline - Date.now();
  }
  async onward() {
    const left = (await inner.client(Waits).timeLeft())!;
    return { left, activityId: ClientRequestContext.current.activityId };
  }
  async forbidden(): Promise<void> {
    throw new IModelError(65542, 'bad');
  }
}

@Module({ imports: [RpcModule.forRoot({ errorStatus: 'readable' })], providers: [WaitsImpl] })
class WaitsModule {}

/** Waits for a line of the log. */
const logged = (line: string) => until(() => log.includes(line));

describe.each(ways)('an RPC client over %s:', (name) => {
  let way: Way;
  let waits: RpcProxy<Waits>;
  beforeAll(async () => {
    way = await open(WaitsModule, name);
    waits = createRpcClient(way.at).client(Waits);
    inner = createRpcClient({ ...way.at, context: () => ClientRequestContext.current });
  });
  beforeEach(() => {
    log.length = 0;
  });
  afterEach(startTime);
  afterAll(() => way.stop());

  it('an aborted call rejects at once, and aborts the signal of its implementation', async () => {
    const abort = new AbortController();
    const call = waits.with({ signal: abort.signal }).untilGone('a');
    const failure = failureOf(call);
    await logged('started a');
    const reason = new Error('not needed any more');
    abort.abort(reason);
    expect(await failure).toBe(reason);
    await logged('gone a');
  });

  it('a call whose deadline has passed rejects, and aborts the signal of its implementation', async () => {
    stopTime();
    const failure = failureOf(waits.with({ timeoutMs: 60 }).untilGone('b'));
    await logged('started b');
    await passTime(59);
    await settled();
    expect(log).toEqual(['started b']);
    await passTime(1);
    expect(await failure).toMatchObject({ name: 'DeadlineError', timeoutMs: expect.any(Number) });
    await logged('gone b');
  });

  it('an aborted call leaves the queue of its operation without running', async () => {
    const first = new AbortController();
    const second = new AbortController();
    const calls = [
      failureOf(waits.with({ signal: first.signal }).alone('first')),
      logged('started first').then(() => failureOf(waits.with({ signal: second.signal }).alone('second'))),
    ];
    await logged('started first');
    await settled();
    second.abort(new Error('second'));
    expect((await calls[1])!.message).toBe('second');
    // Sleeps: over NATS a server learns of an abort after its first sign of life, which it sends after 50 ms.
    if (name === 'NATS') await new Promise((resolve) => setTimeout(resolve, 250));
    await settled();
    first.abort(new Error('first'));
    expect((await calls[0])!.message).toBe('first');
    await logged('gone first');
    // Nobody is in the way of the next, and the second has never begun.
    const third = new AbortController();
    const call = failureOf(waits.with({ signal: third.signal }).alone('third'));
    await logged('started third');
    third.abort(new Error('third'));
    await call;
    await logged('gone third');
    expect(log).not.toContain('started second');
  });

  it('an implementation knows the deadline of its call, and passes it to the calls that it makes', async () => {
    expect(await waits.timeLeft()).toBeNull();
    const left = await waits.with({ timeoutMs: 60_000 }).timeLeft();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    const onward = await waits.with({ timeoutMs: 30_000, activityId: 'one click' }).onward();
    expect(onward.activityId).toBe('one click');
    expect(onward.left).toBeGreaterThan(20_000);
    expect(onward.left).toBeLessThanOrEqual(30_000);
    // More than a day is not sent as a deadline.
    expect(await waits.with({ timeoutMs: 1e12 }).timeLeft()).toBeNull();
  });

  it('an error has its readable status, and status 500 for clients that do not send our headers', async () => {
    if (!way.at.uriPrefix) return;
    const { forbidden } = waits;
    expect(await failureOf(forbidden())).toMatchObject({ status: 400, errorNumber: 65542, message: 'bad' });
    const plain = createRpcClient({ ...way.at, ownHeaders: false }).client(Waits);
    expect(await failureOf(plain.forbidden())).toMatchObject({
      status: 500,
      errorNumber: 65542,
      message: 'bad',
    });
  });
});

describe('a call of an RPC client', () => {
  afterEach(startTime);

  it('that is aborted before it begins is never sent', async () => {
    const server = new ScriptedServer({ body: '1' });
    const robots = createRpcClient({ send: server.send }).client(Robots);
    const reason = new Error('too late');
    expect(await failureOf(robots.with({ signal: AbortSignal.abort(reason) }).count())).toBe(reason);
    const context = () => ({ signal: AbortSignal.abort(reason) });
    expect(await failureOf(createRpcClient({ send: server.send, context }).client(Robots).count())).toBe(
      reason,
    );
    expect(await failureOf(robots.with({ timeoutMs: 0 }).count())).toMatchObject({ name: 'DeadlineError' });
    expect(server.requests).toEqual([]);
  });

  it('that has its result ignores an abort', async () => {
    const abort = new AbortController();
    const server = new ScriptedServer({ body: '1' });
    const robots = createRpcClient({ send: server.send }).client(Robots);
    expect(await robots.with({ signal: abort.signal }).count()).toBe(1);
    abort.abort();
    expect(server.requests[0]!.headers).not.toHaveProperty('x-linnet-timeout');
  });

  it('can be aborted in a pause, and with a transport that ignores the signal', async () => {
    const pending = { status: 202, body: 'wait', headers: { 'x-protocol-version': '1' } };
    const server = new ScriptedServer(pending);
    const client = createRpcClient({ send: server.send });
    const pauses = new Promise<void>((resolve) =>
      client.addListener(({ kind }) => kind === 'pending' && setImmediate(resolve)),
    );
    const abort = new AbortController();
    const call = failureOf(client.client(Robots).with({ signal: abort.signal }).count());
    await pauses;
    abort.abort(new Error('enough'));
    expect((await call).message).toBe('enough');
    expect(server.requests).toHaveLength(1);
    const deaf = createRpcClient({ send: () => new Promise(() => {}) }).client(Robots);
    expect(await failureOf(deaf.with({ timeoutMs: 20 }).count())).toMatchObject({ timeoutMs: 20 });
  });

  it('has one deadline for all repetitions, and sends the time that is left', async () => {
    const pending = {
      status: 202,
      body: 'wait',
      headers: { 'x-protocol-version': '1', 'retry-after': '0.02' },
    };
    const server = new ScriptedServer(pending);
    const robots = createRpcClient({ send: server.send }).client(Robots);
    stopTime();
    const failure = failureOf(robots.with({ timeoutMs: 150 }).count());
    await passTime(150);
    expect(await failure).toMatchObject({ name: 'DeadlineError' });
    const left = server.requests.map(({ headers }) => Number(headers['x-linnet-timeout']));
    expect(left).toEqual([150, 130, 110, 90, 70, 50, 30, 10]);
  });

  it('has no later deadline than the call around it', async () => {
    const context = () => ({ deadline: Date.now() + 30 });
    const client = createRpcClient({ send: () => new Promise(() => {}), context, timeoutMs: 60_000 });
    expect(await failureOf(client.client(Robots).count())).toMatchObject({ name: 'DeadlineError' });
  });

  it('shares one listener of its signal with all calls that use the signal', async () => {
    const abort = new AbortController();
    let sent = 0;
    const send = () => {
      sent++;
      return new Promise<never>(() => {});
    };
    const robots = createRpcClient({ send }).client(Robots);
    const calls = Array.from({ length: 50 }, () => failureOf(robots.with({ signal: abort.signal }).count()));
    await until(() => sent === 50);
    // More than ten would look like a leak to Node.
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    abort.abort(new Error('all'));
    expect(new Set((await Promise.all(calls)).map(({ message }) => message))).toEqual(new Set(['all']));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  it.each<[string, () => { signal: AbortSignal; end?: AbortController }]>([
    [
      'a controller',
      () => {
        const end = new AbortController();
        return { signal: end.signal, end };
      },
    ],
    ['a timeout', () => ({ signal: AbortSignal.timeout(600_000) })],
    [
      'several signals',
      () => {
        const end = new AbortController();
        return { signal: AbortSignal.any([end.signal, new AbortController().signal]), end };
      },
    ],
  ])('removes its listener from the signal of %s, also after thousands of calls', async (_, make) => {
    const { signal, end } = make();
    const any = jest.spyOn(AbortSignal, 'any');
    const server = new ScriptedServer({ body: '1' });
    // Both ways in which a call gets a signal.
    const robots = createRpcClient({ send: server.send, context: () => ({ signal }) }).client(Robots);
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 1000 }, () => robots.with({ signal }).count());
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      await Promise.all(calls);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    }
    const failing = createRpcClient({ send: async () => Promise.reject(new Error('no')) }).client(Robots);
    await failureOf(failing.with({ signal }).count());
    await failureOf(robots.with({ signal, timeoutMs: 0 }).count());
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    // It keeps something of each that is made of it, for as long as it lives.
    expect(any).not.toHaveBeenCalled();
    jest.restoreAllMocks();
    if (!end) return;
    // After all of them it is still heard.
    const call = failureOf(
      createRpcClient({ send: () => new Promise(() => {}) })
        .client(Robots)
        .with({ signal })
        .count(),
    );
    end.abort(new Error('over'));
    expect((await call).message).toBe('over');
  });

  it('rejects with the reason of a timeout signal', async () => {
    const deaf = createRpcClient({ send: () => new Promise(() => {}) }).client(Robots);
    const error = await failureOf(deaf.with({ signal: AbortSignal.timeout(20) }).count());
    expect(error.name).toBe('TimeoutError');
  });

  it('is not sent if it begins while another call handles the abort of the same signal', async () => {
    const abort = new AbortController();
    const server = new ScriptedServer({ body: '1' });
    const client = createRpcClient({ send: () => new Promise(() => {}) });
    const late = createRpcClient({ send: server.send }).client(Robots);
    const first = failureOf(client.client(Robots).with({ signal: abort.signal }).count());
    const second = first.then(() => failureOf(late.with({ signal: abort.signal }).count()));
    abort.abort(new Error('over'));
    expect((await first).message).toBe('over');
    expect((await second).message).toBe('over');
    expect(server.requests).toEqual([]);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });
});

describe('a server that receives the header X-Linnet-Timeout', () => {
  let way: Way;
  beforeAll(async () => {
    way = await open(WaitsModule, 'LinnetExpressAdapter');
  });
  afterAll(() => way.stop());
  afterEach(() => {
    log.length = 0;
  });

  it.each(['', '-1', '1.5', '1e3', 'soon', '86400001', '99999999999', '١'.normalize(), '5, 6'])(
    'ignores the value %j',
    async (value) => {
      const bytes = Buffer.from(value).toString('latin1');
      const client = createRpcClient({
        ...way.at,
        ownHeaders: false,
        headers: { 'X-Linnet-Timeout': bytes },
      });
      expect(await client.client(Waits).timeLeft()).toBeNull();
    },
  );

  it('lets pages send it', async () => {
    const response = await fetch(`${way.at.uriPrefix}/x/Waits-1.0.0-timeLeft`, {
      method: 'OPTIONS',
      headers: { Origin: way.at.uriPrefix! },
    });
    const allowed = response.headers.get('access-control-allow-headers')!.toLowerCase().split(', ');
    expect(allowed).toEqual(expect.arrayContaining(['x-linnet-client', 'x-linnet-timeout']));
  });
});
