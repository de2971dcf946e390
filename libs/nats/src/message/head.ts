import { headers as newHeaders } from '@nats-io/transport-node';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { HttpError } from '@linnet/common/internal';

const METHOD = 'Linnet-Method';
const TARGET = 'Linnet-Target';
const STATUS = 'Linnet-Status';
/** Announces that the body goes on in frames. */
const MORE = 'Linnet-More';

/** Characters of all headers of a request, as Node limits those of HTTP. */
const HEADERS_LENGTH = 16 * 1024;
const HEADERS = 100;

/** The first message of a call: the head of its request. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** By lower-case name, without a prototype. */
  readonly headers: Readonly<Record<string, string>>;
  readonly hasMore: boolean;
}

/** The first message of an answer: the head of its response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: MsgHdrs;
  readonly hasMore: boolean;
}

/** @throws TypeError if a header has a character that no message carries */
export function writeRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): MsgHdrs {
  const written = newHeaders();
  written.set(METHOD, method);
  written.set(TARGET, target);
  for (const [name, value] of Object.entries(headers)) setHeader(written, name, value);
  return written;
}

export function writeResponse(status: number, headers: readonly string[]): MsgHdrs {
  const written = newHeaders();
  written.set(STATUS, String(status));
  for (let i = 0; i < headers.length; i += 2) setHeader(written, headers[i]!, headers[i + 1]!);
  return written;
}

function setHeader(headers: MsgHdrs, name: string, value: string): void {
  // HTTP refuses the same values, so that a call behaves alike on both.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    throw new TypeError(`The header ${name} has a value that no message carries.`);
  headers.append(name, value);
}

/** Announces that the body goes on in frames. */
export function announceMore(headers: MsgHdrs): void {
  headers.set(MORE, '1');
}

/** An estimate of the bytes of headers in a message, never too small. */
export function sizeOfHeaders(headers: MsgHdrs): number {
  let size = 32;
  for (const [name, values] of headers)
    for (const value of values) size += name.length + 2 * value.length + 4;
  return size;
}

/** Reads the head of a request. @throws HttpError if it is malformed, or too large */
export function readRequest({ headers }: Msg): RequestHead {
  const known: Record<string, string> = Object.create(null) as Record<string, string>;
  let size = 0;
  let count = 0;
  for (const [name, values] of headers ?? []) {
    const [value = ''] = values;
    size += name.length + value.length;
    if (++count > HEADERS || size > HEADERS_LENGTH)
      throw new HttpError(431, `Invalid request: the headers have more than ${HEADERS_LENGTH} characters.`);
    known[name.toLowerCase()] = value;
  }
  const { [METHOD.toLowerCase()]: method = 'POST', [TARGET.toLowerCase()]: target = '' } = known;
  if (!target.startsWith('/'))
    throw new HttpError(400, `Invalid request: the header ${TARGET} names no operation.`);
  // Nothing on this way decompresses.
  if (known['content-encoding'])
    throw new HttpError(415, 'Invalid request: a body over NATS is not compressed.');
  const hasMore = known[MORE.toLowerCase()] === '1';
  for (const name of [METHOD, TARGET, MORE]) delete known[name.toLowerCase()];
  return { method, target, headers: known, hasMore };
}

/** Reads the head of a response. @returns `undefined` if the message is not one */
export function readResponse({ headers }: Msg): ResponseHead | undefined {
  const status = headers?.get(STATUS) ?? '';
  if (!headers || !/^\d{3}$/.test(status)) return undefined;
  return { status: Number(status), headers, hasMore: headers.get(MORE) === '1' };
}

/** The value of a header, by its name in upper or lower case; `null` if it is absent. */
export function headerOf(headers: MsgHdrs, name: string): string | null {
  const lower = name.toLowerCase();
  for (const [each, [value = '']] of headers) if (each.toLowerCase() === lower) return value;
  return null;
}

/** Whether a message is NATS's own, for one that nobody has received. */
export function isUnheard({ headers, data }: Msg): boolean {
  return data.byteLength === 0 && headers?.code === 503;
}
