import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { BackplaneError } from '@linnet/common';
import type { Redis } from 'ioredis';
import { BatchQueue } from './batch.queue.js';

/** As in a minified bundle. */
class a extends Error {
  override name = 'a';
}

/** A connection whose commands fail with these errors, and then succeed. */
function queueOf(...failures: Error[]): { readonly queue: BatchQueue; readonly runs: () => number } {
  let runs = 0;
  const redis = Object.assign(new EventEmitter(), {
    status: 'ready',
    async callBuffer() {
      const failure = failures[runs++];
      if (failure) throw failure;
      return ['done'];
    },
  });
  const queue = new BatchQueue(redis as unknown as Redis, [], 5_000);
  queue.open();
  queue.release(0);
  return { queue, runs: () => runs };
}

describe('a function of the script', () => {
  it.each(['ERR Error running script', 'OOM command not allowed', 'WRONGTYPE Operation against a key'])(
    'rejects if Redis answers "%s", whatever the name of the error is',
    async (message) => {
      const { queue, runs } = queueOf(new a(message));
      await expect(queue.call('P')).rejects.toBeInstanceOf(BackplaneError);
      expect(runs()).toBe(1);
    },
  );

  it.each(['LOADING Redis is loading the dataset in memory', 'Connection is closed.', 'read ECONNRESET'])(
    'runs again after "%s"',
    async (message) => {
      const { queue, runs } = queueOf(new a(message));
      expect(await queue.call('P')).toBe('done');
      expect(runs()).toBe(2);
    },
  );
});
