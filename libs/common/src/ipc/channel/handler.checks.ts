import { channelName, methodSchemas } from './channel.js';
import type { IpcChannelLike } from './channel.js';

/**
 * Checks the arguments of a call from the backend by the schemas of the channel, and puts what the schemas return in their places.
 * Pages load the checks with the first call that needs them.
 *
 * @throws SchemaRefusal (rejection)
 */
export async function checkArgumentsOf(
  channel: IpcChannelLike,
  method: string,
  args: unknown[],
): Promise<void> {
  const schemas = methodSchemas(channel, method);
  if (!schemas?.args) return;
  const { checksOf } = await import('../../call/call.checks.js');
  await checksOf(`${channelName(channel)}.${method}`, { args: schemas.args })?.checkArguments?.(args);
}
