import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

/** Puts a handler of the fetch standard behind `node:http`, as runtimes do that have it built in. */
export function fetchBridge(fetch: (request: Request) => Promise<Response>) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    void bridge(fetch, message, response);
  };
}

/** As {@link fetchBridge}. Bodies of answers are passed on while they are made. */
export function streamingBridge(fetch: (request: Request) => Promise<Response>) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    void passOn(fetch, message, response);
  };
}

async function passOn(
  fetch: (request: Request) => Promise<Response>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await fetch(requestOf(message, response));
  response.writeHead(answer.status, [...answer.headers].flat());
  if (answer.body) await pipeline(Readable.fromWeb(answer.body), response).catch(() => undefined);
  else response.end();
}

async function bridge(
  fetch: (request: Request) => Promise<Response>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await fetch(requestOf(message, response));
  const body = Buffer.from(await answer.arrayBuffer());
  const own = [...answer.headers].flat();
  const isCounted = answer.status === 204 || answer.headers.has('Content-Length');
  const length = isCounted ? [] : ['Content-Length', String(body.byteLength)];
  response.writeHead(answer.status, [...own, ...length]).end(message.method === 'HEAD' ? undefined : body);
}

/** A request of `node:http` as one of the fetch standard. Its signal is aborted if the client leaves. */
function requestOf(message: IncomingMessage, response: ServerResponse): Request {
  const { method = '', url = '', headers } = message;
  const gone = new AbortController();
  response.on('close', () => response.writableFinished || gone.abort());
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(`http://${headers.host}${url}`, {
    method,
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((each): [string, string] => [name, each]),
    ),
    body: hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>) : null,
    duplex: 'half',
    signal: gone.signal,
  });
}
