import { boundaryOf, decodeMultipart } from '../../value/multipart.codec.js';
import { decodeValue } from '../../value/value.codec.js';
import { DEPTH } from '../../base/limits.js';

/** Removes a byte order mark, as browsers do. */
const utf8 = new TextDecoder();

/**
 * Decodes text. The limit exists because parsing takes many times the memory of the text.
 *
 * @throws Error if there are more than `maxText` bytes
 */
export function decodeText(bytes: Uint8Array | undefined, maxText: number): string {
  if (bytes && !(bytes.length <= maxText))
    throw new Error(`more than ${maxText} bytes of text: maxResponseText`);
  return utf8.decode(bytes);
}

/**
 * Reads a result by its content type, as the client of iTwin.js does. Unknown types are text (docs/wire.md#25-response).
 *
 * @param maxText the accepted length of JSON text, in bytes
 * @throws Error if the content cannot be read
 */
export function decodeContent(body: Uint8Array, contentType: string | null, maxText: number): unknown {
  const type = (contentType ?? '').toLowerCase();
  if (type.startsWith('application/octet-stream')) return body;
  if (!type.startsWith('multipart/')) return decodeValue(decodeText(body, maxText), [], DEPTH);
  const parts = decodeMultipart(body, boundaryOf(contentType!));
  // Data parts are read by their order, not by name (docs/wire.md#25-response). Each gets its own memory: one part can
  // outlive the others, or be sent to a worker, which takes its whole buffer.
  const data = parts.filter(({ name }) => name !== 'objects').map(({ bytes }) => bytes.slice());
  const objects = parts.find(({ name }) => name === 'objects');
  return decodeValue(decodeText(objects?.bytes, maxText), data, DEPTH);
}
