// The floor of streams over HTTP: chunked JSON lines and pipes of `node:http`, and nothing else.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reportToParent } from './parent.js';
import { largeItems, pieces } from './stream.data.js';

async function sendLines(count: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for await (const item of largeItems(count)) {
    if (!response.write(`${JSON.stringify(item)}\n`)) await once(response, 'drain');
  }
  response.end();
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline(request, sink);
  response.end(String(bytes));
}

const server = createServer((request, response) => {
  const [operation, count] = request.url!.slice(1).split('/');
  if (operation === 'upload') void receive(request, response);
  else if (operation === 'large') void sendLines(Number(count), response);
  else Readable.from(pieces(Number(count)), { objectMode: false }).pipe(response);
});
server.listen(0, '127.0.0.1', () => reportToParent((server.address() as AddressInfo).port));
