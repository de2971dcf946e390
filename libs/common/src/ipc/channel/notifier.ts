import { afterCheck, noticeCheck } from '../../call/call.checks.js';
import type { CheckArguments } from '../../call/call.checks.js';
import type { IpcChannelLike } from './channel.js';
import { makeProxy } from './proxy.js';
import type { IpcNotifier } from './proxy.js';

const none: ReadonlyMap<string, CheckArguments> = new Map();
/** The checks of the notifications of a channel, made at its first use. */
const known = new WeakMap<object, ReadonlyMap<string, CheckArguments>>();

/**
 * Makes an object whose methods send notifications. A notification with schemas is checked first, and sent as they return it.
 *
 * @param send sends the name and the arguments of one of them
 */
export function makeNotifier<Notifications extends object>(
  channel: IpcChannelLike<object, Notifications>,
  send: (...args: unknown[]) => Promise<void>,
): IpcNotifier<Notifications> {
  const checks = checksOfNotices(channel);
  return makeProxy((name, args) => afterCheck(checks.get(name), args, () => send(name, ...args)));
}

function checksOfNotices(channel: IpcChannelLike): ReadonlyMap<string, CheckArguments> {
  if (typeof channel === 'string' || !channel.notifications) return none;
  let checks = known.get(channel);
  if (!checks) {
    const made = Object.entries(channel.notifications).map(
      ([name, schemas]) => [name, noticeCheck(`${channel.name}.${name}`, schemas ?? {})] as const,
    );
    checks = new Map(made.filter((each): each is [string, CheckArguments] => each[1] !== undefined));
    known.set(channel, checks);
  }
  return checks;
}
