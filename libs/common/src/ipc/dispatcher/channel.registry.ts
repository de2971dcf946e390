import type { Activity } from '../../call/activity.js';
import { afterCheck, checksOf } from '../../call/call.checks.js';
import { resultOf, runBare } from '../../call/result.js';
import { IModelError } from '../../error/imodel.error.js';
import { reservedNames } from '../../call/reserved.names.js';
import { IModelStatus } from '../../error/status.table.js';
import {
  channelName,
  fromWireChannel,
  IPC_APP,
  isOfApplication,
  isRpcChannel,
  isStreaming,
  methodSchemas,
  wireChannel,
} from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { IpcListeners } from '../channel/listeners.js';
import type { IpcEvent, IpcListener, IpcSession } from '../channel/session.js';

/** One call from a frontend. */
export interface IpcCall {
  /** The session of the caller. */
  readonly session: IpcSession;
  /** The channel, as applications write it. */
  readonly channel: string;
  /** The name of the called method. */
  readonly method: string;
  /** The decoded arguments. */
  readonly arguments: unknown[];
  /** The activity of the call: its user, ids and deadline. */
  readonly activity: Activity;
  /** Whether the caller accepts a stream as the result. */
  readonly acceptsStream: boolean;
}

/** Answers calls of one method. May return the result itself instead of a promise. */
export type IpcMethodHandler = (call: IpcCall) => unknown;

/** The handler of one channel. */
export interface IpcChannelHandler {
  /** Names the handler in messages; usually the name of its class. */
  readonly name: string;
  /** The methods that can be called. A map has no inherited members that a peer could name. */
  readonly methods: ReadonlyMap<string, IpcMethodHandler>;
  /** Runs one call of a session after the other. A call with a stream runs until the stream has ended. */
  readonly sequential?: boolean;
  /** Whether its methods check their arguments by the schemas of the channel. Default: they are checked before the method. */
  readonly checksArguments?: boolean;
}

/** Answers all calls of a channel, without the envelope of handlers. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a call carries is up to its channel
export type IpcRawHandler = (event: IpcRawEvent, method: string, ...args: any[]) => unknown;

/** The call that a raw handler answers. */
export interface IpcRawEvent extends IpcEvent {
  /** Set if the caller accepts a stream as the result. */
  readonly acceptsStream?: boolean;
}

/** The answer of a raw handler that uses the envelope of handlers. */
export class IpcAnswer {
  constructor(
    readonly envelope: 'result' | 'error',
    readonly value: unknown,
    /** The activity for the log, if the value cannot be sent. */
    readonly activity: Activity,
  ) {}
}

/** The target of a call. */
export interface IpcTarget {
  /** `channel/method`, or the channel alone if its handler decides what it answers; never a name that a peer made. */
  readonly name: string;
  /** Whether its calls are those of another server, which observes them itself. */
  readonly isRelay?: boolean;
  /** Runs a call. Its return value or its error is the answer. */
  readonly run: IpcMethodHandler;
  /** Whether the answer is put into the envelope of handlers: `{"result":…}`. */
  readonly enveloped: boolean;
  /** Whether the calls of a session run one after the other. */
  readonly sequential: boolean;
  /** Whether the result is a stream. `undefined`: the handler decides. */
  readonly isStream: boolean | undefined;
  /** The list that the streams among the arguments belong to. */
  parametersOf(data: unknown[]): unknown[];
}

/**
 * Answers what a frontend of iTwin.js asks its backend for while it starts; a backend without models has no
 * better answer. An application that has models handles the channel itself, and leaves to this what it does
 * not implement.
 */
const ipcApp: IpcChannelHandler = {
  name: 'IpcAppHandler',
  methods: new Map<string, IpcMethodHandler>([
    ['queryConcurrency', () => undefined],
    ['log', () => undefined],
  ]),
};

/** Is called when channels get or lose a handler, by their names on the wire. */
export interface IpcChannelWatcher {
  /** A channel has a handler from now on. */
  added(wireName: string): void;
  /** A channel has no handler any more. */
  removed(wireName: string): void;
}

/** A channel that has a handler. */
export interface IpcServedChannel {
  /** The channel, as it was registered. */
  readonly channel: IpcChannelLike;
  /** The methods that frontends can call. */
  readonly methods: readonly string[];
}

/** All that is callable over IPC, and who listens. */
export class ChannelRegistry {
  readonly #registrations = new Map<string, Registration>();
  readonly #watchers = new Set<IpcChannelWatcher>();
  /** The listeners to all sessions. */
  readonly listeners = new IpcListeners<IpcListener>();

  /**
   * Registers the handler of a channel. It replaces an earlier one.
   *
   * @param isFixed whether this handler is never replaced
   * @returns a function that removes the handler
   * @throws Error if the channel has a handler, and either of the two is fixed
   */
  register(channel: IpcChannelLike, handler: IpcChannelHandler, isFixed = false): () => void {
    const name = channelName(channel);
    const registration = { lookup: lookupIn(channel, handler), isFixed, isRaw: false };
    const methods = [...handler.methods.keys()];
    return this.#add(wireChannel(name), { ...registration, described: { channel, methods } });
  }

  /** The channels with a handler of named methods, without those of iTwin.js and of these libraries. */
  describe(): IpcServedChannel[] {
    return [...this.#registrations.values()].flatMap(({ described }) =>
      described && isOfApplication(described.channel) ? described : [],
    );
  }

  /**
   * As {@link register}, for a channel by its name on the wire, and without the envelope.
   *
   * @param parametersOf returns the list that the streams among the arguments belong to
   */
  handle(
    wireName: string,
    handler: IpcRawHandler,
    isFixed = false,
    parametersOf?: IpcTarget['parametersOf'],
  ): () => void {
    const run = ({ session, activity, acceptsStream, method, arguments: args }: IpcCall): unknown =>
      handler(acceptsStream ? { session, activity, acceptsStream } : { session, activity }, method, ...args);
    const target: IpcTarget = {
      name: fromWireChannel(wireName),
      isRelay: isRpcChannel(wireName),
      run,
      enveloped: false,
      sequential: false,
      isStream: undefined,
      parametersOf: parametersOf ?? unchanged,
    };
    return this.#add(wireName, { lookup: () => target, isFixed, isRaw: true });
  }

  /** The target of a call. @throws IModelError if no handler has these names */
  lookup(wireName: string, method: unknown): IpcTarget {
    const registration = this.#registrations.get(wireName) ?? unhandled.get(wireName);
    if (!registration) throw notFound(`No handler is registered for channel: ${fromWireChannel(wireName)}`);
    return registration.lookup(method);
  }

  /** Whether a handler is registered for a channel, by its name on the wire. */
  has(wireName: string): boolean {
    return this.#registrations.has(wireName);
  }

  /** Whether the calls of a channel, by its name on the wire, are answered with bare values. */
  isRaw(wireName: string): boolean {
    return this.#registrations.get(wireName)?.isRaw ?? false;
  }

  /**
   * Reports the channels that have a handler, now and later, for platforms that have to know them beforehand.
   *
   * @returns a function that ends it
   */
  watch(watcher: IpcChannelWatcher): () => void {
    for (const wireName of new Set([...unhandled.keys(), ...this.#registrations.keys()]))
      watcher.added(wireName);
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #add(wireName: string, registration: Registration): () => void {
    const before = this.#registrations.get(wireName);
    if (before && (before.isFixed || registration.isFixed))
      throw new Error(`Two handlers of the IPC channel "${fromWireChannel(wireName)}".`);
    if (!before && !unhandled.has(wireName)) for (const watcher of this.#watchers) watcher.added(wireName);
    this.#registrations.set(wireName, registration);
    return () => {
      if (this.#registrations.get(wireName) !== registration) return;
      this.#registrations.delete(wireName);
      if (!unhandled.has(wireName)) for (const watcher of this.#watchers) watcher.removed(wireName);
    };
  }
}

/** The handler that is registered for a channel. */
interface Registration {
  readonly lookup: (method: unknown) => IpcTarget;
  readonly isFixed: boolean;
  /** Whether it answers with bare values. */
  readonly isRaw: boolean;
  /** Missing if the handler decides what it answers. */
  readonly described?: IpcServedChannel;
}

/** The channels that are answered without a registered handler, by their names on the wire. */
const unhandled: ReadonlyMap<string, Pick<Registration, 'lookup'>> = new Map([
  [wireChannel(IPC_APP), { lookup: lookupIn(IPC_APP, ipcApp) }],
]);

function unchanged(data: unknown[]): unknown[] {
  return data;
}

function lookupIn(
  definition: IpcChannelLike,
  { name, methods, sequential = false, checksArguments = false }: IpcChannelHandler,
): (method: unknown) => IpcTarget {
  const channel = channelName(definition);
  const targets = new Map<string, IpcTarget>();
  const all = channel === IPC_APP ? [...ipcApp.methods, ...methods] : methods;
  for (const [method, handler] of all) {
    const isStream = isStreaming(definition, method);
    const name = `${channel}/${method}`;
    const run = checking(definition, method, handler, checksArguments);
    targets.set(method, { name, run, enveloped: true, sequential, isStream, parametersOf: unchanged });
  }
  return (method) => {
    if (typeof method !== 'string' || method === '')
      throw notFound(`The call names no method of channel: ${channel}`);
    const target = targets.get(method);
    if (target) return target;
    // Both texts are those of iTwin.js, which clients may compare.
    if (reservedNames.has(method))
      throw new Error(`Method "${method}" not available for channel: ${channel}`);
    throw methodNotFound(name, method, channel);
  };
}

/** A handler with the checks that the channel has for it. @throws Error if a member is not a schema */
function checking(
  definition: IpcChannelLike,
  method: string,
  handler: IpcMethodHandler,
  checksArguments: boolean,
): IpcMethodHandler {
  const isStream = isStreaming(definition, method);
  const checks = checksOf(
    `${channelName(definition)}.${method}`,
    methodSchemas(definition, method),
    isStream,
  );
  if (!checks) return handler;
  const { checkArguments, checkResult } = checks;
  const run: IpcMethodHandler =
    checksArguments || !checkArguments
      ? handler
      : (call) => afterCheck(checkArguments, call.arguments, () => handler(call));
  if (!checkResult) return run;
  return isStream
    ? async (call) => checkResult(await run(call))
    : // The activity of the call is current here.
      (call) => resultOf(() => run(call), call.activity, runBare).then(checkResult);
}

/** The error that answers a call of a method that a handler does not have. */
export function methodNotFound(name: string, method: string, channel: string): IModelError {
  return notFound(`Method "${name}.${method}" not found on IpcHandler registered for channel: ${channel}`);
}

function notFound(message: string): IModelError {
  return new IModelError(IModelStatus.FunctionNotFound, message);
}
