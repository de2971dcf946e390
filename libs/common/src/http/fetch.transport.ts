import { concatBytes } from '../wire/bytes.js';
import type { HttpReply, HttpRequest } from './http.send.js';

/** Sends a request by `fetch`. */
export async function sendByFetch(request: HttpRequest): Promise<HttpReply> {
  const { method, url, headers, body, signal, maxBytes } = request;
  const response = await fetch(url, {
    method,
    headers,
    signal,
    body: typeof body === 'object' ? new Blob([...body] as Uint8Array<ArrayBuffer>[]) : body,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let chunk; size <= maxBytes && (chunk = (await reader?.read())?.value); size += chunk.byteLength)
    chunks.push(chunk);
  await reader?.cancel();
  const { status, headers: answered } = response;
  return { status, header: (name) => answered.get(name), body: concatBytes(chunks, size) };
}
