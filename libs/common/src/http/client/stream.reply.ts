import { throwIfAborted } from '../../base/abort.js';
import { ANSWER_TEXT_BYTES, MULTIPART_BYTES } from '../../base/limits.js';
import { rebuildError, ServerError } from '../../error/backend.error.js';
import type { RpcReply, RpcRequest } from '../../rpc/client/transport.js';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import type { StreamBody } from '../protocol/message.js';
import { StreamReader } from '../protocol/stream.reader.js';
import type { RpcClientOptions } from './client.options.js';
import { withoutAnswer } from './failure.reason.js';
import type { HttpReply } from './send.js';

/** The reply of a stream: of the operation itself, or of one that has reported progress before its value. */
export async function streamReply(
  reply: HttpReply,
  request: RpcRequest,
  limits: Pick<RpcClientOptions, 'maxResponseBytes' | 'maxResponseText'>,
): Promise<RpcReply> {
  const items = itemsOf(reply, request, limits);
  if (request.policy.stream) return { kind: 'stream', items };
  try {
    const { value } = await items.next();
    await items.next();
    return { kind: 'result', value };
  } catch (thrown) {
    if (thrown instanceof ControlReply) return thrown.reply;
    throw thrown;
  }
}

/** The control response of a call that has reported progress, in place of an error. */
class ControlReply {
  constructor(readonly reply: RpcReply) {}
}

/** The end of a stream without a value: an error, or a control response. */
function endOf(members: unknown): unknown {
  const { iTwinRpcCoreResponse, managedStatus, responseValue } = Object(members) as Record<string, unknown>;
  if (iTwinRpcCoreResponse !== true || typeof responseValue !== 'string') return rebuildError(members);
  if (managedStatus === 'pending') return new ControlReply({ kind: 'pending', message: responseValue });
  try {
    return new ControlReply({ kind: 'notFound', response: Object(JSON.parse(responseValue)) as object });
  } catch {
    return new ServerError(-1, 'The stream is broken: a control response is not JSON.');
  }
}

function itemsOf(
  { body, stream = wholeBody(body) }: HttpReply,
  { signal, onProgress }: RpcRequest,
  {
    maxResponseBytes = MULTIPART_BYTES,
    maxResponseText = ANSWER_TEXT_BYTES,
  }: Pick<RpcClientOptions, 'maxResponseBytes' | 'maxResponseText'>,
): StreamItems {
  const limits = {
    bytes: maxResponseBytes,
    text: maxResponseText,
    bytesName: 'maxResponseBytes',
    textName: 'maxResponseText',
  };
  const errors = {
    rebuild: endOf,
    broken: (reason: string) => new ServerError(-1, `The stream is broken: ${reason}`),
  };
  return new StreamReader(followed(stream, signal), limits, errors, onProgress);
}

/** A body that the application's `send` has read whole. */
function wholeBody(body: Uint8Array): StreamBody {
  let rest: Uint8Array | undefined = body;
  return {
    async next() {
      const value = rest;
      rest = undefined;
      return value ? { done: false, value } : streamEnd;
    },
    return: async () => streamEnd,
  };
}

/** A body whose failure is the one of a broken connection. @throws (rejection) the signal's reason if it is aborted */
function followed(body: StreamBody, signal: AbortSignal): StreamBody {
  return {
    next: () =>
      body.next().catch((error: unknown) => {
        throwIfAborted(signal);
        throw withoutAnswer('The stream is broken', error);
      }),
    return: () => body.return(),
  };
}
