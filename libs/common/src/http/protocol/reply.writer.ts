import type { Activity } from '../../call/activity.js';
import { inOperation } from '../../base/numbered.error.js';
import { TransientError } from '../../error/imodel.error.js';
import { newId } from '../../base/random.id.js';
import { encodeError } from '../../error/error.codec.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import { primitiveMembers, visibleMembers } from '../../error/error.members.js';
import type { ErrorExposure, WireError } from '../../error/error.members.js';
import { isBytes } from '../../bytes/bytes.js';
import { encodeMultipart } from '../../value/multipart.codec.js';
import { encodeValue, stringifyValue } from '../../value/value.codec.js';
import type { SettledOutcome } from '../../rpc/server/call.js';

/** A response without the headers that depend on the caller; see {@link HttpCall}. */
export interface EncodedOutcome {
  status: number;
  contentType: string | undefined;
  body: string | Uint8Array | readonly Uint8Array[];
  retryAfter?: number | string | undefined;
  /** A thrown value, and the part of it that the caller sees. */
  thrown?: unknown;
  error?: WireError;
}

/** The outcomes of a call that are control responses. */
type ControlOutcome = Extract<SettledOutcome, { kind: 'pending' | 'notFound' }>;

/** The content type of JSON text, as in iTwin.js. */
export const TEXT = 'text/plain; charset=utf-8';
const noContent: EncodedOutcome = { status: 204, contentType: undefined, body: '' };

/** Writes the outcome of a call for the protocol version of the client (docs/wire.md#25-response). */
export function encodeOutcome(
  outcome: Exclude<SettledOutcome, { kind: 'answered' }>,
  protocolVersion: number,
  { activityId, rpcMethod }: Pick<Activity, 'activityId' | 'rpcMethod'>,
  policy: ErrorPolicy,
): EncodedOutcome {
  if (outcome.kind === 'noContent' && protocolVersion >= 1) return noContent;
  if (outcome.kind === 'error' || outcome.kind === 'noContent')
    return encodeFailure(outcome.error, protocolVersion, activityId, policy);
  try {
    if (outcome.kind === 'result') return encodeResult(outcome.value, policy);
    const text = controlText(outcome, policy);
    const body = protocolVersion < 2 ? text : envelope(outcome.kind, text);
    return { status: outcome.kind === 'pending' ? 202 : 404, contentType: TEXT, body };
  } catch (error) {
    return encodeFailure(inOperation(error, rpcMethod), protocolVersion, activityId, policy);
  }
}

function encodeResult(value: unknown, exposure: ErrorExposure): EncodedOutcome {
  if (isBytes(value)) return { status: 200, contentType: 'application/octet-stream', body: value };
  const { objects, data } = encodeValue(value, exposure);
  return { status: 200, ...encodeContent(objects, data) };
}

function encodeContent(
  objects: string,
  data: readonly Uint8Array[],
): Pick<EncodedOutcome, 'contentType' | 'body'> {
  if (data.length === 0) return { contentType: TEXT, body: objects };
  // Random, so that no application data contains it.
  const boundary = `linnet-${newId()}`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: encodeMultipart(objects, data, boundary),
  };
}

function encodeFailure(
  thrown: unknown,
  protocolVersion: number,
  activityId: string,
  policy: ErrorPolicy,
): EncodedOutcome {
  const error = encodeError(thrown, activityId, policy);
  const { retryAfter } = error;
  // Without categories (protocol 0 and 1) all errors have one status. A status that means "retry" stays.
  const status = protocolVersion >= 2 || thrown instanceof TransientError ? error.status : 500;
  try {
    const body = error.whole ? visibleMembers(error.body as object, policy) : error.body;
    const { objects, data } = encodeValue(body, policy);
    return { status, ...encodeContent(objects, data), retryAfter, thrown, error };
  } catch {
    // An object among its members has a cycle. Message and number are sent without it.
    const body = JSON.stringify({ isError: true, name: 'Error', ...primitiveMembers(error.body as object) });
    return { status, contentType: TEXT, body, retryAfter, thrown, error };
  }
}

function controlText(outcome: ControlOutcome, exposure: ErrorExposure): string {
  return outcome.kind === 'pending' ? outcome.message : encodeValue(outcome.response, exposure).objects;
}

/** Thrown in place of an error by the items of a call that has reported progress, and then answers with a control response. */
export class ControlEnd {
  constructor(readonly outcome: ControlOutcome) {}
}

/** Writes an error that ends a stream as JSON text of its visible members, or a control response as its envelope. */
export function encodeStreamError(
  thrown: unknown,
  activityId: string,
  policy: ErrorPolicy,
): { readonly text: string; readonly error: WireError | undefined } {
  if (thrown instanceof ControlEnd) {
    const { outcome } = thrown;
    return { text: envelope(outcome.kind, controlText(outcome, policy)), error: undefined };
  }
  const error = encodeError(thrown, activityId, policy);
  try {
    const body = error.whole ? visibleMembers(error.body as object, policy) : error.body;
    // Text has no place for bytes.
    const text = stringifyValue(body, () => undefined, undefined, policy);
    if (text !== undefined) return { text, error };
  } catch {
    // A member cannot be sent. Message and number are sent without it.
  }
  const members = primitiveMembers(Object(error.body) as object);
  return { text: JSON.stringify({ isError: true, name: 'Error', ...members }), error };
}

/** Marks a status as the outcome of the call, rather than of the transport, for clients of protocol 2. */
function envelope(managedStatus: 'pending' | 'notFound', responseValue: string): string {
  return JSON.stringify({ iTwinRpcCoreResponse: true, managedStatus, responseValue });
}
