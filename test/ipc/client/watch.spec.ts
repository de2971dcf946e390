import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from '@jest/globals';
import { DurableKeepalive } from '../../../libs/common/src/ipc/wire/durable/keepalive.js';
import { until } from '../../harness/waiting.js';

it('DurableKeepalive keeps a peer whose answers a busy process has not read yet', async () => {
  const intervalMs = 200;
  const script = `
    const { parentPort } = require('node:worker_threads');
    parentPort.on('message', (message) => parentPort.postMessage(message));`;
  const echo = new Worker(script, { eval: true });
  await once(echo, 'online');
  let answers = 0;
  let gone = 0;
  // Sleeps: nothing of this process runs meanwhile, and the answer to the probe waits to be read.
  const isBusy = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * intervalMs);
  const watch = new DurableKeepalive(intervalMs, {
    progress: () => ({ acknowledged: 0, isWaiting: false }),
    probe: () => {
      // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker's takes none
      echo.postMessage('probe');
      // Before the clock is looked at again, and what is there to be read after it.
      setImmediate(isBusy);
    },
    giveUp: () => gone++,
  });
  echo.on('message', () => {
    answers++;
    watch.heard(false);
  });
  watch.start();
  await until(() => answers >= 3 || gone > 0);
  watch.stop();
  await echo.terminate();
  expect(gone).toBe(0);
});
