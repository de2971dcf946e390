import { TransientError } from '../call/call.error.js';

/** Error statuses of which the iTwin.js client reads the body or knows what to do (WIRE 2.6). */
const readable = new Set([404, 500, 502, 503, 504]);

/** The status of an error for a client that reads only some of them. */
export function readableStatus(status: number, thrown: unknown): number {
  // What is to be repeated says so by its status, whatever it is.
  return readable.has(status) || thrown instanceof TransientError ? status : 500;
}
