import type { HttpRpcHandler } from './handler.js';

/** Another way than HTTP by which requests reach a server, for instance `natsServer` of `@linnet/nats`. */
export interface RpcListener {
  /**
   * Begins to serve.
   *
   * @param handler answers the requests; it belongs to the listener
   * @throws Error (rejection) if it cannot be reached by anyone
   */
  listen(handler: HttpRpcHandler): Promise<RpcListening>;
}

/** A listener that serves. */
export interface RpcListening {
  /**
   * Ends the service. Further requests go to other servers, and calls in flight finish.
   *
   * @param timeoutMs the longest wait, in milliseconds; after it the remaining calls are answered with 503
   * @returns the number of remaining calls
   */
  close(timeoutMs: number): Promise<number>;
}
