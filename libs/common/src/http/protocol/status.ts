import { TransientError } from '../../error/imodel.error.js';
import type { RpcCall } from '../../rpc/server/call.js';

/** Error statuses that the iTwin.js client handles, or whose body it reads (docs/wire.md#26-statuses-on-the-client). */
const readable = new Set([404, 500, 502, 503, 504]);

/** The status of an error for a client that reads only some of them. */
export function readableStatus(status: number, thrown: unknown): number {
  // The client recognizes a call to be repeated only by its status.
  return readable.has(status) || thrown instanceof TransientError ? status : 500;
}

/** Whether a call that is to come back surely had no effect: what asks for it says so, or a guard refused it. */
export function isNotBegun(status: number, error: unknown, call: RpcCall | undefined): boolean {
  if (error instanceof TransientError) return error.hasNoEffect;
  const transport = call?.transport;
  const isRefused = transport !== undefined && transport.kind !== 'ipc' && transport.isRefused === true;
  return isRefused && (status === 429 || status === 503);
}
