import type { Type } from '@nestjs/common';
import { PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA } from '../../nest/internals/nest.exports.js';
import type { IpcChannelLike } from '@linnet/common';
import { callableNames, channelName, checkChannelName } from '@linnet/common/internal';
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
 * @param said the channel of its decorator, if it has one
 * @throws Error if the class has no channel, or two; it names the class
 */
export function channelOf(
  { name, prototype }: Type,
  instance: object,
  said: IpcChannelLike | undefined,
): IpcChannelLike {
  // A handler of another library, as core-backend's, names its channel in the same way.
  const own =
    prototype instanceof IpcHandler || said === undefined ? ownChannelOf(prototype, instance) : undefined;
  const channel = said ?? own;
  if (channel === undefined)
    throw new Error(`${name} does not name its IPC channel: use @IpcChannel('name') or get channelName().`);
  try {
    checkChannelName(channelName(channel));
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
  if (said !== undefined && own !== undefined && channelName(said) !== channelName(own))
    throw new Error(`${name} names two IPC channels: "${channelName(said)}" and "${channelName(own)}".`);
  return channel;
}

function ownChannelOf(prototype: object, instance: object): IpcChannelLike | undefined {
  // A mock in the place of a handler mostly has its methods alone.
  const source = 'channelName' in instance ? instance : prototype;
  return Reflect.get(source, 'channelName', instance) as IpcChannelLike | undefined;
}

/**
 * The methods of a handler that can be called: those of its class and the classes up to, not including,
 * `IpcHandler` or `Object`, and its {@link arrowFields}, less what is Nest's, the class's own affair (`_…`), or not
 * chosen.
 *
 * @param instance the handler; `undefined` where each session has one of its own, whose fields nobody knows yet
 * @param requireIpcMethod selects only methods with `@IpcMethod()`
 * @throws Error if no method can be called, or a listed one is missing; it names the class
 */
export function callableMethods(
  type: Type,
  instance: object | undefined,
  channel: IpcChannelLike,
  requireIpcMethod: boolean,
): string[] {
  const { name, prototype } = type;
  const members = new Map<string, unknown>(instance && arrowFields(type, instance));
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
  const candidates = methods.map(([key]) => key).filter((key) => !lifecycleHooks.has(key));
  const names = callableNames(name, channel, candidates);
  const allowed = methods.filter(([key]) => names.includes(key));
  const decorated = allowed.filter(([, method]) => isIpcMethod(method));
  const chosen = requireIpcMethod || decorated.length > 0 ? decorated : allowed;
  if (chosen.length === 0)
    throw new Error(`${name} has no method that could be called over IPC channel "${channelName(channel)}".`);
  return chosen.map(([key]) => key);
}

/**
 * The fields of a handler in the style of iTwin.js that hold functions which cannot be constructed: `say = async () => …`.
 * Not where the class has anything injected, as a field may then hold what is not the handler's own.
 */
function arrowFields(type: Type, instance: object): [string, unknown][] {
  if (!('channelName' in instance) || isInjected(type)) return [];
  return Object.entries(Object.getOwnPropertyDescriptors(instance))
    .map(([key, { value }]): [string, unknown] => [key, value])
    .filter(([, value]) => typeof value === 'function' && !Object.hasOwn(value, 'prototype'));
}

function isInjected(type: Type): boolean {
  const metadata = [PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA];
  for (
    let level: unknown = type;
    typeof level === 'function' && level !== Function.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    const target = level;
    const known = metadata.some((key) => (Reflect.getOwnMetadata(key, target) as unknown[])?.length > 0);
    if (target.length > 0 || known) return true;
  }
  return false;
}
