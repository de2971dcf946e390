import { describe, expect, it } from '@jest/globals';
import { ByteBudget } from './byte.budget.js';

describe('ByteBudget', () => {
  it('has space for bytes that fit into the share and into the whole', () => {
    const budget = new ByteBudget(100);
    const ann = budget.share('ann', 'a1', 60);
    const bob = budget.share('bob', 'b1');
    expect(ann.take(61)).toBe(false);
    expect(ann.take(60)).toBe(true);
    expect(bob.take(41)).toBe(false);
    expect(bob.take(40)).toBe(true);
    expect([ann.free, bob.free, budget.amount]).toEqual([0, 0, 100]);
    ann.add(-10);
    expect([ann.free, bob.free]).toEqual([10, 10]);
  });

  it('counts added bytes beyond its limit', () => {
    const budget = new ByteBudget(10);
    const share = budget.share('ann', 'a1', 5);
    share.add(25);
    expect([share.amount, budget.amount, share.free]).toEqual([25, 25, -20]);
    share.clear();
    expect([share.amount, budget.amount, share.free]).toEqual([0, 0, 5]);
  });

  it('finds the owner with most bytes, and its largest share', () => {
    const budget = new ByteBudget<string>(10);
    budget.share('ann', 'a1').add(5);
    const several = ['b1', 'b2', 'b3'].map((holder) => budget.share('bob', holder));
    several.forEach((share, i) => share.add(i + 1));
    expect(budget.most().map(({ holder }) => holder)).toEqual(['b1', 'b2', 'b3']);
    expect(budget.largest()?.holder).toBe('b3');
    several[2]!.clear();
    expect(budget.largest()?.holder).toBe('a1');
    expect([budget.amountOf('ann'), budget.amountOf('bob'), budget.amountOf('eve')]).toEqual([5, 3, 0]);
  });

  it('adds up the shares of one owner, also after they were empty', () => {
    const budget = new ByteBudget<string>(10);
    const [first, second] = ['a1', 'a2'].map((holder) => budget.share('ann', holder)) as [any, any];
    first.add(1);
    first.clear();
    expect([budget.largest(), budget.most()]).toEqual([undefined, []]);
    second.add(1);
    first.add(2);
    expect(budget.most().map(({ holder }) => holder)).toEqual(['a2', 'a1']);
    expect(budget.amountOf('ann')).toBe(3);
  });
});
