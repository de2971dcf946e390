import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Body,
  Catch,
  ClassSerializerInterceptor,
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import type { CallHandler, ExceptionFilter, ExecutionContext } from '@nestjs/common';
import { NestFactory, Reflector, REQUEST } from '@nestjs/core';
import {
  ClientRequestContext,
  CurrentActivity,
  IpcChannel,
  IpcHost,
  IpcModule,
  memoryIpc,
  RpcInterface,
  RpcOperation,
} from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
import { concat, defer, EMPTY, from, of, throwError } from 'rxjs';
import { definitionOf } from '../../../harness/nest.harness.js';
import { startOver, transports } from './transports.js';
import type { Calls } from './transports.js';

const bytes = Uint8Array.of(1, 2);
const current = () => ClientRequestContext.current.activityId !== '';

/** Whatever a method may return or throw. */
const methods: Record<string, () => unknown> = {
  value: () => ({ a: [1] }),
  nothing: () => undefined,
  nil: () => null,
  bytes: () => bytes,
  promise: async () => 1,
  // oxlint-disable-next-line unicorn/no-thenable -- a library may have objects that are not promises
  thenable: () => ({ then: (resolve: (value: number) => void) => resolve(2) }),
  observable: () => of(1, 2),
  'observable of bytes': () => of({ bytes }),
  'promise of an observable': async () => of(1, 2),
  'promise of a late observable': async () => concat(of(1), nextTurn(0)),
  'observable of a promise': () => of(Promise.resolve(3)),
  'promise of an empty observable': async () => EMPTY,
  'observable that fails': () => throwError(() => new Error('failed')),
  'promise of an observable that fails': async () => throwError(() => new Error('failed')),
  'observable in the context': () => defer(() => of(current())),
  'promise of an observable in the context': async () => defer(() => of(current())),
  'observable of an observable': () => of(of(1)),
  'observable in a member': async () => ({ items: from([1]) }),
  generator: () => (function* () {})(),
  'async generator': () => (async function* () {})(),
  'promise of an async generator': async () => (async function* () {})(),
  map: async () => new Map([[1, 2]]),
  error: async () => {
    throw new Error('thrown');
  },
  'error at once': () => {
    throw new Error('thrown at once');
  },
};

@Injectable()
class Yes {
  canActivate() {
    return true;
  }
}
@Injectable()
class Through {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle();
  }
}
@Injectable()
class Same {
  transform(value: unknown) {
    return value;
  }
}
@Catch()
class Silent implements ExceptionFilter {
  catch() {}
}

/** Enhancers that may stand around a method, and make its call go another way through this library. */
const enhancers: Record<string, ClassDecorator | undefined> = {
  nothing: undefined,
  'a guard': UseGuards(Yes),
  'an interceptor': UseInterceptors(Through),
  'a serializing interceptor': UseInterceptors(ClassSerializerInterceptor),
  'a pipe': UsePipes(Same),
  'a filter': UseFilters(Silent),
  'all of them': (target) => {
    for (const each of [UseGuards(Yes), UseInterceptors(Through), UsePipes(Same), UseFilters(Silent)])
      each(target);
  },
  'a decorated parameter': undefined,
  'a request-scoped dependency': undefined,
  'a concurrency': undefined,
};

const definition = definitionOf('Answers', 'answer');

function answerersWith(name: string): [new () => object, new () => object] {
  class Answers {
    answer(what: string): unknown {
      return methods[what]!();
    }
  }
  class Impl extends Answers {}
  class Handler extends Answers {}
  for (const target of [Impl, Handler]) {
    const own = { answer: target.prototype.answer };
    const descriptor: PropertyDescriptor = {
      value(what: string) {
        return own.answer(what);
      },
      writable: true,
      configurable: true,
    };
    Object.defineProperty(target.prototype, 'answer', descriptor);
    enhancers[name]?.(target);
    if (name === 'a decorated parameter') CurrentActivity()(target.prototype, 'answer', 1);
    if (name === 'a pipe') Body()(target.prototype, 'answer', 0);
    if (name === 'a request-scoped dependency') {
      Inject(REQUEST)(target.prototype, 'request');
      Injectable({ scope: Scope.REQUEST })(target);
    }
    if (name === 'a concurrency') RpcOperation({ concurrency: 2 })(target.prototype, 'answer', descriptor);
  }
  RpcInterface(definition)(Impl as never);
  IpcChannel('answers', { sequential: name === 'a concurrency' })(Handler as never);
  return [Impl, Handler];
}

const refused = (kind: string) =>
  expect.stringMatching(new RegExp(`^failed: .*answer: .*is of kind ${kind}; send`));
const expected: Record<string, unknown> = {
  value: { a: [1] },
  nothing: undefined,
  nil: null,
  bytes,
  promise: 1,
  thenable: 2,
  observable: 2,
  'observable of bytes': { bytes },
  'promise of an observable': 2,
  'promise of a late observable': 0,
  'observable of a promise': 3,
  'promise of an empty observable': undefined,
  'observable that fails': 'failed: failed',
  'promise of an observable that fails': 'failed: failed',
  'observable in the context': true,
  'promise of an observable in the context': true,
  'observable of an observable': 1,
  'observable in a member': refused('stream'),
  generator: refused('Generator'),
  'async generator': refused('stream'),
  'promise of an async generator': refused('stream'),
  map: refused('Map'),
  error: 'failed: thrown',
  'error at once': 'failed: thrown at once',
};

describe.each(
  Object.entries(transports).flatMap(([name, transport]) =>
    Object.keys(enhancers).map((enhancer) => ({ name, transport, enhancer })),
  ),
)('a method with $enhancer over $name', ({ transport, enhancer }) => {
  let calls: Calls;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const providers = [...answerersWith(enhancer), Yes, Through, Same, Silent, Reflector];
    ({ calls, stop } = await startOver(transport, { definition, channel: 'answers', providers }));
  });
  afterAll(() => stop());

  it.each(Object.keys(methods))('has the expected answer if it returns or throws "%s"', async (what) => {
    const answer = await calls['answer']!(what).catch((error: Error) => `failed: ${error.message}`);
    // An answer without a value is null or undefined by the wire.
    if (what === 'map' && enhancer === 'a serializing interceptor') {
      // It has a form for maps.
      expect(answer).toEqual({ 1: 2 });
      return;
    }
    expect(expected[what] === undefined ? (answer ?? undefined) : answer).toEqual(expected[what]);
  });
});

it('an error of a value that cannot be sent over IPC names channel and method', async () => {
  @Module({ imports: [IpcModule.forRoot()] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const host = app.get(IpcHost);
  const map = new Map([[1, 2]]);
  const reason = 'The value cannot be sent: value[0].map is of kind Map; send its entries';
  expect(() => host.send('news', { map })).toThrow(`news: ${reason}`);
  for (const compatible of [true, false]) {
    const frontend = new IpcFrontend(memoryIpc(app, { compatible }), { reconnect: false });
    await expect(frontend.callIpcChannel('news', 'read', { map })).rejects.toThrow(`news.read: ${reason}`);
    expect(() => frontend.send('news', { map })).toThrow(`news: ${reason}`);
    frontend.close();
  }
  await app.close();
});
