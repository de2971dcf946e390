import { ServerError } from '../call/backend.error.js';
import type { HttpReply, HttpRequest } from './http.send.js';

/** Sends a request by `fetch`. Follows to no other address: what it bears is for the one that was named. */
export async function sendByFetch(request: HttpRequest): Promise<HttpReply> {
  const { method, url, headers, body, credentials, signal, maxBytes } = request;
  const response = await fetch(url, {
    method,
    headers,
    signal,
    credentials,
    redirect: 'manual',
    body: typeof body === 'object' ? new Blob([...body] as Uint8Array<ArrayBuffer>[]) : body,
  });
  const reader = response.body?.getReader();
  // One that grows: a server may send its answer byte by byte, and an object for each would cost a hundred times as much.
  let bytes = new Uint8Array();
  let size = 0;
  for (let chunk; size <= maxBytes && (chunk = (await reader?.read())?.value);) {
    const end = size + chunk.byteLength;
    if (end > bytes.byteLength) {
      const grown = new Uint8Array(2 * end);
      grown.set(bytes);
      bytes = grown;
    }
    bytes.set(chunk, size);
    size = end;
  }
  await reader?.cancel();
  const { status } = response;
  // A page is told no more of it than 0.
  if (/^(0|30[12378])$/.test(`${status}`))
    throw new ServerError(-1, 'The server cannot be reached: it redirects calls elsewhere.');
  return {
    status,
    header: (name) => response.headers.get(name),
    body: bytes.slice(0, size),
  };
}
