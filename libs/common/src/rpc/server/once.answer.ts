import { concatBytes, joinBytes, utf8 } from '../../bytes/bytes.js';
import { defaultWireLimits } from '../../base/limits.js';
import { encodeError } from '../../error/error.codec.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import { AnsweredError, visibleMembers } from '../../error/error.members.js';
import { NoContentError } from '../../error/imodel.error.js';
import { decodeValue, encodeValue, isCount } from '../../value/value.codec.js';
import type { RpcOutcome } from './call.js';

/** The version of stored answers. An answer of another version cannot be read. */
const VERSION = 1;
const FIXED = 4;
const encoder = new TextEncoder();

/** The part of a stored answer that is JSON; the bytes of the value follow. */
interface Head {
  readonly version: typeof VERSION;
  /** `unkept`: the call is over, and its answer was not kept. */
  readonly kind: 'result' | 'error' | 'noContent' | 'unkept';
  /** The result, or what callers see of the error. */
  readonly objects?: string;
  readonly sizes?: readonly number[];
  readonly status?: number;
  readonly retryAfter?: number | string;
}

/** A call that is over without an answer that could be kept. */
export const unkept: Uint8Array = encode({ version: VERSION, kind: 'unkept' }, []);

/**
 * Writes the outcome of a call, as callers see it.
 *
 * @throws whatever a value throws that cannot be sent
 */
export function encodeAnswer(outcome: RpcOutcome, activityId: string, policy: ErrorPolicy): Uint8Array {
  if (outcome.kind === 'noContent') return encode({ version: VERSION, kind: 'noContent' }, []);
  if (outcome.kind === 'result') {
    const { objects, data } = encodeValue(outcome.value, policy);
    return encode({ version: VERSION, kind: 'result', objects, sizes: sizesOf(data) }, data);
  }
  if (outcome.kind !== 'error') return unkept;
  const error = encodeError(outcome.error, activityId, policy);
  const body = error.whole ? visibleMembers(error.body as object, policy) : error.body;
  const { objects, data } = encodeValue(body, policy);
  const { status, retryAfter } = error;
  const head: Head = { version: VERSION, kind: 'error', objects, sizes: sizesOf(data), status };
  return encode(retryAfter === undefined ? head : { ...head, retryAfter }, data);
}

/**
 * Reads an answer that a store returns, which may be anything.
 *
 * @returns the result, and whether the answer could be read and has one
 * @throws the error that the call ended with
 */
export function readAnswer(answer: Uint8Array): { readonly isKnown: boolean; readonly value?: unknown } {
  const stored = decode(answer);
  if (!stored || stored.kind === 'unkept') return { isKnown: false };
  if (stored.kind === 'noContent') throw new NoContentError();
  if (stored.kind === 'result') return { isKnown: true, value: stored.value };
  if (typeof stored.value !== 'object' || stored.value === null) return { isKnown: false };
  throw new AnsweredError({
    status: stored.status,
    body: stored.value,
    retryAfter: stored.retryAfter,
    internal: false,
    whole: false,
  });
}

function encode(head: Head, data: readonly Uint8Array[]): Uint8Array {
  const text = encoder.encode(JSON.stringify(head));
  const length = new Uint8Array(FIXED);
  new DataView(length.buffer).setUint32(0, text.byteLength);
  return joinBytes([length, text, ...data]);
}

function sizesOf(data: readonly Uint8Array[]): number[] {
  return data.map(({ byteLength }) => byteLength);
}

interface Stored {
  readonly kind: Head['kind'];
  readonly value: unknown;
  readonly status: number;
  readonly retryAfter: number | string | undefined;
}

/** @returns `undefined` for bytes that are not an answer of this version */
function decode(answer: Uint8Array): Stored | undefined {
  try {
    const length = new DataView(answer.buffer, answer.byteOffset, answer.byteLength).getUint32(0);
    const text = utf8.decode(answer.subarray(FIXED, FIXED + length));
    const { version, kind, objects = '', sizes = [], status = 500, retryAfter } = JSON.parse(text) as Head;
    if (version !== VERSION || !['result', 'error', 'noContent', 'unkept'].includes(kind)) return undefined;
    if (!Number.isInteger(status) || status < 400 || status > 599) return undefined;
    if (retryAfter !== undefined && !['number', 'string'].includes(typeof retryAfter)) return undefined;
    let offset = FIXED + length;
    // The sizes are not trusted, so that a record cannot choose the size of an allocation.
    const total = sizes.every(isCount) ? sizes.reduce((sum, size) => sum + size, offset) : -1;
    if (total !== answer.byteLength) return undefined;
    const data = sizes.map((size) => concatBytes([answer.subarray(offset, (offset += size))], size));
    return { kind, value: decodeValue(objects, data, defaultWireLimits.depth), status, retryAfter };
  } catch {
    return undefined;
  }
}
