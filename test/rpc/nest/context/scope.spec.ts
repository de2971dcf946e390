import { Catch, Inject, Injectable, Scope } from '@nestjs/common';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  MiddlewareConsumer,
  NestInterceptor,
  NestModule,
  PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, ContextIdFactory, REQUEST } from '@nestjs/core';
import type { ContextId, ContextIdStrategy, HostComponentInfo } from '@nestjs/core';
import { RpcInterface } from '@linnet/backend';
import { map } from 'rxjs';
import { closeApps, definitionOf, startApp, ways } from '../../../harness/nest.harness.js';

let made = 0;

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  readonly id = ++made;
  constructor(@Inject(REQUEST) readonly request: { headers: Record<string, string> }) {}
}

const definition = definitionOf('Scoped', 'id', 'echo', 'fail');

@RpcInterface(definition)
class ScopedImpl {
  constructor(private readonly perRequest: PerRequest) {}
  async id() {
    const { id, request } = this.perRequest;
    return { id, session: request.headers['x-session-id'] };
  }
  async echo(value: unknown) {
    return value;
  }
  async fail() {
    throw new Error('failed');
  }
}

@RpcInterface(definition, { scope: Scope.REQUEST })
class RequestScopedImpl {
  readonly #id = ++made;
  async id() {
    return this.#id;
  }
  async echo() {}
  async fail() {}
}

@RpcInterface(definition, { scope: Scope.REQUEST })
class BrokenImpl {
  constructor() {
    throw new Error('no database');
  }
  async id() {}
  async echo() {}
  async fail() {}
}

@RpcInterface(definition)
class StaticImpl {
  async id() {
    return 0;
  }
  async echo(value: unknown) {
    return value;
  }
  async fail() {
    throw new Error('failed');
  }
}

beforeEach(() => {
  made = 0;
});
afterEach(closeApps);

describe.each(Object.entries(ways))('request scope, by way of %s,', (_name, way) => {
  it('creates a provider for each call, and injects the request', async () => {
    const { call } = await startApp({ way, providers: [ScopedImpl, PerRequest] });
    expect((await call('Scoped.id')).json).toEqual({ id: 1, session: 'session-1' });
    expect((await call('Scoped.id', [], { 'X-Session-Id': 'other' })).json).toEqual({
      id: 2,
      session: 'other',
    });
  });

  it('creates a request-scoped implementation for each call', async () => {
    const { call } = await startApp({ way, providers: [RequestScopedImpl] });
    expect((await call('Scoped.id')).text).toBe('1');
    expect((await call('Scoped.id')).text).toBe('2');
  });

  it('keeps concurrent calls apart', async () => {
    const { call } = await startApp({ way, providers: [ScopedImpl, PerRequest] });
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call('Scoped.id', [], { 'X-Session-Id': `s${i}` })),
    );
    expect(replies.map((reply) => reply.json.session)).toEqual(Array.from({ length: 20 }, (_, i) => `s${i}`));
    expect(new Set(replies.map((reply) => reply.json.id)).size).toBe(20);
  });

  it('answers with an error if a constructor throws', async () => {
    const { call } = await startApp({ way, providers: [BrokenImpl] });
    const reply = await call('Scoped.id');
    expect(reply.status).toBe(500);
    expect(reply.json).toMatchObject({ name: 'Error', message: 'no database' });
  });

  it('shares the instances of request-scoped middleware', async () => {
    const seen: number[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class ScopedMiddleware {
      constructor(private readonly perRequest: PerRequest) {}
      use(_request: unknown, _response: unknown, next: () => void) {
        seen.push(this.perRequest.id);
        next();
      }
    }
    class WithMiddleware implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(ScopedMiddleware).forRoutes('*path');
      }
    }
    const { call } = await startApp({
      way,
      imports: [{ module: WithMiddleware, providers: [PerRequest, ScopedImpl] }],
    });
    const reply = await call('Scoped.id');
    expect(seen).toEqual([reply.json.id]);
    expect(made).toBe(1);
  });

  it('runs a request-scoped global guard', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(private readonly perRequest: PerRequest) {}
      canActivate(context: ExecutionContext) {
        return context.getClass() === StaticImpl && this.perRequest.request.headers['x-session-id'] === 'yes';
      }
    }
    const { call } = await startApp({
      way,
      providers: [StaticImpl, PerRequest, { provide: APP_GUARD, useClass: Guard }],
    });
    expect((await call('Scoped.id', [], { 'X-Session-Id': 'yes' })).status).toBe(200);
    expect((await call('Scoped.id', [], { 'X-Session-Id': 'no' })).status).toBe(403);
  });

  it('runs a request-scoped global pipe', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Pipe implements PipeTransform {
      constructor(private readonly perRequest: PerRequest) {}
      transform(value: unknown) {
        return `${String(value)} for ${this.perRequest.request.headers['x-session-id']}`;
      }
    }
    const { call } = await startApp({
      way,
      providers: [StaticImpl, PerRequest, { provide: APP_PIPE, useClass: Pipe }],
    });
    expect((await call('Scoped.echo', ['robot'])).json).toBe('robot for session-1');
  });

  it('runs a request-scoped global interceptor', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Interceptor implements NestInterceptor {
      constructor(private readonly perRequest: PerRequest) {}
      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((value) => [value, this.perRequest.id]));
      }
    }
    const { call } = await startApp({
      way,
      providers: [StaticImpl, PerRequest, { provide: APP_INTERCEPTOR, useClass: Interceptor }],
    });
    expect((await call('Scoped.echo', ['robot'])).json).toEqual(['robot', 1]);
    expect((await call('Scoped.echo', ['robot'])).json).toEqual(['robot', 2]);
  });

  it('runs a request-scoped global filter', async () => {
    @Catch()
    @Injectable({ scope: Scope.REQUEST })
    class Filter implements ExceptionFilter {
      constructor(private readonly perRequest: PerRequest) {}
      catch(error: Error, host: ArgumentsHost) {
        const response = host.switchToHttp().getResponse();
        response.status(409).send({ message: error.message, id: this.perRequest.id });
      }
    }
    const { call } = await startApp({
      way,
      providers: [StaticImpl, PerRequest, { provide: APP_FILTER, useClass: Filter }],
    });
    const reply = await call('Scoped.fail');
    expect(reply.status).toBe(409);
    expect(reply.json).toEqual({ message: 'failed', id: 1 });
  });

  it('shares durable providers by the context id strategy of the application', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class PerTenant {
      readonly id = ++made;
      constructor(@Inject(REQUEST) readonly payload: { tenant: string }) {}
    }
    @RpcInterface(definition, { scope: Scope.REQUEST, durable: true })
    class DurableImpl {
      constructor(private readonly perTenant: PerTenant) {}
      async id() {
        return [this.perTenant.id, this.perTenant.payload.tenant];
      }
      async echo() {}
      async fail() {}
    }
    const contexts = new Map<string, ContextId>();
    const strategy: ContextIdStrategy = {
      attach(contextId: ContextId, request: { headers: Record<string, string> }) {
        const tenant = request.headers['x-session-id']!;
        const known = contexts.get(tenant) ?? ContextIdFactory.create();
        contexts.set(tenant, known);
        return {
          resolve: (info: HostComponentInfo) => (info.isTreeDurable ? known : contextId),
          payload: { tenant },
        };
      },
    };
    ContextIdFactory.apply(strategy);
    try {
      const { call } = await startApp({ way, providers: [DurableImpl, PerTenant] });
      const ids: unknown[] = [];
      for (const tenant of ['a', 'b', 'a', 'b'])
        ids.push((await call('Scoped.id', [], { 'X-Session-Id': tenant })).json);
      expect(ids).toEqual([
        [1, 'a'],
        [2, 'b'],
        [1, 'a'],
        [2, 'b'],
      ]);
    } finally {
      ContextIdFactory.apply(undefined as unknown as ContextIdStrategy);
    }
  });
});
