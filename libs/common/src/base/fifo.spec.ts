import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fifo } from './fifo.js';

describe('Fifo', () => {
  it('returns items in the order in which they were added', () => {
    const commands = fc.array(fc.oneof(fc.constantFrom('shift' as const, 'clear' as const), fc.nat()), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(commands, (all) => {
        const queue = new Fifo<number>();
        let model: number[] = [];
        for (const command of all) {
          if (command === 'shift') expect(queue.shift()).toBe(model.shift());
          else if (command === 'clear') {
            queue.clear();
            model = [];
          } else {
            queue.push(command);
            model.push(command);
          }
          expect([queue.size, queue.first, ...queue]).toEqual([model.length, model[0], ...model]);
        }
      }),
    );
  });
});
