import { Injectable } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

/** A guard and an interceptor that do nothing: what having them costs. */
@Injectable()
export class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Injectable()
export class Interceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}
