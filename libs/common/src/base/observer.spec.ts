import { afterEach, describe, expect, it } from '@jest/globals';
import { observe, observer } from './observer.js';
import type { CallWatch, ObservedCall, Observer } from './observer.js';

const removals: (() => void)[] = [];
afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

const subject: ObservedCall = {
  side: 'server',
  kind: 'rpc',
  transport: 'http',
  name: 'Tiles/count',
  activityId: 'a',
};

/** Writes everything that it sees to a list. */
class Witness implements Observer {
  constructor(
    private readonly name: string,
    private readonly seen: string[],
    private readonly trace?: CallWatch['trace'],
  ) {
    removals.push(observe(this));
  }

  call(): CallWatch {
    const { name, seen, trace } = this;
    return {
      trace,
      run(work) {
        seen.push(`${name} enters`);
        try {
          return work();
        } finally {
          seen.push(`${name} leaves`);
        }
      },
      step: ({ kind }) => seen.push(`${name} ${kind}`),
      end: ({ kind }) => seen.push(`${name} ${kind}`),
    };
  }

  session() {
    const { name, seen } = this;
    return {
      interrupted: () => void seen.push(`${name} interrupted`),
      resumed: () => void seen.push(`${name} resumed`),
      ended: (code: number) => void seen.push(`${name} ${code}`),
    };
  }

  refused(reason: string) {
    this.seen.push(`${this.name} ${reason}`);
  }

  logFields() {
    return { [this.name]: 'yes' };
  }
}

describe('observe', () => {
  it('leaves nothing behind when the last observer is removed', () => {
    const [first, second] = [{}, {}];
    const remove = observe(first);
    expect(observer).toBe(first);
    const removeSecond = observe(second);
    remove();
    expect(observer).toBe(second);
    remove();
    removeSecond();
    expect(observer).toBeUndefined();
  });

  it('refuses an observer that sees all calls already', () => {
    const one = {};
    removals.push(observe(one));
    expect(() => observe(one)).toThrow('sees all calls already');
  });

  it('shows calls, sessions and refusals to all observers', () => {
    const seen: string[] = [];
    void new Witness('a', seen);
    void new Witness('b', seen, ['t', '', '']);
    const watch = observer!.call!(subject)!;
    expect(watch.trace).toEqual(['t', '', '']);
    expect(watch.run(() => (seen.push('works'), 7))).toBe(7);
    watch.step({ kind: 'pending' });
    watch.end({ kind: 'result' });
    const session = observer!.session!({ side: 'server', id: 's' })!;
    session.interrupted();
    session.resumed();
    session.ended(1000);
    observer!.refused!('http 413');
    expect(seen).toEqual([
      'a enters',
      'b enters',
      'works',
      'b leaves',
      'a leaves',
      ...['pending', 'result', 'interrupted', 'resumed', '1000', 'http 413'].flatMap((each) => [
        `a ${each}`,
        `b ${each}`,
      ]),
    ]);
    expect(observer!.logFields!()).toEqual({ a: 'yes', b: 'yes' });
  });

  it('asks for nothing that none of the observers wants', () => {
    const seen: string[] = [];
    void new Witness('a', seen);
    removals.push(observe({ call: () => undefined, frame: (direction) => void seen.push(direction) }));
    expect(observer!.body).toBeUndefined();
    expect(observer!.line).toBeUndefined();
    observer!.frame!('in', 5);
    observer!.call!(subject)!.end({ kind: 'left' });
    expect(seen).toEqual(['in', 'a left']);
  });
});
