import { isIdempotent } from '../../call/idempotency.js';
import type { Idempotency } from '../../call/idempotency.js';
import { reservedNames } from '../../call/reserved.names.js';
import { mergeOptions } from '../../base/merge.options.js';
import { schemasIn } from '../../schema/call.schemas.js';
import type {
  CallSchemas,
  Corrected,
  DeclaredSchemas,
  FittingSchemas,
  IfNone,
  Misfits,
} from '../../schema/call.schemas.js';
import type { IModelRpcProps } from './token.js';

/**
 * A class that declares operations by its name on the wire, its version, its methods and the methods of its base
 * definitions. Client and server import the same class. Definitions written for iTwin.js work, too.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- abstract classes with any constructor
export type RpcInterfaceDefinition<T extends object = object> = Function & {
  readonly prototype: T;
  /** The name of the interface on the wire, which a minifier does not change. */
  readonly interfaceName: string;
  /** The version of the interface, by the rules of semantic versioning. */
  readonly interfaceVersion: string;
  /** Declares operations that have no bodies; see {@link RpcOperations}. */
  readonly operations?: readonly string[] | Readonly<Record<string, object>>;
};

/** The names of the callable methods of a definition. */
export type RpcOperationName<T> = Exclude<
  {
    [K in keyof T]-?: T[K] extends (...args: never[]) => Promise<unknown> | AsyncIterable<unknown>
      ? K
      : never;
  }[keyof T] &
    string,
  'forward'
>;

/**
 * The operations of a definition with abstract methods, which do not exist at run time: each name with its policy. The
 * compiler reports a missing name.
 *
 * ```ts
 * abstract class MapRpcInterface {
 *   static readonly interfaceName = 'MapRpcInterface';
 *   static readonly interfaceVersion = '1.0.0';
 *   static readonly operations: RpcOperations<MapRpcInterface> = { findWay: {}, tile: { allowResponseCaching: true } };
 *   abstract findWay(from: Point, to: Point): Promise<Point[]>;
 *   abstract tile(id: string): Promise<Uint8Array>;
 * }
 * ```
 *
 * A plain list, `['findWay', 'tile'] as const`, works, too, but the compiler does not report a missing name.
 */
export type RpcOperations<T> = {
  readonly [K in RpcOperationName<T>]: FittingSchemas<T[K]> & OperationProps<T[K]>;
};

type OperationProps<F> = RpcOperationPolicyProps &
  (F extends (...args: never[]) => AsyncIterable<unknown> ? { stream: true } : { stream?: false });

/** As {@link RpcOperations}, with schemas of any type. */
type DeclaredOperations<T> = {
  readonly [K in RpcOperationName<T>]: DeclaredSchemas & OperationProps<T[K]>;
};

/**
 * Returns its argument. The compiler tries the first form, and comes to the second one, which says where a schema does not fit, only if one
 * does not: it would derive the types of all schemas from its parameter, which takes longer than all else.
 */
interface DeclareOperations<T> {
  <const O extends DeclaredOperations<T>>(
    operations: O,
    ...misfits: IfNone<Misfits<O, T, RpcOperationName<T>, keyof RpcOperationPolicyProps>>
  ): O;
  <const O extends DeclaredOperations<T>>(
    operations: O & Corrected<O, T, RpcOperationName<T>, keyof RpcOperationPolicyProps>,
  ): O;
}

/**
 * Declares the operations of a definition with their schemas and errors. Unlike {@link RpcOperations} as a type, it also reports
 * a schema that refuses values that the type of the method allows, and `isRpcError` knows the errors.
 *
 * ```ts
 * abstract class Stock {
 *   static readonly interfaceName = 'Stock';
 *   static readonly interfaceVersion = '1.0.0';
 *   static readonly operations = rpcOperations<Stock>()({
 *     take: { args: [z.string(), z.number()], result: z.number(), errors: { NotEnough: z.object({ left: z.number() }) } },
 *   });
 *   abstract take(article: string, count: number): Promise<number>;
 * }
 * ```
 *
 * @returns a function that returns its argument
 */
export function rpcOperations<T>(): DeclareOperations<T> {
  return <O>(operations: O, ..._misfits: unknown[]) => operations;
}

/** The members of a call that a routing policy of iTwin.js reads. */
export interface RpcRoutedRequest {
  /** The arguments. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- arguments of any operation
  readonly parameters: readonly any[];
  /** The first argument that names a model. It routes a call without a policy. */
  findTokenPropsParameter(): IModelRpcProps | undefined;
}

/** How an operation is called and answered. */
export interface RpcOperationPolicy {
  /**
   * Returns the token by which clients route the call, or `undefined` for the token of the client. Default: the first
   * token among the arguments.
   */
  token?: (request: RpcRoutedRequest) => IModelRpcProps | undefined;
  /** Caches may keep the answer. Clients call by GET, and the response allows caching. Default `false`. */
  allowResponseCaching: boolean;
  /** Whether the answer may be compressed. Default `true`. */
  allowResponseCompression: boolean;
  /** Token arguments are not corrected by the path. Default `false`. */
  allowTokenMismatch: boolean;
  /**
   * The most calls of the operation that run at once. The others wait. A call whose result is a stream runs until the stream
   * has ended. Default: no limit.
   */
  concurrency: number;
  /** The result is a stream of items: the method returns an async iterable, a stream or an Observable. Default `false`. */
  stream: boolean;
  /**
   * The method of a streaming operation can continue its stream: `activity.lastEventId` is the number of items that the
   * caller has already. Over HTTP a broken stream is continued. Default `false`.
   */
  resumable: boolean;
  /**
   * Declares that a client may repeat a call that the server may have run already. Default: a call is repeated only
   * if the server certainly did not begin it. `once`: the server runs it once, and answers a repetition as it answered the first run.
   */
  idempotency?: Idempotency | 'once';
  /** The schemas of arguments, results and errors. Default: nothing is checked. */
  schemas?: CallSchemas;
}

export const defaultOperationPolicy: Readonly<RpcOperationPolicy> = {
  allowResponseCaching: false,
  allowResponseCompression: true,
  allowTokenMismatch: false,
  concurrency: Infinity,
  stream: false,
  resumable: false,
};

/** A policy in source code. iTwin.js allows callbacks for some members. */
export interface RpcOperationPolicyProps extends Partial<
  Omit<RpcOperationPolicy, 'allowResponseCaching' | 'schemas'>
> {
  /** As in the policy. A callback is called once without a request. If it throws because of that, it counts as yes. */
  allowResponseCaching?: boolean | ((request: never) => unknown);
}

const OWN_POLICY = Symbol.for('@linnet/common/RpcOperationPolicy');
// iTwin.js keeps the policy of an operation on the method, and the policy of a definition on the class.
const ITWIN_OPERATION = Symbol.for('@itwin/core-common/RpcOperation');
const ITWIN_POLICY = Symbol.for('@itwin/core-common/RpcOperationPolicy');

type Marked = Record<symbol, unknown> | undefined;

/** Sets the policy of the decorated method. On an implementation it overrides the definition. */
export function setOperationPolicy(method: object, policy: RpcOperationPolicyProps & CallSchemas): void {
  const value = mergeOptions((method as Marked)?.[OWN_POLICY] as typeof policy | undefined, policy);
  Object.defineProperty(method, OWN_POLICY, { value, configurable: true });
}

/** Sets the members of policies that the operations of a definition do not set themselves. */
export function setDefaultPolicy(definition: RpcInterfaceDefinition, policy: RpcOperationPolicyProps): void {
  Object.defineProperty(definition, OWN_POLICY, { value: policy, configurable: true });
}

/**
 * Merges the policy of an operation, member by member. Later ones override earlier ones: those that iTwin.js keeps, the default
 * policy of the definition, the operation's own, and the implementation's.
 */
export function operationPolicy(
  definition: RpcInterfaceDefinition,
  operation: string,
  implementation?: object,
): RpcOperationPolicy {
  const method = definedMethod(definition, operation);
  const owner = definition as unknown as Marked;
  const own = [...ownPolicies(definition, operation), (implementation as Marked)?.[OWN_POLICY]];
  const policy: RpcOperationPolicy = {
    ...defaultOperationPolicy,
    ...readPolicy(owner?.[ITWIN_POLICY]),
    ...readPolicy((method?.[ITWIN_OPERATION] as { policy?: unknown } | undefined)?.policy),
    ...readPolicy(owner?.[OWN_POLICY]),
    ...Object.assign({}, ...own.map(readPolicy)),
  };
  const schemas = schemasIn(...own);
  if (schemas) policy.schemas = schemas;
  return policy;
}

/** The schemas of an operation that its definition declares. */
export function operationSchemas(
  definition: RpcInterfaceDefinition,
  operation: string,
): CallSchemas | undefined {
  return schemasIn(...ownPolicies(definition, operation));
}

function ownPolicies(definition: RpcInterfaceDefinition, operation: string): readonly unknown[] {
  return [declaredOperations(definition)[operation], definedMethod(definition, operation)?.[OWN_POLICY]];
}

function definedMethod({ prototype }: RpcInterfaceDefinition, operation: string): Marked {
  return (prototype as Record<string, unknown>)[operation] as Marked;
}

function readPolicy(props: unknown): Partial<RpcOperationPolicy> {
  if (typeof props !== 'object' || props === null) return {};
  const members = props as Record<string, unknown>;
  const { token, allowResponseCaching, idempotency } = members;
  // A member of another type than its default is ignored.
  const plain = Object.entries(defaultOperationPolicy).filter(
    ([key, value]) => typeof members[key] === typeof value,
  );
  const policy: Partial<RpcOperationPolicy> = Object.fromEntries(plain.map(([key]) => [key, members[key]]));
  if (isIdempotent(idempotency) || idempotency === 'once') policy.idempotency = idempotency;
  // Called as a method, because the policy may be an instance of a class.
  if (typeof token === 'function')
    policy.token = (request) => (props as Required<RpcOperationPolicy>).token(request);
  if (typeof allowResponseCaching === 'function') {
    try {
      policy.allowResponseCaching = Boolean((allowResponseCaching as (request?: unknown) => unknown)());
    } catch {
      // The callback needs the request of a client, so some answers may be kept.
      policy.allowResponseCaching = true;
    }
  }
  return policy;
}

const declarationMembers = new Set(['constructor', 'configurationSupplier']);
// The last path segment is `interface-version-operation`. It is not percent-decoded (docs/wire.md#21-request).
const unroutable = /[-/?#%\s]/;

/** The policies in `static operations`, by name. The object has no prototype, because a peer chooses the names. */
function declaredOperations({ operations }: RpcInterfaceDefinition): Readonly<Record<string, unknown>> {
  const entries = Array.isArray(operations)
    ? (operations as string[]).map((name) => [name, {}] as const)
    : Object.entries(operations ?? {});
  return Object.assign(Object.create(null) as object, Object.fromEntries(entries));
}

/** The members of a definition and its base classes, except the base that has `forward` (`RpcInterface`). */
function membersOf(prototype: object): Record<string, PropertyDescriptor> {
  const base = Object.getPrototypeOf(prototype) as object;
  const isDefinition = base !== Object.prototype && !Object.hasOwn(base, 'forward');
  return { ...(isDefinition && membersOf(base)), ...Object.getOwnPropertyDescriptors(prototype) };
}

/**
 * The operations that a definition declares: its methods, after the methods of its base classes, and the names in
 * `operations`.
 *
 * @throws Error if the definition cannot be served: it has no name or version, or the path of a request cannot carry a
 * name. The message names the class.
 */
export function operationsOf(definition: RpcInterfaceDefinition): string[] {
  const who = `RPC definition ${definition.name || '(anonymous class)'}`;
  for (const member of ['interfaceName', 'interfaceVersion'] as const)
    if (typeof definition[member] !== 'string' || definition[member] === '')
      throw new Error(`${who} has no static ${member}.`);
  const { interfaceName } = definition;
  if (unroutable.test(interfaceName))
    throw new Error(`${who}: interfaceName "${interfaceName}" has characters that a path cannot carry.`);
  const declared = Object.keys(declaredOperations(definition));
  const members = membersOf(definition.prototype);
  const names = new Set([...Object.keys(members), ...declared]);
  return [...names].filter((operation) => {
    if (declarationMembers.has(operation)) return false;
    if (typeof members[operation]?.value !== 'function' && !declared.includes(operation)) return false;
    if (reservedNames.has(operation) || unroutable.test(operation))
      throw new Error(`${who}: an operation cannot be named "${operation}".`);
    return true;
  });
}

/**
 * The part of an operation's name by which it is looked up: up to and including the first colon
 * (`RpcOperation.computeOperationName` of iTwin.js).
 */
export function operationKey(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon + 1);
}
