// The requests of each case, the servers that get them, and the check of the answers.
import { brotliDecompressSync } from 'node:zlib';

const MIB = 1024 * 1024;
const BOUNDARY = '----formdata-linnet-0123456789ab';

/**
 * The rows of the tables. `goal` is in ratios to the raw server of the same run: of the rate at least, of CPU
 * time at the most.
 */
export const cases = [
  {
    id: 'a',
    title: '`add(a, b)`',
    body: '[20,22]',
    check: (body) => Number(body) === 42,
    rows: [
      { server: 'raw', operation: 'add' },
      { server: 'linnet-express', operation: 'add', goal: 0.7 },
      { server: 'linnet-express', operation: 'addGuarded', note: 'guard and interceptor', goal: 0.45 },
      {
        server: 'linnet-express',
        operation: 'addChecked',
        note: 'zod schemas in and out',
        goalTo: { operation: 'add', least: 0.75 },
      },
      { server: 'linnet-express-middleware', operation: 'add', goal: 0.4 },
      { server: 'stock-express', operation: 'add' },
      { server: 'fastify', operation: 'add' },
      { server: 'controller', operation: 'add' },
    ],
  },
  {
    id: 'b',
    title: '200 objects, about 25 KB',
    body: '[]',
    check: isList,
    rows: [...listRows(), { server: 'controller', operation: 'list' }],
  },
  {
    id: 'c-down',
    title: '32 MiB down',
    transfer: true,
    body: '[]',
    check: (body) => body.length === 32 * MIB && body.at(0) === 1 && body.at(-1) === 42,
    rows: transferRows('download'),
  },
  {
    id: 'c-up',
    title: '32 MiB up, as multipart behind a token',
    transfer: true,
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    get body() {
      return multipart();
    },
    check: (body) => String(body) === `{"length":${32 * MIB},"last":7}`,
    rows: transferRows('upload'),
  },
  {
    id: 'd',
    title: '25 KB with `Accept-Encoding: br, gzip`',
    body: '[]',
    headers: ['Accept-Encoding: br, gzip'],
    check: (body, head) => /\r\ncontent-encoding: br\r\n/i.test(head) && isList(brotliDecompressSync(body)),
    rows: listRows(),
  },
];

function listRows() {
  const operation = 'list';
  return [
    { server: 'raw', operation },
    { server: 'linnet-express', operation, goal: 0.9 },
    { server: 'linnet-express-middleware', operation },
    { server: 'stock-express', operation },
    { server: 'fastify', operation },
  ];
}

function transferRows(operation) {
  return [
    { server: 'raw', operation },
    { server: 'raw-with-nest', operation },
    { server: 'linnet-express', operation, goal: 1.5 },
    { server: 'stock-express', operation },
    { server: 'fastify', operation },
  ];
}

function isList(body) {
  const list = JSON.parse(String(body));
  return list.length === 200 && list[199].name === 'Robot 199' && list[1].position.x === 1.25;
}

/** `upload(token, bytes)` as the client writes it. */
function multipart() {
  const bytes = Buffer.alloc(32 * MIB, 1);
  bytes[bytes.length - 1] = 7;
  const token = { key: 'y:', iTwinId: 'x', iModelId: 'y', changeset: { id: '' } };
  const marker = { isBinary: true, index: 0, size: bytes.length, chunks: 1 };
  const disposition = 'Content-Disposition: form-data; name=';
  return Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\n${disposition}"objects"\r\n\r\n${JSON.stringify([token, marker])}\r\n` +
        `--${BOUNDARY}\r\n${disposition}"data-0"; filename="blob"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    ),
    bytes,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

/** The bytes of a request; all servers but the controller get the same. */
export function requestOf({ body, contentType = 'text/plain', headers = [] }, { server, operation }, port) {
  const isController = server === 'controller';
  const target = isController
    ? `/${operation}`
    : `/t/v1/mode/1/context/x/imodel/y/changeset/0/Bench-1.0.0-${operation}`;
  const head = [
    `POST ${target} HTTP/1.1`,
    `Host: localhost:${port}`,
    'X-Correlation-Id: 0f8fad5b-d9cb-469f-a165-70867728950e',
    'X-Protocol-Version: 2',
    'X-Application-Id: linnet-bench',
    'X-Application-Version: 1.0.0',
    'X-Session-Id: 7c9e6679-7425-40de-944b-e07fc1f90ae7',
    'Authorization: Bearer 0123456789abcdef0123456789abcdef',
    `Content-Type: ${isController ? 'application/json' : contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}
