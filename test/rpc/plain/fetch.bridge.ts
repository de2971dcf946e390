import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/** Puts a handler of the fetch standard behind `node:http`, as runtimes do that have it built in. */
export function fetchBridge(fetch: (request: Request) => Promise<Response>) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    void bridge(fetch, message, response);
  };
}

async function bridge(
  fetch: (request: Request) => Promise<Response>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = message;
  const gone = new AbortController();
  response.on('close', () => response.writableFinished || gone.abort());
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const request = new Request(`http://${headers.host}${url}`, {
    method,
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((each): [string, string] => [name, each]),
    ),
    body: hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>) : null,
    duplex: 'half',
    signal: gone.signal,
  });
  const answer = await fetch(request);
  const body = Buffer.from(await answer.arrayBuffer());
  const own = [...answer.headers].flat();
  const isCounted = answer.status === 204 || answer.headers.has('Content-Length');
  const length = isCounted ? [] : ['Content-Length', String(body.byteLength)];
  response.writeHead(answer.status, [...own, ...length]).end(method === 'HEAD' ? undefined : body);
}
