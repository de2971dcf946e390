import { checkedAnswer } from '../../call/call.checks.js';
import { channelName, methodSchemas } from '../channel/channel.js';
import type { IpcChannelLike } from '../channel/channel.js';
import { unwrapEnvelope } from '../channel/envelope.js';
import { rebuildFrontendError } from './error.codec.js';

/**
 * The result in the answer of a frontend's handler, as the schema of the method returns it.
 *
 * @throws (rejection) the error that the handler threw; SchemaFault if the result breaks its schema
 */
export async function frontendAnswer(
  channel: IpcChannelLike,
  method: string,
  envelope: unknown,
): Promise<unknown> {
  const result: unknown = unwrapEnvelope(envelope, rebuildFrontendError);
  const schema = methodSchemas(channel, method)?.result;
  return schema ? checkedAnswer(`${channelName(channel)}.${method}`, schema, result) : result;
}
