import { ByteCollector } from '../wire/bytes.js';
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
  const bytes = new ByteCollector();
  const reader = response.body?.getReader();
  for (let chunk; bytes.size <= maxBytes && (chunk = (await reader?.read())?.value);) bytes.push(chunk);
  await reader?.cancel();
  return { status: response.status, header: (name) => response.headers.get(name), body: bytes.take() };
}
