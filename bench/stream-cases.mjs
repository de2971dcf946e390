// The cases of streams. Rows are as in `cases.mjs`, with ratios to a raw server of the same transport.
import { pushes } from './ipc-load.mjs';
import { cuts } from './stream-cuts.mjs';
import {
  httpDown,
  httpFirst,
  httpItems,
  httpUp,
  ipcDown,
  ipcFirst,
  ipcItems,
  ipcUp,
} from './stream-load.mjs';

const SMALL = 200_000;
const LARGE = 20_000;
/** The first item within 1.3 times of the floor, as a rate. */
const FIRST = 0.77;
/** The CPU time of bytes. */
const BYTES = 1.5;

export const streamCases = [
  {
    id: 'stream-ipc',
    title: `${SMALL.toLocaleString('en')} small items over IPC`,
    units: ['items', 'item'],
    run: (server, row) => (row.server === 'linnet-stream' ? ipcItems : pushes)(server, row, { count: SMALL }),
    rows: [{ server: 'ws-raw' }, { server: 'linnet-stream', goal: 1.5 }, { server: 'socket.io' }],
  },
  {
    id: 'stream-http',
    title: `${LARGE.toLocaleString('en')} items of 1 KiB over HTTP`,
    units: ['items', 'item'],
    run: (server, row) => httpItems(server, row, { count: LARGE }),
    rows: [{ server: 'raw-stream' }, { server: 'linnet-stream', goal: 0.8 }, ...others()],
  },
  bytes('stream-down-ipc', 'Bytes down over IPC, in pieces of 64 KiB', 'ws-raw', ipcDown),
  bytes('stream-up-ipc', 'Bytes up over IPC, in pieces of 64 KiB', 'ws-raw', ipcUp),
  bytes('stream-down-http', 'Bytes down over HTTP, in pieces of 64 KiB', 'raw-stream', httpDown),
  bytes('stream-up-http', 'Bytes up over HTTP, in pieces of 64 KiB', 'raw-stream', httpUp),
  {
    id: 'stream-first-ipc',
    title: 'The first item over IPC, one stream after the other',
    units: ['first items', 'stream'],
    paced: true,
    run: ipcFirst,
    rows: [{ server: 'ws-raw' }, { server: 'linnet-stream', goal: FIRST }, { server: 'socket.io' }],
  },
  {
    id: 'stream-first-http',
    title: 'The first item over HTTP, one stream after the other',
    units: ['first items', 'stream'],
    paced: true,
    run: httpFirst,
    rows: [{ server: 'raw-stream' }, { server: 'linnet-stream', goal: FIRST }, ...others()],
  },
  {
    id: 'stream-cuts',
    title:
      'Bytes down over IPC while every connection breaks after 50 to 200 ms, and small calls beside them',
    isAlone: true,
    // On one core, the threads that collect garbage would stop the process that they work for.
    isSpread: true,
    run: cuts,
    rows: [{ server: 'linnet-stream', goal: 2 }],
  },
];

function bytes(id, title, floor, work) {
  const run = (server, row, _milliseconds, effort) => work(server, row, effort);
  return {
    id,
    title,
    transfer: true,
    isStream: true,
    run,
    rows: [{ server: floor }, { server: 'linnet-stream', goal: BYTES }],
  };
}

/** Others stand beside it for orientation, each in its own style. */
function others() {
  return [{ server: 'trpc' }, { server: 'orpc' }, { server: 'connect' }];
}
