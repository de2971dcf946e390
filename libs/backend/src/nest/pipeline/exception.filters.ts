import type { Type } from '@nestjs/common';
import { ExecutionContextHost, selectExceptionFilterMetadata } from '../internals/nest.exports.js';
import type { ExceptionFilterMetadata } from '../internals/nest.exports.js';
import type { ContextId } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { ALREADY_ANSWERED, exposureOf, outcomeOf } from '@linnet/common/internal';
import { ClientRequestContext } from '../../call/request.context.js';
import { catchesIpc } from '../errors/catch.ipc.js';
import { observeError } from '../errors/error.observer.js';
import { mapNestException } from '../errors/exception.mapper.js';
import type { HandlerCall, HandlerMethod } from './handler.call.js';
import { boundFiltersOf, filtersOf, selectedFiltersOf } from '../internals/pipeline.parts.js';
import type { NestParts } from '../internals/pipeline.parts.js';
import { SafeLogger } from '../logging/safe.logger.js';
import { silentResponse } from './silent.response.js';
import { WsEmission } from './ws.emission.js';

type Method = (...args: unknown[]) => unknown;

const logger = new SafeLogger('ExceptionsHandler');
/** Methods whose filters have been found to return values. */
const warned = new WeakSet<HandlerMethod>();

/** The exception filters around a method: those that are bound to it or its class, and then the global ones. */
export class ExceptionFilters {
  readonly #bound: readonly ExceptionFilterMetadata[];
  readonly #global: readonly ExceptionFilterMetadata[];
  #globalOnIpc: readonly ExceptionFilterMetadata[] | undefined;

  constructor(
    private readonly parts: NestParts,
    private readonly instance: object,
    private readonly method: HandlerMethod,
    private readonly from: readonly [object, Method, string, ContextId, string],
  ) {
    this.#bound = boundFiltersOf(parts, ...from);
    this.#global = filtersOf(parts, ...from).slice(this.#bound.length);
  }

  /** Whether the method has no filter, on any transport. */
  get isEmpty(): boolean {
    return this.#bound.length + this.#global.length === 0;
  }

  /**
   * Lets the nearest filter for an error run. A bound one may write the answer, as filters of controllers do, or return an
   * Observable that fails with what to answer, as those of microservices do; anything else leaves the error to be answered
   * as it is. So may a global one, where the error is not marked for callers: those that are keep their shape, whatever a filter
   * that catches everything makes of them.
   *
   * @param isBegun whether the answer is a stream that has begun: the filter can only replace the error that ends it
   * @returns that the filter has answered
   * @throws (rejection) what is to be answered
   */
  async run(error: unknown, call: HandlerCall, isBegun = false): Promise<typeof ALREADY_ANSWERED> {
    if (isControl(error)) throw error;
    const bound = selectExceptionFilterMetadata(this.#bound as ExceptionFilterMetadata[], error);
    const filter =
      bound ?? selectExceptionFilterMetadata(this.#globalFor(call) as ExceptionFilterMetadata[], error);
    if (!filter) throw error;
    const isKept = !bound && this.#isForCallers(error);
    // Behind the head of a stream, a filter can no longer write the answer.
    const isSilent = (isKept || isBegun || call.isAnswered()) && call.contextType === 'http';
    if (!isSilent) call.beforeFilter();
    const context = isSilent ? this.#silentContext(call) : this.#contextOf(call);
    const emission = call.contextType === 'ws' && !isKept ? new WsEmission(context) : undefined;
    let returned: unknown;
    try {
      returned = await (filter.func as Method)(error, emission?.filterContext ?? context);
    } catch (failure) {
      if (failure !== error) logger.error(failure);
      throw error;
    }
    if (!isSilent && call.isAnswered()) return this.#answered(error);
    if (isSilent && context.getArgByIndex<{ headersSent: boolean }>(1).headersSent) throw error;
    const emitted = emission?.replacing(error);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- as around a gateway, what is emitted is an object
    if (emitted) throw emitted;
    if (isObservable(returned)) {
      const replaced = lastValueFrom(returned, { defaultValue: undefined });
      returned = await (isKept ? replaced.catch(() => undefined) : replaced);
    }
    if (returned !== undefined) this.#warn();
    throw error;
  }

  #globalFor({ contextType }: HandlerCall): readonly ExceptionFilterMetadata[] {
    if (contextType === 'http' || this.#global.length === 0) return this.#global;
    // The others are written for requests.
    return (this.#globalOnIpc ??= selectedFiltersOf(this.parts, catchesIpc, ...this.from).slice(
      this.#bound.length,
    ));
  }

  #isForCallers(error: unknown): boolean {
    try {
      return exposureOf(error, this.method.errors) === 'whole' || mapNestException(error) !== undefined;
    } catch {
      // A proxy may refuse to be looked at.
      return false;
    }
  }

  #contextOf(call: HandlerCall): ExecutionContextHost {
    return (call.context ??= call.makeContext(this.instance.constructor as Type, this.from[1]));
  }

  #silentContext({ contextArguments, contextType }: HandlerCall): ExecutionContextHost {
    const [request, response, ...rest] = contextArguments as [object, object, ...unknown[]];
    const args = [request, silentResponse(response, request), ...rest];
    const context = new ExecutionContextHost(args, this.instance.constructor as Type, this.from[1]);
    context.setType(contextType);
    return context;
  }

  /** Nobody else would tell the observer. */
  #answered(error: unknown): typeof ALREADY_ANSWERED {
    const { errors } = this.method;
    if (errors.onError)
      observeError(errors, logger, error, {
        activity: ClientRequestContext.current,
        hidden: !this.#isForCallers(error),
      });
    return ALREADY_ANSWERED;
  }

  #warn(): void {
    if (warned.has(this.method)) return;
    warned.add(this.method);
    const where = `${this.instance.constructor.name}.${this.method.name}`;
    logger.warn(
      `An exception filter of ${where} returned a value, which is ignored: it has to write the response.`,
    );
  }
}

/** Control responses and "no content": outcomes of a call, not errors. */
export function isControl(thrown: unknown): boolean {
  return outcomeOf(thrown).kind !== 'error';
}
