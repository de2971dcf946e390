import { createRpcClient as createClient } from '@linnet/common';
import type { RpcClient, RpcClientOptions } from '@linnet/common';
import { callContext } from './client.context.js';

/** Options of a client that a backend has of another one. */
export interface BackendClientOptions extends Omit<RpcClientOptions, 'context'> {
  /**
   * Sends the credentials of the call being served on to the other server, where `authorization` gives no others.
   * Default `false`: they were given to this one.
   */
  readonly forwardAuthorization?: boolean;
}

/**
 * Makes a client of another server. Calls made inside a call belong to that call: activity, session, application, deadline
 * and cancellation travel on.
 */
export function createRpcClient(options: BackendClientOptions = {}): RpcClient {
  return createClient(withCallContext(options));
}

/** @returns options of a client that hands on what the call being served has to hand on */
export function withCallContext<T extends BackendClientOptions>({
  forwardAuthorization = false,
  ...options
}: T): Omit<T, 'forwardAuthorization'> & Pick<RpcClientOptions, 'context'> {
  return { ...options, context: () => callContext(forwardAuthorization) };
}
