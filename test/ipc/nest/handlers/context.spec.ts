import { jest } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConsoleLogger, Injectable, Logger, UseGuards, UseInterceptors } from '@nestjs/common';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import {
  ActivityLogger,
  CallContext,
  ClientRequestContext,
  CurrentActivity,
  IpcChannel,
  IpcClosedError,
} from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { concatMap, from, timer } from 'rxjs';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

const current = () => ClientRequestContext.current.activityId;
const uuid = expect.stringMatching(/^[-0-9a-f]{36}$/) as string;

/** Knows nothing of IPC but the context. */
@Injectable()
class Service {
  readonly #logger = new Logger('Service');
  async find() {
    await nextTurn();
    this.#logger.log('finding');
    return current();
  }
}

let entered: () => void = () => undefined;
let ended: (reason: unknown) => void = () => undefined;

@IpcChannel('context-v1')
class ContextHandler {
  constructor(private readonly service: Service) {}

  async continuations() {
    const at: Record<string, string> = { start: current() };
    await Promise.resolve();
    at['await'] = current();
    // Sleeps: the test checks the context behind a timer, so that a timer has to expire.
    await new Promise<void>((resolve) => setTimeout(() => resolve(void (at['timer'] = current()))));
    await new Promise<void>((resolve) => setImmediate(() => resolve(void (at['immediate'] = current()))));
    await new Promise<void>((resolve) => queueMicrotask(() => resolve(void (at['microtask'] = current()))));
    const events = new EventEmitter();
    events.on('event', () => (at['event'] = current()));
    const emitted = once(events, 'event');
    setImmediate(() => events.emit('event'));
    await emitted;
    const all = await Promise.all([this.service.find(), nextTurn().then(current)]);
    at['all'] = all.join();
    return at;
  }
  /** Takes so many turns of the event loop. */
  async slow(turns: number) {
    const before = current();
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    return [before, current(), await this.service.find()];
  }
  async fields(@CurrentActivity() activity: Activity) {
    const { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod, user } =
      activity;
    const same = activity === ClientRequestContext.current;
    return { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod, user, same };
  }
  async wait(@CurrentActivity() activity: Activity) {
    const { signal } = activity;
    entered();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    ended(signal.reason);
  }
  observable() {
    return timer(1).pipe(concatMap(() => from(this.service.find())));
  }
}

afterEach(closeIpcApps);

describe('the context of a call over IPC', () => {
  const start = (ipc = {}) => startIpcApp({ ipc, providers: [ContextHandler, Service] });

  it('is the current one in every continuation of the call', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    const { result } = await ask('context-v1.continuations');
    const id = result.start as string;
    expect(id).toEqual(uuid);
    const places = ['start', 'await', 'timer', 'immediate', 'microtask', 'event'];
    expect(result).toEqual({
      ...Object.fromEntries(places.map((place) => [place, id])),
      all: `${id},${id}`,
    });
    expect((await ask('context-v1.observable')).result).toEqual(uuid);
  });

  it('is empty outside of calls', async () => {
    const { connect } = await start();
    const { ask } = await connect();
    expect(current()).toBe('');
    await ask('context-v1.slow', 1);
    expect(current()).toBe('');
  });

  it('is not mixed with the context of other calls that run at once, in one session or in several', async () => {
    const { connect } = await start();
    const frontends = await Promise.all([connect(), connect()]);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => frontends[i % 2]!.ask('context-v1.slow', (i * 7) % 20)),
    );
    const ids = answers.map(({ result }) => {
      expect(new Set(result).size).toBe(1);
      return result[0] as string;
    });
    expect(new Set(ids).size).toBe(40);
  });

  it('has the session, its user, its credentials and the name of the method', async () => {
    const { connect, session } = await start({ authorize: () => ({ user: { name: 'ann' } }) });
    const { ask } = await connect({ headers: { Authorization: 'Bearer t' } });
    const { id } = await session();
    expect(await ask('context-v1.fields')).toEqual({
      result: {
        activityId: uuid,
        sessionId: id,
        applicationId: '',
        applicationVersion: '',
        accessToken: 'Bearer t',
        rpcMethod: 'context-v1.fields',
        user: { name: 'ann' },
        same: true,
      },
    });
  });

  it('is the current one in guards and interceptors', async () => {
    const seen: [string, string | undefined, string][] = [];
    const note = (where: string, context: ExecutionContext) =>
      seen.push([where, CallContext.from(context)?.activity.activityId, current()]);
    @IpcChannel('noted')
    @UseGuards({
      canActivate: async (context) => {
        await nextTurn();
        return note('guard', context) > 0;
      },
    })
    @UseInterceptors({
      intercept: (context: ExecutionContext, next: CallHandler) => {
        note('interceptor', context);
        return next.handle();
      },
    })
    class NotedHandler {
      async say() {
        return current();
      }
    }
    const { connect } = await startIpcApp({ providers: [NotedHandler] });
    const { result } = await (await connect()).ask('noted.say');
    expect(seen).toEqual(['guard', 'interceptor'].map((where) => [where, result, result]));
  });

  it('has a signal that is aborted when the session ends', async () => {
    const { connect } = await start();
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const gone = new Promise<unknown>((resolve) => (ended = resolve));
    const { raw, ask } = await connect();
    const waiting = ask('context-v1.wait');
    await inside;
    raw.socket.close(3001, 'enough');
    const reason = (await gone) as IpcClosedError;
    expect(reason).toBeInstanceOf(IpcClosedError);
    expect(reason.closure).toEqual({ code: 3001, reason: 'enough', initiator: 'remote' });
    await expect(waiting).rejects.toThrow('closed with 3001');
  });

  it('exists in listeners of a session and of the host', async () => {
    const { connect, host, session } = await start({ authorize: () => ({ user: 'ann' }) });
    const { raw } = await connect();
    const seen: unknown[][] = [];
    const listen = (where: string) => async (_event: unknown, text: string) => {
      await nextTurn();
      const { sessionId, user, rpcMethod } = ClientRequestContext.current;
      seen.push([where, text, current(), sessionId, user, rpcMethod]);
    };
    const { id } = await session();
    host.addListener('told', listen('host') as never);
    host.sessions[0]!.addListener('told', listen('session') as never);
    raw.send('itwin.told', 'hello');
    await until(() => seen.length === 2);
    expect(seen).toEqual([
      ['session', 'hello', uuid, id, 'ann', 'told'],
      ['host', 'hello', uuid, id, 'ann', 'told'],
    ]);
  });

  it('covers listeners that fail: their errors are logged, and the session stays open', async () => {
    const { connect, host, log } = await start();
    const { raw, ask } = await connect();
    host.addListener('told', () => {
      throw new Error('thrown by a listener');
    });
    host.addListener('told', (async () => {
      throw new Error('rejected by a listener');
    }) as never);
    raw.send('itwin.told');
    await ask('context-v1.slow', 1);
    expect(log.find('error', 'by a listener')).toHaveLength(2);
    expect(raw.socket.readyState).toBe(raw.socket.OPEN);
  });
});

describe('ActivityLogger over IPC', () => {
  let written = '';
  let restore: () => void;

  beforeEach(() => {
    written = '';
    const spies = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation((text) => {
        written += String(text);
        return true;
      }),
    );
    restore = () => spies.forEach((spy) => spy.mockRestore());
  });
  afterEach(() => {
    restore();
    Logger.overrideLogger(new ConsoleLogger());
  });

  it('writes the activity on every line of a call, and on the line of a failure', async () => {
    class InsideError extends Error {}
    @IpcChannel('failing')
    class FailingHandler {
      async fail() {
        await nextTurn();
        throw new InsideError('the disk is full');
      }
    }
    const { connect, session } = await startIpcApp({
      providers: [ContextHandler, FailingHandler, Service],
      configure: (app) => app.useLogger(new ActivityLogger({ json: true, colors: false })),
    });
    const { ask, fail } = await connect();
    const { id } = await session();
    written = '';
    const [activityId] = (await ask('context-v1.slow', 1)).result as string[];
    const error = await fail('failing.fail');
    const lines = written.split('\n').filter(Boolean);
    const [found, failed] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const fields = { SessionId: id, ApplicationId: '', ApplicationVersion: '' };
    expect(found).toMatchObject({
      ...fields,
      message: 'finding',
      ActivityId: activityId,
      rpcMethod: 'context-v1.slow',
    });
    expect(failed).toMatchObject({
      ...fields,
      level: 'error',
      ActivityId: error.activityId,
      rpcMethod: 'failing.fail',
    });
    expect(lines[1]).toContain('the disk is full');
    expect(lines).toHaveLength(2);
  });
});
