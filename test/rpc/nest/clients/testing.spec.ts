import { Module, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication, MiddlewareConsumer } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CallContext,
  ClientRequestContext,
  CurrentActivity,
  IModelError,
  IModelStatus,
  RpcInterface,
  RpcModule,
  RpcPendingResponse,
  TransientError,
} from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';
import { createTestRpcClient } from '@linnet/backend/testing';

abstract class Shop extends RpcInterface {
  static readonly interfaceName = 'Shop';
  static interfaceVersion = '1.0.0';
  async price(_article: string): Promise<number> {
    return this.forward(arguments);
  }
  async mirror(_value: unknown, ..._more: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  async later(_times: number): Promise<number> {
    return this.forward(arguments);
  }
  async busy(_times: number): Promise<number> {
    return this.forward(arguments);
  }
  async names(): Promise<string[]> {
    return this.forward(arguments);
  }
  async wait(): Promise<void> {
    return this.forward(arguments);
  }
}

let entered: () => void;
let left: (reason: unknown) => void;

@RpcInterface(Shop)
class ShopImpl implements Shop {
  #attempts = 0;
  async price(article: string) {
    if (article === '') throw new IModelError(IModelStatus.NotFound, 'There is no such article.');
    return article.length;
  }
  async mirror(...values: unknown[]) {
    return values.length === 1 ? values[0] : values;
  }
  async later(times: number) {
    if (this.#attempts++ < times) throw new RpcPendingResponse('soon');
    return this.#attempts;
  }
  async busy(times: number) {
    if (this.#attempts++ < times) throw new TransientError('busy');
    return this.#attempts;
  }
  async names() {
    const { activityId, sessionId, accessToken } = ClientRequestContext.current;
    return [activityId, sessionId, accessToken];
  }
  async wait(@CurrentActivity() activity?: Activity) {
    entered();
    await new Promise((resolve) => activity!.signal.addEventListener('abort', resolve));
    left(activity!.signal.reason);
  }
}

/** Lets in who has a pass; knows nothing of RPC but the context. */
class PassGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (CallContext.from(context)?.authorization === 'none') throw new UnauthorizedException('No pass.');
    return true;
  }
}

let seen: string[] = [];

@Module({
  imports: [RpcModule.forRoot()],
  providers: [ShopImpl, { provide: APP_GUARD, useClass: PassGuard }],
})
class ShopModule {
  configure(consumer: MiddlewareConsumer) {
    consumer
      .apply((request: { originalUrl: string }, _response: unknown, next: () => void) => {
        seen.push(request.originalUrl);
        next();
      })
      .forRoutes('*path');
  }
}

const compile = () => Test.createTestingModule({ imports: [ShopModule] }).compile();

const applications: Record<string, () => Promise<INestApplication>> = {
  'a testing module': async () => (await compile()) as never,
  'an application with LinnetExpressAdapter': async () =>
    (await compile()).createNestApplication(new LinnetExpressAdapter()),
  'an application of Fastify': async () => (await compile()).createNestApplication(new FastifyAdapter()),
  'an application behind TLS': async () =>
    (await compile()).createNestApplication({ httpsOptions: {}, logger: false }),
};

describe.each(Object.entries(applications))('a test client of %s', (_name, make) => {
  let app: INestApplication;
  beforeEach(async () => {
    seen = [];
    app = await make();
  });
  afterEach(() => app.close());

  it('makes calls through the middleware and guards of the application', async () => {
    const shop = await createTestRpcClient(app, Shop);
    expect(await shop.price('pump')).toBe(4);
    expect(seen).toEqual([expect.stringMatching(/Shop-1\.0\.0-price$/)]);
    const uninvited = shop.with({ headers: { Authorization: 'none' } });
    await expect(uninvited.price('pump')).rejects.toMatchObject({ message: 'No pass.', status: 401 });
  });

  it('gets errors with their number, and values as the wire carries them', async () => {
    const shop = await createTestRpcClient(app, Shop);
    await expect(shop.price('')).rejects.toMatchObject({
      errorNumber: IModelStatus.NotFound,
      message: 'There is no such article.',
    });
    const bytes = new Uint8Array([0, 255, 13, 10]);
    expect(await shop.mirror(bytes)).toEqual(bytes);
    expect(await shop.mirror({ bytes, when: new Date(0) }, 'é')).toEqual([
      { bytes, when: '1970-01-01T00:00:00.000Z' },
      'é',
    ]);
    expect(await shop.mirror(new Uint8Array(3_000_000))).toHaveLength(3_000_000);
  });

  it('repeats pending and busy calls without long pauses', async () => {
    const shop = await createTestRpcClient(app, Shop);
    expect(await shop.later(2)).toBe(3);
    expect(await shop.busy(5)).toBe(6);
  });

  it('sends the ids and credentials of its options', async () => {
    const shop = await createTestRpcClient(app, Shop, { sessionId: 's1', authorization: async () => 'pass' });
    expect(await shop.with({ activityId: 'a1' }).names()).toEqual(['a1', 's1', 'pass']);
  });

  it('aborts the signal of its call when it aborts the call', async () => {
    const shop = await createTestRpcClient(app, Shop);
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const gone = new Promise<unknown>((resolve) => (left = resolve));
    const abort = new AbortController();
    const call = shop.with({ signal: abort.signal }).wait();
    await inside;
    abort.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    expect(await gone).toEqual(new Error('The client is gone.'));
  });

  it('works beside other test clients, without a port', async () => {
    const clients = await Promise.all([createTestRpcClient(app, Shop), createTestRpcClient(app, Shop)]);
    const calls = Array.from({ length: 40 }, (_, i) => clients[i % 2]!.price('x'.repeat(i + 1)));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });
});

describe('a test client', () => {
  it.each([{ prefix: 'api' }, { path: '/rpc' }])(
    'finds the path of RPC with %j',
    async ({ prefix, path }) => {
      const builder = Test.createTestingModule({
        imports: [RpcModule.forRoot({ path })],
        providers: [ShopImpl],
      });
      const app = (await builder.compile()).createNestApplication();
      if (prefix) app.setGlobalPrefix(prefix);
      const shop = await createTestRpcClient(app, Shop);
      expect(await shop.price('pump')).toBe(4);
      await app.close();
    },
  );

  it('rejects a call whose connection is cut', async () => {
    const app = (await compile()).createNestApplication();
    app.use((request: { socket: { destroy(): void } }) => request.socket.destroy());
    const shop = await createTestRpcClient(app, Shop);
    await expect(shop.price('pump')).rejects.toThrow('The server cannot be reached: socket hang up');
    await app.close();
  });

  it('names the missing RpcServer in an application without RPC', async () => {
    const module = await Test.createTestingModule({}).compile();
    await expect(createTestRpcClient(module, Shop)).rejects.toThrow('RpcServer');
    await module.close();
  });
});
