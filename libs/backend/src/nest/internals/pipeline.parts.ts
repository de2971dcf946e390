import type { CanActivate, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import type { ApplicationConfig, ContextId, ExternalContextCreator } from '@nestjs/core';
import { ROUTE_ARGS_METADATA } from './nest.exports.js';
import type {
  BaseExceptionFilterContext,
  ContextUtils,
  ExceptionFilterMetadata,
  GuardsContextCreator,
  InterceptorsContextCreator,
  PipesConsumer,
  PipesContextCreator,
} from './nest.exports.js';

/**
 * The private parts of `ExternalContextCreator`, as Nest 12.5.1 has them. Its public `create` runs guards, interceptors and
 * pipes, but it drops arguments beyond the declared ones, answers an error with the return value of a filter, and logs every
 * error as unexpected. So `nest/pipeline` uses the parts instead. `nest.internals.spec.ts` fails if one of them changes.
 */
export interface NestParts {
  readonly guardsContextCreator: GuardsContextCreator;
  readonly interceptorsContextCreator: InterceptorsContextCreator;
  readonly pipesContextCreator: PipesContextCreator;
  readonly pipesConsumer: PipesConsumer;
  readonly filtersContextCreator: BaseExceptionFilterContext & FiltersContextCreator;
  readonly contextUtils: ContextUtils;
}

interface FiltersContextCreator {
  create(...place: MethodPlace): object;
}

/** A method as Nest's parts look it up: object, function, token of the module, context, and id of the wrapper. */
export type MethodPlace = readonly [
  instance: object,
  callback: (...args: never[]) => unknown,
  module: string,
  contextId?: ContextId,
  inquirerId?: string,
];

type Filters = ExceptionFilterMetadata[];

/** The private members of the creator, typed. */
export function nestParts(creator: ExternalContextCreator): NestParts {
  return creator as unknown as NestParts;
}

/** Guards around a method, in order: `GuardsContextCreator` finds the global ones, those of the class, and its own. */
export function guardsOf({ guardsContextCreator: creator }: NestParts, place: MethodPlace): CanActivate[] {
  return creator.create(...(place as unknown as Parameters<typeof creator.create>));
}

/** Interceptors around a method, the outermost first. */
export function interceptorsOf(
  { interceptorsContextCreator: creator }: NestParts,
  place: MethodPlace,
): NestInterceptor[] {
  return creator.create(...(place as unknown as Parameters<typeof creator.create>));
}

/** Pipes that are bound to a method, its class and the application. */
export function pipesOf({ pipesContextCreator: creator }: NestParts, place: MethodPlace): PipeTransform[] {
  return creator.create(...(place as unknown as Parameters<typeof creator.create>));
}

/** Instances of the pipes of one parameter. The creator keeps the module as state, so that it is set before. */
export function parameterPipesOf(
  { pipesContextCreator: creator }: NestParts,
  [, , module, contextId, inquirerId]: MethodPlace,
  pipes: readonly (Type<PipeTransform> | PipeTransform)[],
): PipeTransform[] {
  creator.setModuleContext(module);
  return creator.createConcreteContext(pipes as never, contextId, inquirerId);
}

/** Sends one argument through pipes. `type` is Nest's number of the kind of parameter, which pipes see as a word. */
export function throughPipes(
  { pipesConsumer }: NestParts,
  value: unknown,
  metadata: Readonly<Record<'type' | 'data' | 'metatype' | 'schema', unknown>>,
  pipes: PipeTransform[],
): unknown {
  return pipesConsumer.apply(value, metadata as never, pipes);
}

/** The parameter decorators of a method, by `type:index`. */
export function decoratedParametersOf<T>(
  { contextUtils }: NestParts,
  instance: object,
  method: string,
): Record<string, T> {
  return contextUtils.reflectCallbackMetadata(instance, method, ROUTE_ARGS_METADATA) ?? {};
}

/** The types of the parameters of a method; `undefined` if the compiler has not recorded them. */
export function parameterTypesOf(
  { contextUtils }: NestParts,
  instance: object,
  method: string,
): unknown[] | undefined {
  return contextUtils.reflectCallbackParamtypes(instance, method) as unknown[] | undefined;
}

/** The filters of a method, the nearest first. They are a private member of the handler that Nest creates. */
export function filtersOf(parts: NestParts, ...place: MethodPlace): Filters {
  return (parts.filtersContextCreator.create(...place) as { filters: Filters }).filters;
}

/** The filters that are bound to a method or its class. Nest reads global ones from the creator's private `config`. */
export function boundFiltersOf(parts: NestParts, ...place: MethodPlace): Filters {
  return filtersOf(withConfig(parts, undefined), ...place);
}

/**
 * The filters of a method, with only those global ones that a function selects.
 *
 * @param isSelected receives a filter, or the prototype of its class
 */
export function selectedFiltersOf(
  parts: NestParts,
  isSelected: (filter: unknown) => boolean,
  ...place: MethodPlace
): Filters {
  const { config: all } = parts.filtersContextCreator as unknown as { config: ApplicationConfig };
  const config = Object.create(all, {
    getGlobalFilters: { value: () => all.getGlobalFilters().filter(isSelected) },
    getGlobalRequestFilters: {
      value: () =>
        all
          .getGlobalRequestFilters()
          .filter(({ metatype }) => isSelected((metatype as Type | null)?.prototype)),
    },
  }) as ApplicationConfig;
  return filtersOf(withConfig(parts, config), ...place);
}

function withConfig(parts: NestParts, config: ApplicationConfig | undefined): NestParts {
  const filtersContextCreator = Object.create(parts.filtersContextCreator, {
    config: { value: config },
  }) as NestParts['filtersContextCreator'];
  return { ...parts, filtersContextCreator };
}
