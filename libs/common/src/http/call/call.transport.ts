import type { RpcTransport } from '../../rpc/server/call.js';
import { commonHeaders } from './call.response.js';
import type { OpenedRequest } from './call.response.js';
import type { HttpServerContext } from './server.context.js';

/** The platform's side of a call. */
export interface HttpPlatform {
  /** The request of the platform's framework, for guards and filters. */
  readonly request?: unknown;
  /** The response of the platform's framework. */
  readonly response?: unknown;
  /** Whether the request is a message of a broker, which has neither of them. */
  readonly isMessage?: boolean;
}

/** How a call came over HTTP, or as a message of a broker. */
export function transportOf(
  opened: OpenedRequest,
  { isMessage, request, response }: HttpPlatform,
  protocolVersion: number,
  context: HttpServerContext,
): RpcTransport {
  const { target: path, method, headers } = opened.head;
  // Written out twice: to spread the common members costs more than all else here.
  if (isMessage) return { kind: 'message', path, method, protocolVersion, isRefused: false, headers };
  return {
    kind: 'http',
    path,
    method,
    protocolVersion,
    isRefused: false,
    request,
    response,
    commonHeaders: () => commonHeaders(context, opened),
  };
}
