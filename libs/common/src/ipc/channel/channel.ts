import { isIdempotent } from '../../call/idempotency.js';
import type { Idempotency } from '../../call/idempotency.js';
import { ownMember } from '../../base/own.member.js';
import { schemasIn } from '../../schema/call.schemas.js';
import type { CallSchemas, Corrected, FittingSchemas, IfNone, Misfits } from '../../schema/call.schemas.js';

/** The names of the methods of `T` that return a promise, as in iTwin.js. */
export type AsyncMethodsOf<T> = {
  [P in keyof T]: T[P] extends (...args: never[]) => Promise<unknown> ? P : never;
}[keyof T];

/** The value of the promise that a method returns, as in iTwin.js. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any method
export type PromiseReturnType<T extends (...args: any) => Promise<any>> = Awaited<ReturnType<T>>;

/** How a method of a channel is called. */
export interface IpcMethodPolicy {
  /**
   * Declares that a frontend may repeat a call that the backend may have run already: it is sent again in the next session
   * if its own is lost. Default: the call rejects with an `IpcClosedError`.
   */
  readonly idempotency?: Idempotency;
  /** The result is a stream of items: the method returns an async iterable, a stream or an Observable. Default `false`. */
  readonly stream?: boolean;
}

/** The names of the methods whose result is a stream. */
type StreamingName<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends (...args: never[]) => AsyncIterable<unknown>
    ? Name
    : never;
}[keyof Functions];

/** The methods of a channel as an object: each with its policy and its schemas. */
type IpcMethods<Functions> = {
  readonly [Name in keyof Functions & string]?: IpcMethodPolicy & FittingSchemas<Functions[Name]>;
} & {
  readonly [Name in StreamingName<Functions>]: IpcMethodPolicy & { readonly stream: true };
};

/** The notifications of a channel with the schemas of their arguments. */
type IpcNotices<Notifications> = {
  readonly [Name in keyof Notifications & string]?: Pick<FittingSchemas<Notifications[Name]>, 'args'>;
};

/** The options of a channel. Streams have to be declared, because both sides have to know them before a call. */
type IpcChannelOptions<Functions extends object, Notifications extends object> = [
  StreamingName<Functions>,
] extends [never]
  ? [
      options?: {
        readonly methods?: readonly (keyof Functions & string)[] | IpcMethods<Functions>;
        readonly notifications?: IpcNotices<Notifications>;
      },
    ]
  : [options: IpcChannelContract<Functions, Notifications>];

/** Methods and notifications with their schemas. */
interface IpcChannelContract<Functions, Notifications> {
  readonly methods: IpcMethods<Functions>;
  readonly notifications?: IpcNotices<Notifications>;
}

type MisfitsOfContract<O, Functions, Notifications> = {
  [M in keyof O]: M extends 'methods'
    ? Misfits<O[M], Functions, keyof Functions, keyof IpcMethodPolicy>
    : M extends 'notifications'
      ? Misfits<O[M], Notifications, keyof Notifications, never>
      : { readonly 'There is no such option.': M };
}[keyof O];

type CorrectedContract<O, Functions, Notifications> = {
  readonly [M in keyof O]: M extends 'methods'
    ? Corrected<O[M], Functions, keyof Functions, keyof IpcMethodPolicy>
    : M extends 'notifications'
      ? Corrected<O[M], Notifications, keyof Notifications, never>
      : never;
};

/** Makes a channel. The second form says where a schema does not fit, as in `rpcOperations`. */
interface DefineChannel<Functions extends object, Notifications extends object> {
  <const O extends IpcChannelContract<Functions, Notifications>>(
    name: string,
    options: O,
    ...misfits: IfNone<MisfitsOfContract<O, Functions, Notifications>>
  ): IpcChannelDefinition<Functions, Notifications, ErrorsIn<O>>;
  <const O extends IpcChannelContract<Functions, Notifications>>(
    name: string,
    options: O & CorrectedContract<O, Functions, Notifications>,
  ): IpcChannelDefinition<Functions, Notifications, ErrorsIn<O>>;
}

/** The declared errors of each method. */
type ErrorsIn<O> = O extends { readonly methods: infer Methods }
  ? {
      readonly [Name in keyof Methods]: Methods[Name] extends { readonly errors: infer Errors }
        ? Errors
        : unknown;
    }
  : object;

/** A channel with the types of its calls and notifications. Both sides import the same one. */
export interface IpcChannelDefinition<
  Functions extends object = object,
  Notifications extends object = object,
  Errors extends object = object,
> {
  /** As both sides write it, for instance `robot-v1.2`. On the wire it has the prefix `itwin.`. */
  readonly name: string;
  /** The methods that can be called, as a list or each with its policy and schemas. Default: all methods of the handler. */
  readonly methods?:
    | readonly (keyof Functions & string)[]
    | { readonly [Name in keyof Functions & string]?: IpcMethodPolicy & CallSchemas };
  /** The schemas of notifications, which are checked before they are sent. Default: none is checked. */
  readonly notifications?: {
    readonly [Name in keyof Notifications & string]?: Pick<CallSchemas, 'args'>;
  };
  /** Always absent: it carries the types. */
  readonly types?: {
    readonly functions: Functions;
    readonly notifications: Notifications;
    readonly errors: Errors;
  };
}

/**
 * Defines a channel with its types.
 *
 * ```ts
 * export const robotChannel = ipcChannel<RobotIpc, RobotNotifications>('robot-v1.2');
 * ```
 *
 * Without a name it returns a function of the same parameters. Declare schemas and errors in this form: the compiler then also reports
 * a schema that refuses values that the type of a method allows, and `isIpcError` knows the errors.
 *
 * ```ts
 * export const stockChannel = ipcChannel<StockIpc, StockNotifications>()('stock-v1', {
 *   methods: { take: { args: [z.string()], errors: { NotEnough: z.object({ left: z.number() }) } } },
 *   notifications: { changed: { args: [z.string(), z.number()] } },
 * });
 * ```
 *
 * @param name unique in the application; a version in it excludes frontends of another version
 * @param options.methods the only methods that can be called, whatever the class of the handler has; as an object they
 * have policies: `{ methods: { drive: {}, position: { idempotency: 'safe' }, tail: { stream: true } } }`
 */
export function ipcChannel<Functions extends object, Notifications extends object = object>(): DefineChannel<
  Functions,
  Notifications
>;
/** Defines a channel that declares no errors, or whose errors need no types. */
export function ipcChannel<Functions extends object, Notifications extends object = object>(
  name: string,
  ...[options]: IpcChannelOptions<Functions, Notifications>
): IpcChannelDefinition<Functions, Notifications>;
export function ipcChannel(...[given, options]: [name?: string, options?: object]): unknown {
  const define = (name: string, contract?: object) => ({ name, ...contract });
  return given === undefined ? define : define(given, options);
}

/** The name of a channel, or its definition. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a channel with types of any kind is one
export type IpcChannelLike<Functions extends object = any, Notifications extends object = any> =
  string | IpcChannelDefinition<Functions, Notifications>;

/** The names of the methods that can be called, if the channel narrows them. */
export function channelMethods(channel: IpcChannelLike): readonly string[] | undefined {
  const methods = typeof channel === 'string' ? undefined : channel.methods;
  return methods && (Array.isArray(methods) ? (methods as string[]) : Object.keys(methods));
}

/** Whether a call can be sent again in another session. */
export function isRepeatable(channel: IpcChannelLike, method: string): boolean {
  return isIdempotent(methodPolicy(channel, method)?.idempotency);
}

/** Whether the result of a method is a stream. */
export function isStreaming(channel: IpcChannelLike, method: string): boolean {
  return methodPolicy(channel, method)?.stream === true;
}

/** The schemas of a method. */
export function methodSchemas(channel: IpcChannelLike, method: string): CallSchemas | undefined {
  return schemasIn(methodPolicy(channel, method));
}

function methodPolicy(channel: IpcChannelLike, method: string): IpcMethodPolicy | undefined {
  const methods = typeof channel === 'string' ? undefined : channel.methods;
  return methods && ownMember(methods as Readonly<Record<string, IpcMethodPolicy>>, method);
}

/** The name of a channel with these notifications, or its definition. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what can be called over it is of no interest here
export type IpcChannelWith<Notifications extends object> = IpcChannelLike<any, Notifications>;

/** The name of a channel as applications write it. */
export function channelName(channel: IpcChannelLike): string {
  return typeof channel === 'string' ? channel : channel.name;
}

const PREFIX = 'itwin.';

/** The name of a channel on the wire (docs/wire.md#35-channels). */
export function wireChannel(channel: IpcChannelLike): string {
  return PREFIX + channelName(channel);
}

/** The name of a channel as applications write it, from its name on the wire. */
export function fromWireChannel(wireName: string): string {
  return wireName.startsWith(PREFIX) ? wireName.slice(PREFIX.length) : wireName;
}

/** The channels of iTwin.js itself. Applications can handle only those in {@link ITWIN_FUNCTIONS}. */
const RESERVED = 'itwinjs-core/';
/** The channel of `IpcAppFunctions`, over which frontends of iTwin.js open models. */
export const IPC_APP = `${RESERVED}ipc-app`;
const ITWIN_FUNCTIONS: readonly string[] = [IPC_APP, `${RESERVED}nativeApp`];
/** The channel of RPC calls, by its name on the wire. */
export const RPC_CHANNEL = `${PREFIX}${RESERVED}rpc-over-ipc`;

/** The channel of RPC calls that are serialized as in core-electron and core-mobile, by its name on the wire. */
export const SERIALIZED_RPC_CHANNEL = `${PREFIX}rpc.objects`;

/** Whether a channel, by its name on the wire, carries the calls of RPC interfaces. */
export function isRpcChannel(wireName: string): boolean {
  return wireName === RPC_CHANNEL || wireName === SERIALIZED_RPC_CHANNEL;
}

/** Whether a channel belongs to an application: it is not one of iTwin.js, or of these libraries. */
export function isOfApplication(channel: IpcChannelLike): boolean {
  return !isReservedChannel(channel) && !channelName(channel).startsWith('linnet.');
}

/** Whether a channel is one of iTwin.js itself. */
function isReservedChannel(channel: IpcChannelLike): boolean {
  return channelName(channel).startsWith(RESERVED);
}

/** Separates channel name and call number of a call from the backend (docs/wire.md#37-calls-from-the-backend). */
export const REPLY_MARK = '-invoke_response-';

/**
 * Checks the name of a channel.
 *
 * @throws Error if no handler can have the name
 */
export function checkChannelName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '') throw new Error('An IPC channel needs a name.');
  const isReserved = isReservedChannel(name) && !ITWIN_FUNCTIONS.includes(name);
  if (isReserved || name.includes(REPLY_MARK))
    throw new Error(`The IPC channel "${name}" is reserved: iTwin.js uses it itself.`);
  if (name.startsWith(PREFIX))
    throw new Error(`The IPC channel "${name}" is named without "${PREFIX}", which the wire adds.`);
}
