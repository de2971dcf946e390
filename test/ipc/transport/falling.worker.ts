import { setTimeout as sleep } from 'node:timers/promises';

await sleep(1);
throw new Error('It cannot start.');
