import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CellQueue } from './cell.queue.js';

it('CellQueue returns cells in the order of their costs', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20))), (steps) => {
      const queue = new CellQueue();
      const model: number[] = [];
      // A number is pushed, with itself as cost; null pops.
      for (const step of [...steps, ...steps.map(() => null)]) {
        if (step === null) {
          model.sort((a, b) => a - b);
          expect(queue.pop()).toBe(model.shift());
        } else {
          queue.push(step, step);
          model.push(step);
        }
      }
      expect(queue.pop()).toBeUndefined();
    }),
  );
});
