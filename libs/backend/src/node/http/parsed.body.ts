import type { IncomingMessage } from 'node:http';
import type { HttpResponse } from '@linnet/common';
import { HttpError } from '@linnet/common/internal';
import type { HttpCall } from '@linnet/common/internal';

/** A body that is gone from the stream is taken from who read it, or the request is refused: never awaited. */
export function takeParsedBody(
  exchange: HttpCall,
  { headers }: IncomingMessage,
  parsed: unknown,
): HttpResponse | undefined {
  if (parsed instanceof Uint8Array) return exchange.push(parsed);
  const { 'content-type': type = '' } = headers;
  const isText = /^text\/plain/i.test(type);
  if (typeof parsed === 'string' && (isText || isLossless(parsed, headers)))
    return exchange.push(Buffer.from(parsed));
  // Nest's own parser reads what clients send as `application/json`.
  const isJson = isText || /^application\/json/i.test(type);
  if (Array.isArray(parsed) && isJson) return takeParsedList(exchange, parsed);
  return exchange.refuse(new HttpError(500, 'The body was read by a middleware that did not keep it.'));
}

/** Whether text still has the same bytes as when it was read. Bytes beyond ASCII may have changed. */
function isLossless(text: string, headers: IncomingMessage['headers']): boolean {
  const { 'content-length': length, 'content-encoding': encoding } = headers;
  return encoding === undefined && Number(length) === text.length && !/[^\0-\x7f]/.test(text);
}

function takeParsedList(exchange: HttpCall, list: unknown[]): HttpResponse | undefined {
  try {
    return exchange.push(Buffer.from(JSON.stringify(list)));
  } catch {
    return exchange.refuse(new HttpError(400, 'Invalid request: the arguments are nested too deeply.'));
  }
}
