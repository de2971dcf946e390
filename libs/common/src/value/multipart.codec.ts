import { utf8 } from '../bytes/bytes.js';

/** A multipart body that breaks the rules of RFC 2046 or a limit. */
export class MultipartError extends Error {}

/** One part: its field name and its bytes. */
export interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const CR = 0x0d;

/**
 * The boundary of a multipart content type, quoted or not.
 *
 * @throws MultipartError if the content type has no boundary, or one that RFC 2046 forbids
 */
export function boundaryOf(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? '';
  if (!/^[\x20-\x7e]{1,70}$/.test(boundary)) throw new MultipartError('The content type has no boundary.');
  return boundary;
}

/** Writes a multipart body: `objects`, then `data-0`, `data-1`, …. Clients rely on this order. */
export function encodeMultipart(
  objects: string,
  data: readonly Uint8Array[],
  boundary: string,
): Uint8Array[] {
  return encodeParts(objects, data, boundary, `--${boundary}--\r\n`);
}

/** Writes a multipart body as {@link encodeMultipart}, around a last part whose bytes the caller sends. */
export function encodeAroundStream(
  objects: string,
  data: readonly Uint8Array[],
  boundary: string,
): { readonly head: Uint8Array[]; readonly tail: Uint8Array } {
  const part = `--${boundary}\r\nContent-Disposition: form-data; name="stream-0"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return {
    head: encodeParts(objects, data, boundary, part),
    tail: encoder.encode(`\r\n--${boundary}--\r\n`),
  };
}

function encodeParts(
  objects: string,
  data: readonly Uint8Array[],
  boundary: string,
  end: string,
): Uint8Array[] {
  const disposition = `--${boundary}\r\nContent-Disposition: form-data; name=`;
  let head = `${disposition}"objects"\r\n\r\n${objects}\r\n`;
  const chunks: Uint8Array[] = [];
  data.forEach((bytes, index) => {
    head += `${disposition}"data-${index}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    chunks.push(encoder.encode(head), bytes);
    head = '\r\n';
  });
  chunks.push(encoder.encode(head + end));
  return chunks;
}

/**
 * Reads a complete multipart body. Its parts are views of the body. Servers use `MultipartReader`, because their bodies
 * arrive in pieces and from untrusted peers.
 *
 * @throws MultipartError
 */
export function decodeMultipart(body: Uint8Array, boundary: string): Part[] {
  const delimiter = encoder.encode(`\r\n--${boundary}`);
  const parts: Part[] = [];
  // The first delimiter has no line break before it at the start of the body.
  let end = startsWith(body, delimiter.subarray(2), 0) ? -2 : find(body, delimiter, 0);
  for (;;) {
    const behind = end + delimiter.byteLength;
    if (body[behind] === HYPHEN && body[behind + 1] === HYPHEN) return parts;
    const start = find(body, HEADER_END, behind);
    // The last line break of the header may belong to a delimiter, because a part can lack a body.
    end = find(body, delimiter, start + 2);
    parts.push({
      name: fieldName(utf8.decode(body.subarray(behind, start))),
      bytes: body.subarray(start + HEADER_END.byteLength, Math.max(end, start + HEADER_END.byteLength)),
    });
  }
}

const HYPHEN = 0x2d;
const HEADER_END = encoder.encode('\r\n\r\n');

/** @throws MultipartError if the delimiter is missing */
function find(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1))
    if (startsWith(bytes, pattern, at)) return at;
  throw new MultipartError('The multipart body is truncated.');
}

function startsWith(bytes: Uint8Array, pattern: Uint8Array, at: number): boolean {
  return pattern.every((byte, i) => bytes[at + i] === byte);
}

/** @throws MultipartError if the part has no name */
export function fieldName(header: string): string {
  const match = /(?:^|\r\n)content-disposition:[^\r\n]*?;\s*name=(?:"([^"\r\n]*)"|([^;\s]+))/i.exec(header);
  if (!match) throw new MultipartError('A part has no name.');
  return match[1] ?? match[2] ?? '';
}
