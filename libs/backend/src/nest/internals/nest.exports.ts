/**
 * The parts of Nest that it exports for its own packages, from entries named `internal`. They are not part of its public
 * interface, and a new version may change them. Read from Nest 12.5.1; `nest.internals.spec.ts` fails if one of them changes.
 * All other files import them from here.
 */

/** Keys of the metadata that Nest's decorators set: the pipeline reads the same decorators as a controller. */
export {
  CUSTOM_ROUTE_ARGS_METADATA,
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  HEADERS_METADATA,
  HOST_METADATA,
  HTTP_CODE_METADATA,
  INTERCEPTORS_METADATA,
  METHOD_METADATA,
  PARAMTYPES_METADATA,
  PIPES_METADATA,
  PROPERTY_DEPS_METADATA,
  REDIRECT_METADATA,
  RENDER_METADATA,
  ROUTE_ARGS_METADATA,
  SCOPE_OPTIONS_METADATA,
  SSE_METADATA,
  VERSION_METADATA,
} from '@nestjs/common/internal';

/** The mark of classes that are called from outside: without it Nest skips request-scoped global guards for providers. */
export { ENTRY_PROVIDER_WATERMARK } from '@nestjs/common/internal';

/** The key of a controller's path: Nest reads it from every class in the list of controllers. */
export { PATH_METADATA } from '@nestjs/common/internal';

/** The numbers of parameter decorators: `@Body()`, `@Req()` and others have no other mark. */
export { RouteParamtypes } from '@nestjs/common/internal';

/** The choice among filters: the first one that catches the class of an error. */
export { selectExceptionFilterMetadata } from '@nestjs/common/internal';
export type { ExceptionFilterMetadata } from '@nestjs/common/internal';

/** The context that guards, interceptors and filters receive: Nest has no public way to make one. */
export { ExecutionContextHost } from '@nestjs/core/internal';

/** The message of the error that Nest throws if a guard refuses: clients get the same one over RPC and IPC. */
export { FORBIDDEN_MESSAGE } from '@nestjs/core/internal';

/** Nest's texts: the base filter of gateways answers unknown errors with one of them. */
export { MESSAGES } from '@nestjs/core/internal';

/** The context of instances that live as long as the application. */
export { STATIC_CONTEXT } from '@nestjs/core/internal';

/** The place on a request at which Nest keeps the id of its context. */
export { REQUEST_CONTEXT_ID } from '@nestjs/core/internal';

/** The injector: it makes instances in a context, for which `ModuleRef` has no function that takes a wrapper. */
export { Injector } from '@nestjs/core/internal';

/** A provider or a controller as Nest holds it; `DiscoveryService` returns them. */
export type { InstanceWrapper } from '@nestjs/core/internal';

/** A module as Nest holds it, with its providers, controllers and enhancers. */
export type { Module } from '@nestjs/core/internal';

/** The parts of `ExternalContextCreator`; see `pipeline.parts.ts`. */
export type {
  BaseExceptionFilterContext,
  ContextUtils,
  GuardsContextCreator,
  InterceptorsContextCreator,
  PipesConsumer,
  PipesContextCreator,
} from '@nestjs/core/internal';
