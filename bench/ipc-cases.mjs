// The IPC cases: what is asked of whom, and what is to be reached.
import { calls, idle, pushes } from './ipc-load.mjs';

const PUSHES = 200_000;

/**
 * Rows as in `cases.mjs`, with ratios to the raw `ws` server. `cpuGoal`: of CPU time at the most; 7 µs where the
 * floor needed 5.5. `paced`: with one call on its way nobody is busy all the time, and none ought to be.
 */
export const ipcCases = [
  {
    id: 'ipc-seq',
    title: '`add(a, b)`, one call outstanding',
    units: ['calls', 'call'],
    paced: true,
    run: (server, row, milliseconds) => calls(server, row, { outstanding: 1, milliseconds }),
    rows: rows('add', {}, true, {}),
  },
  {
    id: 'ipc-256',
    title: '`add(a, b)`, 256 calls outstanding',
    units: ['calls', 'call'],
    run: (server, row, milliseconds) => calls(server, row, { outstanding: 256, milliseconds }),
    rows: rows('add', { goal: 0.85, cpuGoal: 1.27 }, true, { goal: 1.2 }),
  },
  {
    id: 'ipc-push',
    title: `${PUSHES.toLocaleString('en')} pushes to one client`,
    units: ['pushes', 'push'],
    run: (server, row) => pushes(server, row, { count: PUSHES }),
    rows: rows('push', { goal: 1.2 }),
  },
  {
    id: 'ipc-echo',
    title: '1 MiB there and back, one call outstanding',
    units: ['calls', 'call'],
    paced: true,
    run: (server, row, milliseconds) => calls(server, row, { outstanding: 1, milliseconds }),
    rows: rows('echo', { goal: 1 }).toSpliced(1, 0, { server: 'ws-raw-with-nest', operation: 'echo' }),
  },
  {
    id: 'ipc-idle',
    title: 'memory of 1,000 idle sessions',
    sessions: 1000,
    run: (server, row) => idle(server, row, { sessions: 1000 }),
    rows: rows('add', {}),
  },
];

function rows(operation, goals, isGuardedToo = false, durable) {
  const guarded = { server: 'ipc-linnet', operation: 'addGuarded', note: 'guard and interceptor' };
  return [
    { server: 'ws-raw', operation },
    { server: 'ipc-linnet', operation, ...goals },
    ...(durable ? [{ server: 'ipc-linnet-durable', operation, ...durable }] : []),
    ...(isGuardedToo ? [guarded] : []),
    { server: 'ipc-reference', operation },
    { server: 'ws-nest-gateway', operation },
    { server: 'socket.io', operation },
  ];
}
