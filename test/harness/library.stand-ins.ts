import { Inject, Injectable, Scope, UnauthorizedException } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost, REQUEST } from '@nestjs/core';
import { Observable, tap } from 'rxjs';

// Uses of execution contexts, requests and responses by libraries of the Nest ecosystem, line by line.

/** `AuthGuard` of `@nestjs/passport`, over `authenticate` of `passport` with the strategy of `passport-jwt`. */
@Injectable()
export class JwtGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest();
    // passport: lib/middleware/authenticate.js
    request.login = request.logIn ??= function (
      this: any,
      user: unknown,
      _options: unknown,
      done: () => void,
    ) {
      this.user = user;
      done();
    };
    request.logout = request.logOut ??= () => undefined;
    request.isAuthenticated ??= function (this: any) {
      return Boolean(this.user);
    };
    request._sessionManager = {};
    const token = fromAuthHeader(request);
    request.authInfo = { token };
    if (token === undefined) throw new UnauthorizedException();
    request['user'] = { name: token, roles: ['driver'] };
    return true;
  }
}

/** `ExtractJwt.fromAuthHeaderAsBearerToken()` of `passport-jwt`. */
function fromAuthHeader(request: any): string | undefined {
  const [, scheme, value] = /(\S+)\s+(\S+)/.exec(request.headers['authorization'] ?? '') ?? [];
  return scheme?.toLowerCase() === 'bearer' ? value : undefined;
}

/** `ThrottlerGuard` of `@nestjs/throttler`, with a limit for each `req.ip`. */
export function throttlerGuard(limit: number): CanActivate & { readonly hits: Map<string, number> } {
  const hits = new Map<string, number>();
  return {
    hits,
    canActivate(context: ExecutionContext) {
      const http = context.switchToHttp();
      const [req, res] = [http.getRequest(), http.getResponse()];
      /curl/.test(req.headers['user-agent']);
      const key = `${context.getClass().name}-${context.getHandler().name}-${req.ip}`;
      const total = (hits.get(key) ?? 0) + 1;
      hits.set(key, total);
      if (total > limit) {
        res.header('Retry-After', 60);
        throw new Error('ThrottlerException: Too Many Requests');
      }
      res.header('X-RateLimit-Limit', limit);
      res.header('X-RateLimit-Remaining', Math.max(0, limit - total));
      return true;
    },
  };
}

/** `ContextClsStoreMap` of `nestjs-cls`. */
function clsKeyOf(context: ExecutionContext): object {
  switch (context.getType()) {
    case 'http': {
      const request = context.switchToHttp().getRequest();
      return request.raw ?? request;
    }
    case 'ws':
      return context.switchToWs();
    default:
      return context.switchToRpc().getContext();
  }
}

const clsStores = new WeakMap<object, Record<string, unknown>>();

/** `ClsGuard` and `ClsInterceptor` of `nestjs-cls`: a store for each call, which the first makes and the second finds. */
export const clsGuard: CanActivate = {
  canActivate(context: ExecutionContext) {
    const key = clsKeyOf(context);
    if (!clsStores.has(key)) clsStores.set(key, {});
    const store = clsStores.get(key)!;
    store['visits'] = Number(store['visits'] ?? 0) + 1;
    return true;
  },
};

/** Gives the store of a call to whoever asks by its context. */
export function clsStoreOf(context: ExecutionContext): Record<string, unknown> | undefined {
  return clsStores.get(clsKeyOf(context));
}

/** The interceptor that begins a transaction, as the documents of TypeORM users have it: on the request. */
let transactions = 0;
@Injectable()
export class TransactionInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    context.switchToHttp().getRequest()['ENTITY_MANAGER'] = `transaction ${++transactions}`;
    return next.handle();
  }
}

/** … and the repository that takes part in it. */
@Injectable({ scope: Scope.REQUEST })
export class Repository {
  constructor(@Inject(REQUEST) readonly request: any) {}
  get manager(): string {
    return this.request['ENTITY_MANAGER'] ?? 'no transaction';
  }
}

/** `CacheInterceptor` of `@nestjs/cache-manager`. */
@Injectable()
export class CacheInterceptor implements NestInterceptor {
  constructor(private readonly httpAdapterHost: HttpAdapterHost) {}
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { httpAdapter } = this.httpAdapterHost;
    const request = context.getArgByIndex(0);
    const isCacheable = ['GET'].includes(httpAdapter.getRequestMethod(request));
    if (isCacheable) throw new Error(`${httpAdapter.getRequestUrl(request)} would be cached.`);
    httpAdapter.setHeader(context.switchToHttp().getResponse(), 'X-Cache', 'MISS');
    return next.handle();
  }
}

/** Does what interceptors that log or measure do, as those for Prometheus. */
export function finishInterceptor(lines: string[]): NestInterceptor {
  return {
    intercept(context: ExecutionContext, next: CallHandler) {
      const http = context.switchToHttp();
      const [request, response] = [http.getRequest(), http.getResponse()];
      response.on('finish', () => lines.push(`${request.method} ${request.url} ${response.statusCode}`));
      return next.handle().pipe(tap(() => response.setHeader('X-Done', '1')));
    },
  };
}
