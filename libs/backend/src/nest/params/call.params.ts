import type { ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { CUSTOM_ROUTE_ARGS_METADATA, RouteParamtypes } from '../internals/nest.exports.js';
import { IpcSession } from '@linnet/common';
import { decoratedParametersOf, parameterTypesOf } from '../internals/pipeline.parts.js';
import type { NestParts } from '../internals/pipeline.parts.js';

/** The metadata of parameter decorators on a method, by `type:index`. */
interface ParamMetadata {
  index: number;
  data?: unknown;
  pipes?: (Type<PipeTransform> | PipeTransform)[];
  schema?: unknown;
  factory?: (data: unknown, context: ExecutionContext) => unknown;
}

/** One parameter of a method. */
export interface CallParam {
  readonly index: number;
  /** The kind of parameter that pipes see, by Nest's number: an argument of a call is a `body` to them. */
  readonly type: RouteParamtypes.BODY | 'custom';
  readonly data: unknown;
  readonly metatype: unknown;
  readonly schema: unknown;
  readonly pipes: ParamMetadata['pipes'];
  /** Whether pipes see it: as in a controller, not the request, the response and what comes of headers. */
  readonly piped: boolean;
  /** Makes the value of a decorated parameter; `undefined` for one that the caller supplies. */
  readonly inject: ((context: ExecutionContext) => unknown) | undefined;
}

/** How the arguments of a call meet the parameters of a method. */
export interface CallParams {
  /** By index; arguments beyond are the caller's, and undecorated. */
  readonly known: readonly CallParam[];
  /** How many arguments a caller may send: as many as it likes, unless a decorated parameter follows. */
  readonly maxArguments: number;
  /** Whether there are decorated parameters. */
  readonly injects: boolean;
  /** Whether the types of the parameters are recorded, which any decorator of the method does. */
  readonly isRecorded: boolean;
}

/** @throws Error if the call has no response: anything written to it would be lost */
const response = (context: ExecutionContext): unknown => {
  if (context.getType() === 'http') return context.switchToHttp().getResponse();
  throw new Error('A parameter of the method is for calls over HTTP, and the call came over IPC.');
};
const request = (context: ExecutionContext): { headers: Record<string, unknown>; ip?: unknown } =>
  context.switchToHttp().getRequest();
/** Nest leaves the same of `@Req()` and `@ConnectedSocket()`: the type that the parameter declares tells what is meant. */
const requestOrSession = (context: ExecutionContext): unknown =>
  context.getType() === 'http' ? request(context) : context.switchToWs().getClient();
type Make = (context: ExecutionContext) => unknown;
const builtIn: Partial<Record<number, (data: unknown, type: unknown) => Make>> = {
  [RouteParamtypes.REQUEST]: (_data, type) => (type === IpcSession ? requestOrSession : request),
  [RouteParamtypes.RESPONSE]: () => response,
  [RouteParamtypes.IP]: () => (context) => request(context).ip,
  [RouteParamtypes.HEADERS]: (data) => (context) => {
    const { headers } = request(context);
    return typeof data === 'string' ? headers[data.toLowerCase()] : headers;
  },
};

/**
 * Reads the parameters of a method.
 *
 * @throws Error if decorators contradict positions; the message names class and method
 */
export function readParams(parts: NestParts, instance: object, methodName: string): CallParams {
  const where = `${instance.constructor.name}.${methodName}`;
  const metadata = decoratedParametersOf<ParamMetadata>(parts, instance, methodName);
  const recorded = parameterTypesOf(parts, instance, methodName);
  const types = recorded ?? [];
  const method = (instance as Record<string, { length: number }>)[methodName]!;
  const decorated = new Map<number, CallParam>();
  for (const [key, param] of Object.entries(metadata)) {
    const { index, data, pipes, schema, factory } = param;
    const kind = key.split(':', 1)[0]!;
    const isCustom = kind.includes(CUSTOM_ROUTE_ARGS_METADATA);
    const inject = isCustom
      ? (context: ExecutionContext) => factory?.(data, context)
      : builtIn[Number(kind)]?.(data, types[index]);
    // @Body(pipe) and @Body({ schema }) say something about the argument at their index.
    const isArgument = Number(kind) === RouteParamtypes.BODY && data === undefined;
    if (!inject && !isArgument)
      throw new Error(
        `${where}: the decorator of parameter ${index} has no meaning for a call; arguments go by position.`,
      );
    if (decorated.has(index))
      throw new Error(`${where}: parameter ${index} has two decorators that fill it.`);
    const type = inject ? 'custom' : RouteParamtypes.BODY;
    const piped = isCustom || isArgument;
    decorated.set(index, { index, type, data, metatype: types[index], schema, pipes, piped, inject });
  }
  const length = Math.max(method.length, types.length, ...[...decorated.keys()].map((index) => index + 1));
  const known = Array.from(
    { length },
    (_, index): CallParam => decorated.get(index) ?? argument(index, types[index]),
  );
  const first = known.findIndex((param) => param.inject);
  const behind = known.findIndex((param, index) => first >= 0 && index > first && !param.inject);
  if (behind >= 0)
    throw new Error(
      `${where}: parameter ${behind} is an argument of the caller, but stands behind the decorated parameter ${first}.`,
    );
  const maxArguments = first < 0 ? Infinity : first;
  return { known, maxArguments, injects: first >= 0, isRecorded: recorded !== undefined };
}

/** A parameter that the caller supplies, and that bears no decorator. */
export function argument(index: number, metatype?: unknown): CallParam {
  return {
    index,
    type: RouteParamtypes.BODY,
    data: undefined,
    metatype,
    schema: undefined,
    pipes: [],
    piped: true,
    inject: undefined,
  };
}
