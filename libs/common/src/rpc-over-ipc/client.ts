import { StreamResult } from '../stream/stream.js';
import { splitSources } from '../stream/stream.source.js';
import { noContent, rebuildError } from '../error/backend.error.js';
import type { RpcClientTransport, RpcReply } from '../rpc/client/transport.js';
import { RPC_CHANNEL } from '../ipc/channel/channel.js';
import type { IpcFrontend } from '../ipc/client/frontend.js';
import { IpcClosedError } from '../ipc/channel/closure.js';

/**
 * Sends RPC calls over an IPC session (docs/wire.md#38-rpc-over-ipc). They use the credentials of the session, and end with it.
 *
 * ```ts
 * const server = createRpcClient({ transport: rpcOverIpc(frontend) });
 * ```
 */
export function rpcOverIpc(frontend: IpcFrontend): RpcClientTransport {
  return {
    isSession: true,
    address: frontend.address,
    async exchange({
      definition,
      operation,
      policy,
      arguments: args,
      activity,
      timeoutMs,
      signal,
      onProgress,
      lastEventId,
    }) {
      const { values: parameters, sources } = splitSources(args);
      const { interfaceName, interfaceVersion } = definition;
      const { activityId, applicationId, applicationVersion, sessionId } = activity;
      const context = {
        applicationId,
        applicationVersion,
        id: activityId,
        sessionId,
        protocolVersion: '2',
        ...(lastEventId !== undefined && { lastEventId }),
      };
      const request = {
        definition: { interfaceName, interfaceVersion },
        operation,
        parameters: [...parameters],
        context,
      };
      const options = {
        signal,
        activityId,
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(onProgress && { onProgress }),
      };
      try {
        const traits = { stream: policy.stream, sources, trace: activity.trace };
        const answer = await frontend.calls.call(RPC_CHANNEL, 'request', [request], options, traits);
        if (answer instanceof StreamResult) return { kind: 'stream', items: answer.items };
        return replyOf(answer ?? {});
      } catch (error) {
        // The call may have run. It is repeated in the next session if its operation allows that.
        if (!(error instanceof IpcClosedError) || frontend.state === 'closed') throw error;
        return { kind: 'transient', error, retryAfterMs: undefined };
      }
    },
  };
}

interface Envelope {
  readonly result?: unknown;
  readonly error?: unknown;
}

function replyOf({ result, error }: Envelope): RpcReply {
  if (error !== undefined) return { kind: 'error', error: rebuildError(error) };
  const managed = result as Managed | null | undefined;
  if (typeof managed !== 'object' || managed?.iTwinRpcCoreResponse !== true)
    return { kind: 'result', value: result };
  const { managedStatus, responseValue = {} } = managed;
  switch (managedStatus) {
    case 'pending':
      return { kind: 'pending', message: String((responseValue as { message?: unknown }).message) };
    case 'notFound':
      return { kind: 'notFound', response: responseValue };
    default:
      // `noContent`, without the members that all its errors have.
      return {
        kind: 'error',
        error: rebuildError({ ...noContent, ...responseValue }),
      };
  }
}

/** The envelope of an answer that is neither a result nor an error. */
interface Managed {
  readonly iTwinRpcCoreResponse?: unknown;
  readonly managedStatus?: unknown;
  readonly responseValue?: object;
}
