import type { IpcChannelHandler, IpcChannelLike, IpcMethodHandler, IpcSession } from '@linnet/common';
import { callableNames, channelName, checkChannelName } from '@linnet/common/internal';

/** A class with one instance for each session. */
export type SessionHandlerClass = new (session: IpcSession) => object;

/**
 * A channel and its handler: an object that serves all sessions, or a class with one instance for each session. A plain
 * object serves its functions, and an instance of a class the methods of the class, except names that begin with `_`.
 */
export type IpcChannelEntry = readonly [channel: IpcChannelLike, handler: object | SessionHandlerClass];

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** The handlers of channels that are one for each session. */
export class SessionHandlers {
  readonly #classes = new Set<SessionHandlerClass>();
  readonly #instances = new WeakMap<IpcSession, Map<SessionHandlerClass, Methods>>();

  /** Makes the handler of an entry. @throws Error if the channel or the handler cannot be served */
  handlerOf([channel, handler]: IpcChannelEntry): IpcChannelHandler {
    const name = channelName(channel);
    checkChannelName(name);
    if (typeof handler !== 'function') {
      const instance = handler as Methods;
      const handlerName = instance.constructor?.name ?? 'handler';
      return this.#handler(handlerName, channel, handler, () => instance);
    }
    const type = handler as SessionHandlerClass;
    this.#classes.add(type);
    return this.#handler(type.name, channel, type.prototype as object, (session) =>
      this.#instances.get(session)!.get(type)!,
    );
  }

  /** Makes the instances of a session. @throws any error of a constructor */
  open(session: IpcSession): void {
    const instances = new Map<SessionHandlerClass, Methods>();
    for (const type of this.#classes) instances.set(type, new type(session) as Methods);
    this.#instances.set(session, instances);
  }

  #handler(
    name: string,
    channel: IpcChannelLike,
    shape: object,
    instanceOf: (session: IpcSession) => Methods,
  ): IpcChannelHandler {
    const methods = callableMethods(name, channel, shape).map((method): [string, IpcMethodHandler] => [
      method,
      (call) => instanceOf(call.session)[method]!(...call.arguments),
    ]);
    return { name, methods: new Map(methods) };
  }
}

/** @throws Error if the handler has no method, or lacks one that the channel lists */
function callableMethods(name: string, channel: IpcChannelLike, shape: object): string[] {
  const found = callableNames(name, channel, methodsOf(shape));
  if (found.length === 0) throw new Error(`${name} has no method for IPC channel "${channelName(channel)}".`);
  return found;
}

/** The methods of an object and its classes. The nearest member of a name counts, also if it is not a method. */
function methodsOf(shape: object): string[] {
  const members = new Map<string, unknown>();
  for (
    let level: object | null = shape;
    level && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    // A field of an instance may hold a function that does not belong to the handler.
    if (level === shape && isInstance(shape)) continue;
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (!members.has(key)) members.set(key, value);
  }
  return [...members].filter(([, value]) => typeof value === 'function').map(([key]) => key);
}

/** Whether an object is an instance of a class, and neither a plain object nor a prototype. */
function isInstance(shape: object): boolean {
  const prototype = Object.getPrototypeOf(shape) as object | null;
  return prototype !== null && prototype !== Object.prototype && !Object.hasOwn(shape, 'constructor');
}
