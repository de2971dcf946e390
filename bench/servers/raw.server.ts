// The floor: the same work by hand on `node:http`, and nothing else.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompress, constants } from 'node:zlib';
import { describe, payload, robots } from './bench.data.js';
import { reportToParent } from './parent.js';

type Operation = (body: Buffer, request: IncomingMessage) => unknown;

const operations: Record<string, Operation> = {
  add: (body) => {
    const [a, b] = JSON.parse(body.toString()) as [number, number];
    return a + b;
  },
  list: (body) => {
    JSON.parse(body.toString());
    return robots;
  },
  download: (body) => {
    JSON.parse(body.toString());
    return payload;
  },
  upload: (body, request) => {
    const [objects, bytes] = partsOf(body, request.headers['content-type']!);
    JSON.parse(objects!.toString());
    return describe(bytes!);
  },
};

// The same, in a process as large as a Nest application: what its heap costs a server that allocates much.
if (process.argv[2] === 'with-nest') await import('@nestjs/platform-express');

const server = createServer((request, response) => {
  const url = request.url!;
  const operation = operations[url.slice(url.lastIndexOf('-') + 1)]!;
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, operation(Buffer.concat(chunks), request)));
});

function answer(request: IncomingMessage, response: ServerResponse, result: unknown): void {
  if (result instanceof Uint8Array) {
    const length = String(result.byteLength);
    response.writeHead(200, ['Content-Type', 'application/octet-stream', 'Content-Length', length]);
    response.end(result);
    return;
  }
  const text = JSON.stringify(result);
  if (request.headers['accept-encoding']?.includes('br')) {
    compress(response, Buffer.from(text));
    return;
  }
  const length = String(Buffer.byteLength(text));
  response.writeHead(200, ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', length]);
  response.end(text);
}

function compress(response: ServerResponse, bytes: Buffer): void {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: 4, [BROTLI_PARAM_SIZE_HINT]: bytes.length };
  brotliCompress(bytes, { params }, (_error, body) => {
    const length = String(body.length);
    const headers = ['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', length];
    response.writeHead(200, [...headers, 'Content-Encoding', 'br']);
    response.end(body);
  });
}

/** The contents of the parts of a multipart body, in their order. */
function partsOf(body: Buffer, contentType: string): Buffer[] {
  const delimiter = `\r\n--${contentType.slice(contentType.indexOf('boundary=') + 9)}`;
  const parts: Buffer[] = [];
  let start = body.indexOf('\r\n\r\n') + 4;
  while (start > 3) {
    const end = body.indexOf(delimiter, start);
    parts.push(body.subarray(start, end));
    start = body.indexOf('\r\n\r\n', end) + 4;
  }
  return parts;
}

server.listen(0, '127.0.0.1', () => reportToParent((server.address() as AddressInfo).port));
