import { noContent, rebuildError, ServerError } from '../../error/backend.error.js';
import type { RpcReply } from '../../rpc/client/transport.js';
import { decodeContent, decodeText } from '../protocol/content.reader.js';
import { NOT_BEGUN_HEADER } from '../protocol/headers.js';
import type { HttpReply } from './send.js';

/** Statuses after which the request may be repeated. */
const transientStatuses = new Set([408, 429, 502, 503, 504]);

/**
 * Reads a response of any status from any server of the iTwin.js wire (docs/wire.md#25-response). Never throws.
 *
 * @param maxText the accepted length of JSON text, in bytes
 * @param notServed describes a 404 that does not come from an RPC server
 */
export function readReply(reply: HttpReply, maxText: number, notServed: () => string): RpcReply {
  try {
    return read(reply, maxText, notServed);
  } catch (error) {
    const { message } = error as Error;
    return { kind: 'error', error: new ServerError(reply.status, `The answer cannot be read: ${message}`) };
  }
}

function read(reply: HttpReply, maxText: number, notServed: () => string): RpcReply {
  const { status, body } = reply;
  const type = reply.header('content-type');
  if (status === 200) return { kind: 'result', value: decodeContent(body, type, maxText) };
  if (status === 204) return { kind: 'error', error: rebuildError(noContent, status) };
  const text = decodeText(body, maxText);
  const content = objectFrom(() =>
    type?.startsWith('multipart/') ? decodeContent(body, type, maxText) : JSON.parse(text),
  );
  const retryAfterMs = readRetryAfter(reply.header('retry-after'));
  if (status === 202 || status === 404) {
    // Recognized by the body, because pages of other origins do not see the header with the protocol version.
    const envelope = readEnvelope(content);
    const protocol = Number(reply.header('x-protocol-version'));
    if (status === 202 && (envelope !== undefined || protocol < 2))
      return { kind: 'pending', message: envelope ?? text, retryAfterMs };
    if (status === 404 && (envelope !== undefined || protocol === 1))
      return { kind: 'notFound', response: objectFrom(() => JSON.parse(envelope ?? text)) ?? {} };
    // If the header is hidden, an RPC error is recognized by its members.
    if (status === 404 && !protocol && !text.includes('isError'))
      return { kind: 'error', error: new ServerError(status, notServed()) };
  }
  const error = content
    ? rebuildError({ message: `The server answered ${status}.`, ...content }, status)
    : new ServerError(status, `The server answered ${status} without saying why.`);
  // The member is not enumerable, so that code which throws the error again does not send it on.
  if (retryAfterMs !== undefined && !('retryAfterMs' in error))
    Object.defineProperty(error, 'retryAfterMs', { value: retryAfterMs });
  // An error with a number is the implementation's answer, and would be the same for every repetition.
  const isAnswer = typeof content?.['errorNumber'] === 'number';
  const notBegun = reply.header(NOT_BEGUN_HEADER) === '1';
  if (transientStatuses.has(status) && !isAnswer) return { kind: 'transient', error, retryAfterMs, notBegun };
  return { kind: 'error', error };
}

/** The content of an envelope: the message of a pending call, or JSON text of a "not found" response. */
function readEnvelope(content: Record<string, unknown> | undefined): string | undefined {
  const value = content?.['iTwinRpcCoreResponse'] && content['responseValue'];
  return typeof value === 'string' ? value : undefined;
}

/** The value that `read` returns, if it is an object; `undefined` for other values, and if it throws. */
function objectFrom(read: () => unknown): Record<string, unknown> | undefined {
  try {
    const value = read();
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Parses seconds (fractions allowed) or a date. @returns milliseconds from now */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const seconds = Number(value);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
