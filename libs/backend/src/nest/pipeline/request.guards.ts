import { ForbiddenException, Scope } from '@nestjs/common';
import type { CanActivate, Type } from '@nestjs/common';
import type { ExternalContextCreator, ModuleRef } from '@nestjs/core';
import { FORBIDDEN_MESSAGE, SCOPE_OPTIONS_METADATA } from '../internals/nest.exports.js';
import type { ExecutionContextHost } from '../internals/nest.exports.js';
import { contextIdOf } from '../internals/scoped.instances.js';
import { lastValueOf } from './handler.pipeline.js';

/** A guard, or the class of one. A class may be a provider of any module. */
type GuardOption = Type<CanActivate> | CanActivate;

type GuardOf = (request: object) => CanActivate | Promise<CanActivate>;

/** Guards of requests that call no method of the application. */
export class RequestGuards {
  #guards: GuardOf[] = [];

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly creator: ExternalContextCreator,
    /** Names the guarded requests in errors: `the upgrade`. */
    private readonly guarded: string,
  ) {}

  get isEmpty(): boolean {
    return this.#guards.length === 0;
  }

  /** Makes the guards at start. @throws Error if a guard cannot be made (rejection) */
  async prepare(guards: readonly GuardOption[] = []): Promise<void> {
    this.#guards = await Promise.all(guards.map((guard) => this.#guardOf(guard)));
  }

  /** Asks the guards in their order. @throws ForbiddenException, or the error of a guard, if one refuses (rejection) */
  async admit(context: ExecutionContextHost): Promise<void> {
    const request = context.switchToHttp().getRequest<object>();
    for (const guardOf of this.#guards) {
      const guard = await guardOf(request);
      const allowed = await lastValueOf(await guard.canActivate(context));
      if (!allowed) throw new ForbiddenException(FORBIDDEN_MESSAGE);
    }
  }

  async #guardOf(guard: GuardOption): Promise<GuardOf> {
    if (typeof guard !== 'function') return () => guard;
    const scope = this.#scopeOf(guard);
    if (scope === undefined) {
      const declared = Reflect.getMetadata(SCOPE_OPTIONS_METADATA, guard) as { scope?: Scope } | undefined;
      // Nest would make one instance for all requests.
      if (declared?.scope === Scope.REQUEST)
        throw new Error(`${guard.name}: a request-scoped guard of ${this.guarded} has to be a provider.`);
      const instance = await this.moduleRef.create(guard);
      return () => instance;
    }
    if (scope !== Scope.DEFAULT)
      return (request) => {
        const contextId = contextIdOf(this.creator, request, false);
        return this.moduleRef.resolve(guard, contextId, { strict: false });
      };
    const instance = this.moduleRef.get(guard, { strict: false });
    return () => instance;
  }

  /** The scope of a provider; `undefined` for a class that is not a provider. */
  #scopeOf(guard: Type<CanActivate>): Scope | undefined {
    try {
      return this.moduleRef.introspect(guard).scope;
    } catch {
      return undefined;
    }
  }
}
