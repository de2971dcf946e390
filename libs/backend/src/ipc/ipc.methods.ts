import type { Type } from '@nestjs/common';
import type { IpcChannelLike } from '@linnet/common';
import { channelName, checkChannelName, reservedNames } from '@linnet/common/internal';
import { isIpcMethod } from './ipc.decorator.js';
import { IpcHandler } from './ipc.handler.js';

const lifecycleHooks = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * The channel of a handler.
 *
 * @param said by its decorator, if it says
 * @throws Error with a sentence that names the class
 */
export function channelOf(
  { name, prototype }: Type,
  instance: object,
  said: IpcChannelLike | undefined,
): IpcChannelLike {
  const own = prototype instanceof IpcHandler ? ownChannelOf(prototype, instance) : undefined;
  const channel = said ?? own;
  if (channel === undefined)
    throw new Error(`${name} does not say its IPC channel: @IpcChannel('name'), or get channelName().`);
  try {
    checkChannelName(channelName(channel));
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
  if (said !== undefined && own !== undefined && channelName(said) !== channelName(own))
    throw new Error(`${name} says two IPC channels: "${channelName(said)}" and "${channelName(own)}".`);
  return channel;
}

function ownChannelOf(prototype: IpcHandler, instance: object): IpcChannelLike | undefined {
  // A mock in the place of a handler mostly has its methods alone.
  const source = 'channelName' in instance ? instance : prototype;
  return Reflect.get(source, 'channelName', instance) as IpcChannelLike | undefined;
}

/**
 * The methods of a handler that can be called: those of its class and the classes up to, not including,
 * `IpcHandler` or `Object`, less what is Nest's, the class's own affair (`_…`), or not chosen.
 *
 * @param requireIpcMethod takes only those with `@IpcMethod()`, also where there are none
 * @throws Error with a sentence that names the class, where nothing can be called, or something chosen is not there
 */
export function callableMethods(
  { name, prototype }: Type,
  channel: IpcChannelLike,
  requireIpcMethod: boolean,
): string[] {
  const members = new Map<string, unknown>();
  for (
    let level = prototype as object | null;
    level && level !== IpcHandler.prototype && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    // The nearest counts, also where it is an accessor that hides a method.
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (!members.has(key)) members.set(key, value as unknown);
  }
  const methods = [...members].filter(
    (member): member is [string, object] => typeof member[1] === 'function',
  );
  const listed = typeof channel === 'string' ? undefined : channel.methods;
  const allowed = methods.filter(
    ([key]) =>
      !reservedNames.has(key) &&
      !lifecycleHooks.has(key) &&
      !key.startsWith('_') &&
      (listed?.includes(key) ?? true),
  );
  const missing = listed?.filter((key) => !allowed.some(([method]) => method === key)) ?? [];
  if (missing.length > 0)
    throw new Error(
      `${name} does not implement ${missing.join(', ')} of IPC channel "${channelName(channel)}".`,
    );
  const decorated = allowed.filter(([, method]) => isIpcMethod(method));
  const chosen = requireIpcMethod || decorated.length > 0 ? decorated : allowed;
  if (chosen.length === 0)
    throw new Error(`${name} has no method that could be called over IPC channel "${channelName(channel)}".`);
  return chosen.map(([key]) => key);
}
