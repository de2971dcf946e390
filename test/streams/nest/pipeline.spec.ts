import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Injectable,
  RequestTimeoutException,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
} from '@nestjs/common';
import { ClientRequestContext, IpcChannel, memoryIpc, RpcInterface } from '@linnet/backend';
import {
  createRpcClient,
  IModelError,
  ipcChannel,
  IpcFrontend,
  RpcInterface as Definition,
  rpcOverIpc,
} from '@linnet/common';
import type { RpcOperations, RpcStream } from '@linnet/common';
import {
  concat,
  finalize,
  from,
  interval,
  map,
  NEVER,
  Observable,
  of,
  Subject,
  take,
  takeUntil,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import { Readable } from 'node:stream';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import { all } from '../flow.js';

const story: string[] = [];
const store = new AsyncLocalStorage<string>();

@Injectable()
class Guard implements CanActivate {
  canActivate() {
    story.push('guard');
    return !refused;
  }
}
let refused = false;

@Injectable()
class Tenfold implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    story.push('interceptor');
    return store.run('tenant', () =>
      next.handle().pipe(
        tap((item) => story.push(`item ${item}`)),
        map((item: number) => 10 * item),
      ),
    );
  }
}

@Injectable()
class Impatient implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    const late = () => throwError(() => new RequestTimeoutException('no item came'));
    // On a busy machine the first item may take its time.
    return next.handle().pipe(timeout({ first: 30_000, each: 20, with: late }));
  }
}

const enough = new Subject<void>();

@Injectable()
class Limited implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(takeUntil(enough));
  }
}

class Missing extends Error {}

@Catch(Missing)
class MissingFilter implements ExceptionFilter {
  catch() {
    story.push('filter');
    return throwError(() => new IModelError(79, 'not here'));
  }
}

interface Items {
  plain(to: number): AsyncIterable<number>;
  mapped(to: number): AsyncIterable<number>;
  slow(): AsyncIterable<number>;
  stalled(): AsyncIterable<number>;
  waiting(): AsyncIterable<number>;
  limited(): AsyncIterable<number>;
  observable(to: number): AsyncIterable<number>;
  web(to: number): AsyncIterable<number>;
  node(to: number): AsyncIterable<number>;
  generator(to: number): AsyncIterable<number>;
  failing(after: number): AsyncIterable<number>;
  context(): AsyncIterable<unknown>;
  piped(to: number): AsyncIterable<number>;
  taken(items: RpcStream<number>): Promise<number[]>;
  wrong(): AsyncIterable<number>;
  fast(): AsyncIterable<string>;
}
const names = [
  'plain',
  'mapped',
  'slow',
  'stalled',
  'waiting',
  'limited',
  'observable',
  'web',
  'node',
  'generator',
  'failing',
  'context',
  'piped',
  'wrong',
  'fast',
] as const;
const streams = Object.fromEntries(names.map((name) => [name, { stream: true }])) as Record<
  (typeof names)[number],
  { stream: true }
>;
const itemsChannel = ipcChannel<Items>('items', { methods: { ...streams, taken: {} } });

abstract class ItemsRpc extends Definition implements Items {
  static readonly interfaceName = 'ItemsRpc';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<ItemsRpc> = { ...streams, taken: {} };
  abstract plain(to: number): AsyncIterable<number>;
  abstract mapped(to: number): AsyncIterable<number>;
  abstract slow(): AsyncIterable<number>;
  abstract stalled(): AsyncIterable<number>;
  abstract waiting(): AsyncIterable<number>;
  abstract limited(): AsyncIterable<number>;
  abstract observable(to: number): AsyncIterable<number>;
  abstract web(to: number): AsyncIterable<number>;
  abstract node(to: number): AsyncIterable<number>;
  abstract generator(to: number): AsyncIterable<number>;
  abstract failing(after: number): AsyncIterable<number>;
  abstract context(): AsyncIterable<unknown>;
  abstract piped(to: number): AsyncIterable<number>;
  abstract taken(items: RpcStream<number>): Promise<number[]>;
  abstract wrong(): AsyncIterable<number>;
  abstract fast(): AsyncIterable<string>;
}

async function* count(to: number) {
  try {
    for (let i = 0; i < to; i++) {
      await Promise.resolve();
      yield i;
    }
  } finally {
    story.push('end');
  }
}
function* sync(to: number) {
  for (let i = 0; i < to; i++) yield i;
}
const asAny = (value: unknown) => value as AsyncIterable<number>;

/** One item, and then a wait that only the signal of the call ends. */
async function* untilAborted() {
  const { signal } = ClientRequestContext.current;
  try {
    yield 0;
    story.push('waits');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    story.push(`${signal.reason.message}`);
  } finally {
    story.push('end');
  }
}

class Methods implements Items {
  plain(to: number) {
    return count(to);
  }
  @UseGuards(Guard)
  @UseInterceptors(Tenfold)
  mapped(to: number) {
    story.push('method');
    return count(to);
  }
  @UseInterceptors(Tenfold)
  slow() {
    return asAny(interval(5).pipe(take(3)));
  }
  @UseInterceptors(Impatient)
  stalled() {
    return asAny(concat(of(0), NEVER).pipe(finalize(() => story.push('end'))));
  }
  @UseInterceptors(Impatient)
  async *waiting() {
    yield* untilAborted();
  }
  @UseInterceptors(Limited)
  async *limited() {
    yield* untilAborted();
  }
  observable(to: number) {
    return asAny(from(Array.from({ length: to }, (_, i) => i)));
  }
  web(to: number) {
    return asAny(ReadableStream.from(count(to)));
  }
  node(to: number) {
    return asAny(Readable.from(count(to)));
  }
  generator(to: number) {
    return asAny(sync(to));
  }
  @UseFilters(MissingFilter)
  async *failing(after: number) {
    yield* count(after);
    throw new Missing();
  }
  @UseInterceptors(Tenfold)
  async *context() {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      contexts.push([ClientRequestContext.current.activityId, store.getStore()]);
      yield i;
    }
  }
  @UsePipes(new ValidationPipe({ transform: true }))
  piped(to: number) {
    return count(to);
  }
  @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
  async taken(items: RpcStream<number>) {
    return all(items);
  }
  wrong() {
    return 5 as never;
  }
  fast() {
    return new Observable((subscriber) => {
      for (let i = 0; i < 10_000 && !subscriber.closed; i++) subscriber.next('x'.repeat(10_000));
      subscriber.complete();
    }) as never;
  }
}
const contexts: unknown[] = [];

@IpcChannel(itemsChannel)
class ItemsHandler extends Methods {}
@RpcInterface(ItemsRpc)
class ItemsImpl extends Methods {}
@Injectable({ scope: Scope.REQUEST })
@IpcChannel(itemsChannel)
class ScopedHandler extends Methods {}
@Injectable({ scope: Scope.REQUEST })
@RpcInterface(ItemsRpc)
class ScopedImpl extends Methods {}

/** By name: how methods are called. */
const callers: Record<string, (app: IpcTestApp, frontend: IpcFrontend) => Items> = {
  IPC: (_app, frontend) => frontend.makeIpcProxy<Items>(itemsChannel, { activityId: 'act 1' }),
  'RPC over IPC': (_app, frontend) =>
    createRpcClient({ transport: rpcOverIpc(frontend) })
      .client(ItemsRpc)
      .with({ activityId: 'act 1' }),
  'RPC over HTTP': ({ port }) =>
    createRpcClient({ uriPrefix: `http://127.0.0.1:${port}` })
      .client(ItemsRpc)
      .with({ activityId: 'act 1' }),
};

describe.each([
  ['of the application', [ItemsHandler, ItemsImpl]],
  ['of each call or session', [ScopedHandler, ScopedImpl]],
])('streams through the pipeline of Nest, by a provider %s', (_name, providers) => {
  describe.each(Object.entries(callers))('over %s', (_caller, itemsOf) => {
    let frontend: IpcFrontend;
    let items: Items;
    beforeEach(async () => {
      story.length = contexts.length = 0;
      refused = false;
      // A client that leaves a stream may leave a connection without a request, which the server would wait for.
      const appOptions = { forceCloseConnections: true };
      const app = await startIpcApp({ rpc: {}, providers, appOptions });
      frontend = new IpcFrontend(memoryIpc(app.app));
      items = itemsOf(app, frontend);
    });
    afterEach(async () => {
      frontend.close();
      await closeIpcApps();
    });

    it('guards run once before the first item, and operators act on each item', async () => {
      expect(await all(items.mapped(3))).toEqual([0, 10, 20]);
      expect(story).toEqual(['guard', 'interceptor', 'method', 'item 0', 'item 1', 'item 2', 'end']);
    });

    it('a guard refuses the call before the method runs', async () => {
      refused = true;
      await expect(all(items.mapped(3))).rejects.toThrow('Forbidden');
      expect(story).toEqual(['guard']);
    });

    it.each(['plain', 'observable', 'web', 'node', 'generator', 'piped'] as const)(
      'the items of a stream of the kind "%s" arrive',
      async (name) => {
        expect(await all(items[name](4))).toEqual([0, 1, 2, 3]);
      },
    );

    it('an Observable that emits over time goes through operators', async () => {
      expect(await all(items.slow())).toEqual([0, 10, 20]);
    });

    it('an operator with a time limit ends a stream whose next item does not come', async () => {
      const got: number[] = [];
      const read = async () => {
        for await (const item of items.stalled()) got.push(item);
      };
      await expect(read()).rejects.toThrow('no item came');
      expect(got).toEqual([0]);
      await until(() => story.includes('end'));
    });

    it('an interceptor that ends a stream aborts the signal of a method that waits', async () => {
      const ended = ['waits', 'An interceptor has ended the stream.', 'end'];
      await expect(all(items.waiting())).rejects.toThrow('no item came');
      await until(() => story.includes('end'));
      expect(story.splice(0)).toEqual(ended);
      const limited = all(items.limited());
      await until(() => story.includes('waits'));
      enough.next();
      expect(await limited).toEqual([0]);
      await until(() => story.includes('end'));
      expect(story).toEqual(ended);
    });

    it('a filter sees the error that ends a stream', async () => {
      const got: number[] = [];
      const read = async () => {
        for await (const item of items.failing(2)) got.push(item);
      };
      await expect(read()).rejects.toMatchObject({ errorNumber: 79, message: 'not here' });
      expect(got).toEqual([0, 1]);
      await expect(all(items.failing(0))).rejects.toMatchObject({ errorNumber: 79 });
      expect(story).toEqual(['end', 'filter', 'end', 'filter']);
    });

    it('every item is produced in the context of the call and of its interceptors', async () => {
      expect(await all(items.context())).toEqual([0, 10, 20]);
      expect(contexts).toEqual(Array.from({ length: 3 }, () => ['act 1', 'tenant']));
    });

    it('a reader that leaves stops the method behind interceptors', async () => {
      for await (const item of items.mapped(1e9)) if (item === 50) break;
      await until(() => story.includes('end'));
    });

    it('a validation pipe leaves a stream among the arguments as it is', async () => {
      expect(await items.taken(count(3))).toEqual([0, 1, 2]);
    });

    it('a value where a stream was declared is an error that names the method', async () => {
      await expect(all(items.wrong())).rejects.toThrow('is declared as a stream');
    });

    it('an Observable that emits faster than it is read ends with an error that names the remedy', async () => {
      await expect(all(items.fast())).rejects.toThrow('Return an async iterable');
    });
  });
});
