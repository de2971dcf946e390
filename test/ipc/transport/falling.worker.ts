import { setImmediate as nextTurn } from 'node:timers/promises';

await nextTurn();
throw new Error('It cannot start.');
