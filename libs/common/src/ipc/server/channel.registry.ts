import type { Activity } from '../../call/activity.js';
import { IModelError } from '../../error/imodel.error.js';
import { reservedNames } from '../../call/reserved.names.js';
import { IModelStatus } from '../../error/status.table.js';
import { channelName, IPC_APP, wireChannel } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { IpcListeners } from '../channel/listeners.js';
import type { IpcEvent, IpcListener, IpcSession } from '../channel/session.js';
import { nameOf } from './activity.js';

/** One call of a frontend's. */
export interface IpcCall {
  /** Whose frontend calls. */
  readonly session: IpcSession;
  /** The channel, as its users write it. */
  readonly channel: string;
  /** The name of the method that is called. */
  readonly method: string;
  /** As the frontend sent them, decoded. */
  readonly arguments: unknown[];
  /** Who calls, and until when. */
  readonly activity: Activity;
}

/** Answers calls of one method. May return the result itself where there is nothing to wait for. */
export type IpcMethodHandler = (call: IpcCall) => unknown;

/** What answers the calls of one channel. */
export interface IpcChannelHandler {
  /** For messages, usually the handler's class. */
  readonly name: string;
  /** All that can be called. A map has no prototype to reach, whatever a peer asks for. */
  readonly methods: ReadonlyMap<string, IpcMethodHandler>;
  /** Runs one call of a session after the other. */
  readonly sequential?: boolean;
}

/** Answers every call of a channel by itself, without the envelope of handlers. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a call carries is up to its channel
export type IpcRawHandler = (event: IpcEvent, method: string, ...args: any[]) => unknown;

/** What a raw handler returns that puts its answer into the envelope of handlers by itself. */
export class IpcAnswer {
  constructor(
    readonly envelope: 'result' | 'error',
    readonly value: unknown,
    /** What the log knows of the call, should the value prove impossible to send. */
    readonly activity: Activity,
  ) {}
}

/** What a call is answered by. */
export interface IpcTarget {
  /** Runs a call; what it returns, or throws, is the answer. */
  readonly run: IpcMethodHandler;
  /** Whether the answer is put into the envelope of handlers: `{"result":…}`. */
  readonly enveloped: boolean;
  /** Whether the calls of a session run one after the other. */
  readonly sequential: boolean;
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

/** Is told which channels have a handler, by their names on the wire. */
export interface IpcChannelWatcher {
  /** A channel has a handler from now on. */
  added(wireName: string): void;
  /** A channel has none any more. */
  removed(wireName: string): void;
}

/** All that is callable over IPC, and who listens. */
export class ChannelRegistry {
  readonly #registrations = new Map<string, Registration>();
  readonly #watchers = new Set<IpcChannelWatcher>();
  /** Who listens to any session. */
  readonly listeners = new IpcListeners<IpcListener>();

  /**
   * Answers the calls of a channel by a handler's methods, in the place of the handler that was registered before.
   *
   * @param isFixed whether this handler is never replaced
   * @returns a function that removes the handler
   * @throws Error for a channel that has a handler, where either of the two is fixed
   */
  register(channel: IpcChannelLike, handler: IpcChannelHandler, isFixed = false): () => void {
    const name = channelName(channel);
    return this.#add(wireChannel(name), { lookup: lookupIn(name, handler), isFixed, isRaw: false });
  }

  /** As {@link register}, for a channel by its name on the wire, and without the envelope. */
  handle(wireName: string, handler: IpcRawHandler, isFixed = false): () => void {
    const run = (call: IpcCall): unknown =>
      handler({ session: call.session, activity: call.activity }, call.method, ...call.arguments);
    const target = { run, enveloped: false, sequential: false };
    return this.#add(wireName, { lookup: () => target, isFixed, isRaw: true });
  }

  /** What answers a call. Throws an IModelError where there is nothing of these names. */
  lookup(wireName: string, method: unknown): IpcTarget {
    const registration = this.#registrations.get(wireName) ?? unhandled.get(wireName);
    if (!registration) throw notFound(`No handler is registered for channel: ${nameOf(wireName)}`);
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
   * Tells of the channels that are answered now, and of those that begin or cease to be: for platforms that have to know
   * them beforehand.
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
      throw new Error(`Two handlers of the IPC channel "${nameOf(wireName)}".`);
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
}

/** By the name on the wire: what is answered where nothing is registered. */
const unhandled: ReadonlyMap<string, Pick<Registration, 'lookup'>> = new Map([
  [wireChannel(IPC_APP), { lookup: lookupIn(IPC_APP, ipcApp) }],
]);

function lookupIn(
  channel: string,
  { name, methods, sequential = false }: IpcChannelHandler,
): (method: unknown) => IpcTarget {
  const targets = new Map<string, IpcTarget>();
  const all = channel === IPC_APP ? [...ipcApp.methods, ...methods] : methods;
  for (const [method, run] of all) targets.set(method, { run, enveloped: true, sequential });
  return (method) => {
    if (typeof method !== 'string' || method === '')
      throw notFound(`The call names no method of channel: ${channel}`);
    const target = targets.get(method);
    if (target) return target;
    // Both texts are the reference's, which clients may look for.
    if (reservedNames.has(method))
      throw new Error(`Method "${method}" not available for channel: ${channel}`);
    throw methodNotFound(name, method, channel);
  };
}

/** The error that answers a call of a method that a handler does not have. */
export function methodNotFound(name: string, method: string, channel: string): IModelError {
  return notFound(`Method "${name}.${method}" not found on IpcHandler registered for channel: ${channel}`);
}

function notFound(message: string): IModelError {
  return new IModelError(IModelStatus.FunctionNotFound, message);
}
