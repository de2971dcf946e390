import { ServerError } from '../../error/backend.error.js';
import { joinBytes } from '../../bytes/bytes.js';
import { readerItems } from '../../stream/reading.js';
import { isStreamType } from '../protocol/stream.frames.js';
import type { HttpReply, HttpRequest } from './send.js';

/** Sends a request by `fetch`. It follows no redirect, because credentials and arguments are meant for this address. */
export async function sendByFetch(request: HttpRequest): Promise<HttpReply> {
  const { method, url, headers, body, credentials, signal, maxBytes } = request;
  const response = await fetch(url, {
    method,
    headers,
    signal,
    credentials,
    redirect: 'manual',
    // Not every platform can create a `Blob` of bytes.
    body: Array.isArray(body) ? joinBytes(body as readonly Uint8Array[]) : body,
    // `duplex` is needed for a stream. Without the other two, Node keeps all that it has sent for a redirect.
    ...(isReadable(body) && { duplex: 'half', redirect: 'error', window: null }),
  } as RequestInit);
  const { status } = response;
  const header = (name: string) => response.headers.get(name);
  if (request.stream && response.body && isStreamType(header('content-type')))
    return { status, header, body: new Uint8Array(), stream: readerItems<Uint8Array>(response.body) };
  // Bodies that are not streams, as in React Native, are read at once.
  const isStream = (response as Partial<Response>).body !== undefined;
  const bytes = isStream ? await readStream(response.body, maxBytes) : await readWhole(response);
  // A page sees only the status 0 of a redirect.
  if (/^(0|30[12378])$/.test(`${status}`))
    throw new ServerError(-1, 'The server cannot be reached: it redirects calls elsewhere.');
  return { status, header, body: bytes };
}

function isReadable(body: HttpRequest['body']): boolean {
  return typeof body === 'object' && 'getReader' in body;
}

async function readStream(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const reader = body?.getReader();
  // A growing buffer: if a server sends its answer byte by byte, an object for each would take a hundred times as much.
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
  return bytes.slice(0, size);
}

async function readWhole(response: Partial<Response> & Pick<Response, 'headers'>): Promise<Uint8Array> {
  const type = response.headers.get('content-type') ?? '';
  // Text is read as text, because older platforms cannot return the bytes of an answer.
  if (response.text && (!response.arrayBuffer || /^text\/|json/.test(type)))
    return new TextEncoder().encode(await response.text());
  return new Uint8Array(await response.arrayBuffer!());
}
