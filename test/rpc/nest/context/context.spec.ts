import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Catch, Injectable } from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { CallContext, ClientRequestContext, CurrentActivity, RpcInterface } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { concatMap, from, tap } from 'rxjs';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';
import { until } from '../../../harness/waiting.js';

const current = () => ClientRequestContext.current.activityId;

/** Knows nothing of RPC but the context. */
@Injectable()
class Service {
  async find() {
    await nextTurn();
    return current();
  }
}

/** Lets the calls go on that wait. */
const waiting: (() => void)[] = [];
let entered: () => void;
let aborted: (reason: unknown) => void;

@RpcInterface(definitionOf('Context', 'continuations', 'slow', 'fields', 'wait', 'fail', 'observable'))
class ContextImpl {
  constructor(private readonly service: Service) {}

  async continuations() {
    const at: Record<string, string> = { start: current() };
    await Promise.resolve();
    at['await'] = current();
    // Sleeps: the test checks continuations of both kinds of timers.
    await delay(1);
    at['timers/promises'] = current();
    // Sleeps: the test checks continuations of both kinds of timers.
    await new Promise<void>((resolve) => setTimeout(() => resolve(void (at['setTimeout'] = current())), 1));
    await new Promise<void>((resolve) => setImmediate(() => resolve(void (at['setImmediate'] = current()))));
    await new Promise<void>((resolve) => queueMicrotask(() => resolve(void (at['microtask'] = current()))));
    const events = new EventEmitter();
    events.on('event', () => (at['event'] = current()));
    setImmediate(() => events.emit('event'));
    await once(events, 'event');
    const stream = new PassThrough();
    stream.on('data', () => (at['stream'] = current()));
    stream.end('x');
    for await (const _ of stream.on('end', () => (at['end'] = current())));
    const all = await Promise.all([this.service.find(), nextTurn().then(current), (async () => current())()]);
    at['all'] = all.join();
    return at;
  }
  async slow() {
    const before = current();
    await new Promise<void>((resolve) => waiting.push(resolve));
    return [before, current(), await this.service.find()];
  }
  async fields(@CurrentActivity() activity: Activity) {
    const { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod } = activity;
    const same = activity === ClientRequestContext.current;
    return { activityId, sessionId, applicationId, applicationVersion, accessToken, rpcMethod, same };
  }
  async wait(@CurrentActivity() activity: Activity) {
    const { signal } = activity;
    entered();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted(signal.reason);
  }
  async fail() {
    throw new Error('failed');
  }
  observable() {
    return from(nextTurn()).pipe(concatMap(() => from(this.service.find())));
  }
}

afterEach(closeApps);

describe.each(Object.entries(ways))('the request context, by way of %s,', (_name, way) => {
  const start = (providers: any[] = []) => startApp({ way, providers: [ContextImpl, Service, ...providers] });

  it('is available in every continuation of a call', async () => {
    const { call } = await start();
    const reply = await call('Context.continuations', [], { 'X-Correlation-ID': 'a1' });
    const places = ['start', 'await', 'timers/promises', 'setTimeout', 'setImmediate', 'microtask', 'event'];
    expect(reply.json).toEqual({
      ...Object.fromEntries(places.map((place) => [place, 'a1'])),
      stream: 'a1',
      end: 'a1',
      all: 'a1,a1,a1',
    });
    expect((await call('Context.observable', [], { 'X-Correlation-ID': 'a2' })).json).toBe('a2');
  });

  it('is empty outside of calls', async () => {
    const { call } = await start();
    expect(current()).toBe('');
    const slow = call('Context.slow');
    const resume = await until(() => waiting.pop());
    expect(current()).toBe('');
    resume();
    await slow;
    expect(current()).toBe('');
    expect(ClientRequestContext.current).toMatchObject({ sessionId: '', applicationId: '', rpcMethod: '' });
  });

  it('does not mix calls that run at once', async () => {
    const { call } = await start();
    const ids = Array.from({ length: 30 }, (_, i) => `a${i}`);
    const replies = ids.map((id) => call('Context.slow', [], { 'X-Correlation-ID': id }));
    await until(() => waiting.length === ids.length);
    for (const resume of waiting.splice(0).toReversed()) resume();
    expect((await Promise.all(replies)).map(({ json }) => json)).toEqual(ids.map((id) => [id, id, id]));
  });

  it('has the ids and credentials of the request', async () => {
    const { call } = await start();
    expect((await call('Context.fields', [], { Authorization: 'Bearer t' })).json).toEqual({
      activityId: 'activity-1',
      sessionId: 'session-1',
      applicationId: 'app-1',
      applicationVersion: '1.2.3',
      accessToken: 'Bearer t',
      rpcMethod: 'fields',
      same: true,
    });
  });

  it('is available in guards, interceptors and filters', async () => {
    const seen: [string, string | undefined, string][] = [];
    const note = (where: string, host: ArgumentsHost) =>
      seen.push([where, CallContext.from(host)?.activity.activityId, current()]);
    @Injectable()
    class Guard implements CanActivate {
      async canActivate(context: ExecutionContext) {
        await nextTurn();
        note('guard', context);
        return true;
      }
    }
    @Injectable()
    class Interceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        note('before', context);
        return next.handle().pipe(tap({ error: () => note('after', context) }));
      }
    }
    @Catch()
    class Filter implements ExceptionFilter {
      async catch(_error: unknown, host: ArgumentsHost) {
        await nextTurn();
        note('filter', host);
      }
    }
    const { call } = await start([
      { provide: APP_GUARD, useClass: Guard },
      { provide: APP_INTERCEPTOR, useClass: Interceptor },
      { provide: APP_FILTER, useClass: Filter },
    ]);
    await call('Context.fail', [], { 'X-Correlation-ID': 'a1' });
    expect(seen).toEqual(['guard', 'before', 'after', 'filter'].map((where) => [where, 'a1', 'a1']));
  });

  it('has a signal that is aborted when the client leaves', async () => {
    const { port } = await start();
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const gone = new Promise<unknown>((resolve) => (aborted = resolve));
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /Context-1.0.0-wait HTTP/1.1\r\nHost: localhost\r\nX-Correlation-ID: a\r\n' +
        'Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]',
    );
    await inside;
    socket.destroy();
    expect(await gone).toEqual(new Error('The client is gone.'));
  });
});
