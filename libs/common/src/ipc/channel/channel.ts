import { isIdempotent } from '../../call/idempotency.js';
import type { Idempotency } from '../../call/idempotency.js';

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

/** The options of a channel. Streams have to be declared, because both sides have to know them before a call. */
type IpcChannelOptions<Functions extends object> = [StreamingName<Functions>] extends [never]
  ? [options?: Pick<IpcChannelDefinition<Functions>, 'methods'>]
  : [
      options: {
        readonly methods: { readonly [Name in keyof Functions & string]?: IpcMethodPolicy } & {
          readonly [Name in StreamingName<Functions>]: IpcMethodPolicy & { readonly stream: true };
        };
      },
    ];

/** A channel with the types of its calls and notifications. Both sides import the same one. */
export interface IpcChannelDefinition<
  Functions extends object = object,
  Notifications extends object = object,
> {
  /** As both sides write it, for instance `robot-v1.2`. On the wire it has the prefix `itwin.`. */
  readonly name: string;
  /** The methods that can be called, as a list or each with its policy. Default: all methods of the handler. */
  readonly methods?:
    readonly (keyof Functions & string)[] | { readonly [Name in keyof Functions & string]?: IpcMethodPolicy };
  /** Always absent: it carries the types. */
  readonly types?: { readonly functions: Functions; readonly notifications: Notifications };
}

/**
 * Defines a channel with its types.
 *
 * ```ts
 * export const robotChannel = ipcChannel<RobotIpc, RobotNotifications>('robot-v1.2');
 * ```
 *
 * @param name unique in the application; a version in it excludes frontends of another version
 * @param options.methods the only methods that can be called, whatever the class of the handler has; as an object they
 * have policies: `{ methods: { drive: {}, position: { idempotency: 'safe' }, tail: { stream: true } } }`
 */
export function ipcChannel<Functions extends object, Notifications extends object = object>(
  name: string,
  ...[options]: IpcChannelOptions<Functions>
): IpcChannelDefinition<Functions, Notifications> {
  return { name, ...(options as Pick<IpcChannelDefinition<Functions>, 'methods'>) };
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

function methodPolicy(channel: IpcChannelLike, method: string): IpcMethodPolicy | undefined {
  const methods: object | undefined = typeof channel === 'string' ? undefined : channel.methods;
  if (!methods || !Object.hasOwn(methods, method)) return undefined;
  return (methods as Record<string, IpcMethodPolicy>)[method];
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

/** The channels of iTwin.js itself. Applications can handle only those in {@link ITWIN_FUNCTIONS}. */
const RESERVED = 'itwinjs-core/';
/** The channel of `IpcAppFunctions`, over which frontends of iTwin.js open models. */
export const IPC_APP = `${RESERVED}ipc-app`;
const ITWIN_FUNCTIONS: readonly string[] = [IPC_APP, `${RESERVED}nativeApp`];
/** The channel of RPC calls, by its name on the wire. */
export const RPC_CHANNEL = `${PREFIX}${RESERVED}rpc-over-ipc`;

/** Separates channel name and call number of a call from the backend (docs/wire.md#37-calls-from-the-backend). */
export const REPLY_MARK = '-invoke_response-';

/**
 * Checks the name of a channel.
 *
 * @throws Error if no handler can have the name
 */
export function checkChannelName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '') throw new Error('An IPC channel needs a name.');
  const isReserved = name.startsWith(RESERVED) && !ITWIN_FUNCTIONS.includes(name);
  if (isReserved || name.includes(REPLY_MARK))
    throw new Error(`The IPC channel "${name}" is reserved: iTwin.js uses it itself.`);
  if (name.startsWith(PREFIX))
    throw new Error(`The IPC channel "${name}" is named without "${PREFIX}", which the wire adds.`);
}
