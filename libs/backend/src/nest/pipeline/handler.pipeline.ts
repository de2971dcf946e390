import { ForbiddenException } from '@nestjs/common';
import type { CanActivate, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import type { ContextId } from '@nestjs/core';
import { FORBIDDEN_MESSAGE, STATIC_CONTEXT } from '../internals/nest.exports.js';
import type { ExecutionContextHost, InstanceWrapper } from '../internals/nest.exports.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { IModelError } from '@linnet/common';
import {
  afterCheck,
  declaredItems,
  GENERAL_ERROR,
  StoredAnswer,
  StreamResult,
} from '@linnet/common/internal';
import type { ALREADY_ANSWERED, CheckArguments, StreamItems } from '@linnet/common/internal';
import { bindItems } from '../../call/stream.context.js';
import { shieldedInterceptor, shieldedPipe } from './typed.array.shield.js';
import { argument, readParams } from '../params/call.params.js';
import type { CallParam } from '../params/call.params.js';
import { checkEnhancers } from '../params/enhancer.check.js';
import { ExceptionFilters, isControl } from './exception.filters.js';
import type { ErrorOptions, HandlerCall, HandlerMethod } from './handler.call.js';
import { intercept } from './interceptor.chain.js';
import { interceptedItems } from './item.stream.js';
import {
  guardsOf,
  interceptorsOf,
  parameterPipesOf,
  pipesOf,
  throughPipes,
} from '../internals/pipeline.parts.js';
import type { NestParts } from '../internals/pipeline.parts.js';

/** Checks a method once, at start. @throws Error if it cannot be called as declared; the message names class and method */
export function handlerMethod(
  parts: NestParts,
  wrapper: InstanceWrapper,
  name: string,
  errors: ErrorOptions,
  isStream: boolean,
  checkArguments: CheckArguments | undefined,
): HandlerMethod {
  const instance = wrapper.instance as object;
  const params = readParams(parts, instance, name);
  checkEnhancers(wrapper, instance, name, params);
  return { wrapper, name, params, errors, isStream, checkArguments };
}

type Method = (...args: unknown[]) => unknown;

/**
 * The way of a call through Nest, in Nest's order: guards, interceptors, pipes, the method, and filters for
 * what fails. Made once per method, or once per call where something in it is request-scoped.
 */
export class HandlerPipeline {
  readonly #guards: CanActivate[];
  readonly #interceptors: NestInterceptor[];
  readonly #pipes: PipeTransform[];
  readonly #filters: ExceptionFilters;
  readonly #paramPipes: PipeTransform[][];
  readonly #callback: Method;
  /** Whether the arguments are more, or others, than the caller sent. */
  readonly #fills: boolean;

  constructor(
    private readonly parts: NestParts,
    private readonly instance: object,
    private readonly method: HandlerMethod,
    contextId: ContextId = STATIC_CONTEXT,
  ) {
    const { wrapper, name, params } = method;
    const callback = (instance as Record<string, Method>)[name]!;
    const from = [instance, callback, wrapper.host!.token, contextId, wrapper.id] as const;
    this.#callback = callback;
    this.#guards = guardsOf(parts, from);
    this.#interceptors = interceptorsOf(parts, from).map(shieldedInterceptor);
    this.#pipes = pipesOf(parts, from).map(shieldedPipe);
    this.#filters = new ExceptionFilters(parts, instance, method, from);
    this.#paramPipes = params.known.map((param) =>
      parameterPipesOf(parts, from, param.pipes ?? []).map(shieldedPipe),
    );
    const piped = this.#pipes.length > 0 || this.#paramPipes.some((pipes) => pipes.length > 0);
    this.#fills = piped || params.injects;
  }

  /** Whether nothing of Nest takes part: the method may be called as it is. */
  get isPlain(): boolean {
    return this.#guards.length + this.#interceptors.length === 0 && this.#filters.isEmpty && !this.#fills;
  }

  /** @returns what the method returns, a {@link StreamResult} if it is a stream, or {@link ALREADY_ANSWERED} */
  async run(call: HandlerCall): Promise<unknown> {
    let isGuarding = true;
    let isStreaming = false;
    try {
      // Guards are asked here, and not by Nest's consumer, which takes a promise for a plain "yes".
      if (this.#guards.length > 0) {
        const context = this.#context(call);
        for (const guard of this.#guards) {
          const verdict = guard.canActivate(context);
          const allowed = typeof verdict === 'boolean' ? verdict : await lastValueOf(await verdict);
          if (!allowed) throw new ForbiddenException(FORBIDDEN_MESSAGE);
        }
      }
      isGuarding = false;
      if (call.once) await call.once.enter();
      if (this.method.isStream) {
        const items = await this.#items(call);
        isStreaming = true;
        return new StreamResult(bindItems(this.#filtered(items, call)));
      }
      return await (this.#interceptors.length === 0
        ? lastValueOf(await this.#call(call))
        : this.#intercepted(call));
    } catch (error) {
      // The answer of an earlier run has passed the filters already.
      if (error instanceof StoredAnswer) throw error;
      if (isGuarding) call.refused?.();
      call.failed(error);
      return await this.filter(error, call);
    } finally {
      if (!isStreaming) call.done();
    }
  }

  async #items(call: HandlerCall): Promise<StreamItems> {
    const method = async () => declaredItems(await this.#call(call), this.method.name);
    return this.#interceptors.length === 0
      ? method()
      : interceptedItems(this.#interceptors, this.#context(call), method);
  }

  /** The items of a method. Its filters act on the error that ends them. */
  #filtered(items: StreamItems, call: HandlerCall): StreamItems {
    let isBegun = false;
    return {
      next: async () => {
        try {
          const result = await items.next();
          if (result.done) call.done();
          isBegun = true;
          return result;
        } catch (error) {
          call.failed(error);
          call.done();
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- the filter has written the answer
          throw await this.filter(error, call, isBegun);
        }
      },
      return: () => {
        call.done();
        return items.return();
      },
    };
  }

  async #intercepted(call: HandlerCall): Promise<unknown> {
    // A control response bypasses the interceptors: they can neither see nor replace it.
    let control: { thrown: unknown } | undefined;
    const next = async () => {
      try {
        return await this.#call(call);
      } catch (error) {
        if (!isControl(error)) throw error;
        control = { thrown: error };
        return undefined;
      }
    };
    let result: unknown;
    try {
      result = await lastValueOf(intercept(this.#interceptors, this.#context(call), next));
    } catch (error) {
      throw control ? control.thrown : error;
    }
    if (control) throw control.thrown;
    return result;
  }

  /** Calls the method, and returns whatever it returns. Schemas see the arguments as the caller sent them, and pipes come after. */
  #call(call: HandlerCall): unknown {
    const { instance } = this;
    const { name, checkArguments } = this.method;
    return afterCheck(checkArguments, call.arguments, () => {
      const method = (instance as Record<string, Method>)[name]!;
      if (!this.#fills) return method.apply(instance, call.arguments);
      return this.#arguments(call).then((args) => method.apply(instance, args));
    });
  }

  async #arguments(call: HandlerCall): Promise<unknown[]> {
    const { known, maxArguments } = this.method.params;
    const given = call.arguments;
    if (given.length > maxArguments)
      throw new IModelError(
        GENERAL_ERROR,
        `Invalid request: ${given.length} arguments, but ${this.method.name} takes at most ${maxArguments}.`,
      );
    const args: unknown[] = Array.from({ length: Math.max(known.length, given.length) });
    const fill = async (_: unknown, index: number) => {
      const value = this.#argument(known[index] ?? argument(index), call);
      // Fastify's reply can be awaited, and settles when the answer is sent: the call would wait for itself.
      args[index] = value === call.contextArguments[1] ? value : await value;
    };
    await Promise.all(args.map(fill));
    return args;
  }

  #argument(param: CallParam, call: HandlerCall): unknown {
    const { index, inject, type, data, metatype, schema } = param;
    const value: unknown = inject ? inject(this.#context(call)) : call.arguments[index];
    if (!param.piped) return value;
    const pipes = [...this.#pipes, ...(this.#paramPipes[index] ?? [])];
    if (pipes.length === 0) return value;
    return throughPipes(this.parts, value, { type, data, metatype, schema }, pipes);
  }

  #context(call: HandlerCall): ExecutionContextHost {
    return (call.context ??= call.makeContext(this.instance.constructor as Type, this.#callback));
  }

  /** Lets a filter answer for an error. @returns that it did @throws (rejection) what is to be answered */
  filter(error: unknown, call: HandlerCall, isBegun?: boolean): Promise<typeof ALREADY_ANSWERED> {
    return this.#filters.run(error, call, isBegun);
  }
}

/** A method may return an Observable, of which the last value counts, as in a controller. */
export function lastValueOf(result: unknown): unknown {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}
