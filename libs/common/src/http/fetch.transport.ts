import type { HttpReply, HttpRequest } from './http.send.js';

/** Sends a request by `fetch`. */
export async function sendByFetch({ method, url, headers, body, signal }: HttpRequest): Promise<HttpReply> {
  const response = await fetch(url, {
    method,
    headers,
    signal,
    body: typeof body === 'object' ? new Blob([...body] as Uint8Array<ArrayBuffer>[]) : body,
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, header: (name) => response.headers.get(name), body: bytes };
}
