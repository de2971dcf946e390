import { reservedNames } from '../../call/reserved.names.js';
import { channelMethods, channelName } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';

/**
 * The methods of a handler that frontends can call: those that the channel lists, or else all of them, except reserved
 * names and names that begin with `_`.
 *
 * @param handler the name of the handler, for errors
 * @throws Error if the channel lists a method that the handler lacks
 */
export function callableNames(
  handler: string,
  channel: IpcChannelLike,
  methods: readonly string[],
): string[] {
  const listed = channelMethods(channel);
  const names = methods.filter(
    (name) => !reservedNames.has(name) && !name.startsWith('_') && (listed?.includes(name) ?? true),
  );
  const missing = listed?.filter((name) => !names.includes(name)) ?? [];
  if (missing.length > 0)
    throw new Error(
      `${handler} does not implement ${missing.join(', ')} of IPC channel "${channelName(channel)}".`,
    );
  return names;
}
