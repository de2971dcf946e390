// Writes the results of a run with `--write`: all of them to RESULTS.md, the ratios to the README.
import { readFileSync, writeFileSync } from 'node:fs';
import { cases } from './cases.mjs';
import { ipcCases } from './ipc-cases.mjs';
import { streamCases } from './stream-cases.mjs';
import { summary } from './tables.mjs';

const rpcNotes = [
  '“To raw” is the ratio to a bare `node:http` server doing the same work in the same round. All servers but ' +
    '`controller` get the same bytes of the iTwin.js wire; `controller` is an ordinary Nest controller on ' +
    'JSON, for orientation. (a), (b) and (d): 32 connections, each with one request on its way; ' +
    'goals are lower bounds of the rate, with schemas three quarters of the same server without. (c): one transfer at a time; goals are upper bounds of CPU time.',
  '`raw-with-nest` is the raw server in a process that has loaded Nest, and uses nothing of it: what its larger ' +
    'heap costs whoever allocates 64 MiB for each request, as (c-up) does.',
];
const ipcNotes = [
  '“To raw” is the ratio to `ws-raw` in the same round: a bare `ws` server with JSON text frames. `ipc-linnet` ' +
    'and `ipc-reference` speak the iTwin.js wire, `ws-nest-gateway` is an ordinary gateway on `WsAdapter` (which ' +
    'has no binary: its echo is base64), `socket.io` one on the default adapter, over WebSocket alone; ' +
    '`ws-raw-with-nest` is to `ws-raw` what `raw-with-nest` is to `raw`. One connection; goals ' +
    'are lower bounds of the rate and upper bounds of CPU time.',
  '(ipc-idle): each session has made one call; resident memory after a garbage collection, and the part of it ' +
    'that is in use (heap and buffers). Resident memory alone flatters a server that starts with much garbage: ' +
    'sessions fill what that leaves free.',
];

const streamNotes = [
  '“To raw” is the ratio to a raw server in the same round: `ws-raw` over IPC, and `raw-stream`, which writes ' +
    'chunked JSON lines and pipes bytes with `node:http`. Raw servers send the same bytes again and again, and copy ' +
    'none. `trpc` (a subscription as server-sent events), `orpc` (an event iterator), `connect` (a server stream ' +
    'in protobuf, over HTTP/1.1) and `socket.io` (events) are written as their documentation shows. Goals are lower ' +
    'bounds of the rate, and upper bounds of the CPU time of bytes. A transfer has 1 GiB, or 128 MiB with `--quick`.',
  '(stream-cuts): the 99th percentile of small calls of the session, one every 2 ms whether the earlier ones are ' +
    'answered or not, through the same proxy that breaks connections, without and with the stream. Server and ' +
    'load use both cores there. Growth is that of memory in use after a collection.',
];

/** The parts of the file: each with its cases, its notes and what the README says about its table. */
export const parts = [
  { name: 'RPC', cases, notes: rpcNotes, intro: [] },
  {
    name: 'IPC',
    cases: ipcCases,
    notes: ipcNotes,
    intro: [
      'IPC, relative to a bare `ws` server with JSON text frames: calls per second with 1 (ipc-seq) and 256 ' +
        '(ipc-256) outstanding calls, pushes per second (ipc-push), round trips of 1 MiB per second (ipc-echo), and ' +
        'memory in use per idle session (ipc-idle).',
    ],
  },
  {
    name: 'Streams',
    cases: streamCases,
    notes: streamNotes,
    intro: [
      'Streams, relative to a bare `ws` server (…-ipc) or `node:http` server (…-http): items per second (stream-ipc, ' +
        'stream-http), the CPU time of bytes, and the rate of first items (stream-first), which is one divided by the median time to the first item.',
    ],
  },
];

/** Writes a part that was measured whole, in place of its last run. @param measured the cases with their results */
export function write(description, { name, notes, intro }, measured) {
  writeSection(name, [description, ...notes, ...measured.map(({ text }) => text)]);
  const table = [...intro, summary(measured.filter(({ one }) => !one.isAlone))].join('\n\n');
  replace(
    '../README.md',
    new RegExp(`(?<=<!-- bench ${name} -->\\n)[^]*(?=<!-- /bench ${name} -->)`),
    `${table}\n`,
  );
}

/** Writes a section of RESULTS.md in place of its last run. */
export function writeSection(name, paragraphs) {
  const place = new RegExp(`(?<=## ${name}\\n\\n)[^]*?(?=\\n## |$)`);
  replace('RESULTS.md', place, `${paragraphs.join('\n\n')}\n`);
}

function replace(file, place, text) {
  const url = new URL(file, import.meta.url);
  writeFileSync(
    url,
    readFileSync(url, 'utf8').replace(place, () => text),
  );
}
