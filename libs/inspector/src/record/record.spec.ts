import { describe, expect, it } from '@jest/globals';
import { Durations } from './durations.js';
import { errorLabel } from './error.label.js';
import { MethodTable } from './method.table.js';
import { RecordedCall } from './recorded.call.js';
import { Ring } from './ring.js';
import { RunningCalls } from './running.calls.js';
import { CallSelection } from './selection.js';
import { shortText } from './short.text.js';

const subject = (name: string) =>
  ({ side: 'server', kind: 'rpc', transport: 'http', name, activityId: 'a' }) as const;

describe('Durations', () => {
  it('finds percentiles that are at most a sixteenth too large', () => {
    const durations = new Durations();
    for (let ms = 1; ms <= 1000; ms++) durations.add(ms);
    const [p50, p95, p99] = durations.quantiles([0.5, 0.95, 0.99]);
    for (const [found, exact] of [
      [p50, 500],
      [p95, 950],
      [p99, 990],
    ]) {
      expect(found!).toBeGreaterThanOrEqual(exact!);
      expect(found! / exact!).toBeLessThanOrEqual(1 + 1 / 16);
    }
    expect(durations.most).toBe(1000);
  });

  it('counts any duration, and none as zero', () => {
    const durations = new Durations();
    expect(durations.quantiles([0.5, 0.99])).toEqual([0, 0]);
    for (const ms of [-1, 0, 0.0001, 0.015, 0.016, 1e9, Infinity]) durations.add(ms);
    expect(durations.quantiles([0.1])[0]).toBeCloseTo(0.001);
    expect(durations.quantiles([1])[0]).toBeGreaterThan(1e6);
  });

  it('forgets what is older than two periods', () => {
    const durations = new Durations();
    durations.add(500);
    durations.turn();
    durations.add(1);
    expect(durations.quantiles([0.99])[0]).toBe(500);
    durations.turn();
    expect(durations.most).toBe(1);
    expect(durations.quantiles([0.99])[0]).toBe(1);
  });
});

describe('Ring', () => {
  it('keeps the latest entries, the latest first', () => {
    const ring = new Ring<number>(3);
    expect([...ring]).toEqual([]);
    for (const entry of [1, 2]) ring.add(entry);
    expect([...ring]).toEqual([2, 1]);
    for (const entry of [3, 4, 5]) ring.add(entry);
    expect([...ring]).toEqual([5, 4, 3]);
  });
});

describe('MethodTable', () => {
  it('counts further names together, and long names as well', () => {
    const table = new MethodTable();
    table.of(subject('x'.repeat(300))).calls++;
    for (let i = 0; i < 2000; i++) table.of(subject(`m${i}`)).calls++;
    expect(table.size).toBeLessThanOrEqual(500);
    const others = table.rows().find(({ name }) => name === '(others)')!;
    expect(others.calls).toBe(2000 - 499 + 1);
    expect(table.rows().length).toBeLessThanOrEqual(100);
    expect(table.of(subject('m7'))).toBe(table.of(subject('m7')));
  });
});

describe('RunningCalls', () => {
  it('keeps calls in the order of their beginning, whichever of them end', () => {
    const running = new RunningCalls();
    const method = new MethodTable().of(subject('m'));
    const calls = Array.from(
      { length: 5 },
      () => new RecordedCall({ epoch: 0, ended: () => undefined }, method, 1, subject('m')),
    );
    for (const call of calls) running.add(call);
    for (const i of [2, 0, 4]) running.delete(calls[i]!);
    expect([...running]).toEqual([calls[1], calls[3]]);
    expect(running.count).toBe(2);
    for (const i of [1, 3]) running.delete(calls[i]!);
    expect([...running]).toEqual([]);
    running.add(calls[0]!);
    expect([...running]).toEqual([calls[0]]);
  });

  it('counts calls that it does not list', () => {
    const running = new RunningCalls();
    const method = new MethodTable().of(subject('m'));
    const calls = Array.from(
      { length: 20_010 },
      () => new RecordedCall({ epoch: 0, ended: () => undefined }, method, 1, subject('m')),
    );
    for (const call of calls) running.add(call);
    expect([running.count, [...running].length]).toEqual([20_010, 20_000]);
    for (const call of calls) running.delete(call);
    expect([running.count, [...running].length]).toEqual([0, 0]);
  });
});

describe('CallSelection', () => {
  const ids = Array.from(
    { length: 20_000 },
    (_, i) => `activity-${i * 7919}-${i.toString(36).padStart(4, 'q')}`,
  );
  const weigh = (selection: CallSelection, all: readonly string[]) => all.map((id) => selection.weightOf(id));
  const sum = (weights: readonly number[]) => weights.reduce((total, weight) => total + weight, 0);

  it('follows every call of a quiet backend', () => {
    const selection = new CallSelection();
    for (let second = 0; second < 3; second++) {
      expect(new Set(weigh(selection, ids.slice(0, 900)))).toEqual(new Set([1]));
      selection.tick();
    }
  });

  it('follows at most some thousands of the calls of a busy backend, and estimates their number', () => {
    const selection = new CallSelection();
    expect(weigh(selection, ids).filter((weight) => weight > 0).length).toBeLessThan(6000);
    selection.tick();
    const weights = weigh(selection, ids);
    expect(weights.filter((weight) => weight > 0).length).toBeLessThan(2500);
    expect(sum(weights) / ids.length).toBeGreaterThan(0.7);
    expect(sum(weights) / ids.length).toBeLessThan(1.3);
    selection.tick();
    selection.tick();
    expect(selection.weight).toBe(1);
  });

  it('follows all calls of an activity or none of them', () => {
    const selection = new CallSelection();
    selection.weight = 16;
    const [first, second] = [weigh(selection, ids.slice(0, 500)), weigh(selection, ids.slice(0, 500))];
    expect(second).toEqual(first);
    expect(first).toContain(0);
  });

  it('follows an activity that an operator looks at, and forgets it after twenty others', () => {
    const selection = new CallSelection();
    selection.weight = 64;
    const left = ids.filter((id) => selection.weightOf(id) === 0).slice(0, 21);
    selection.pin(left[0]!);
    expect(selection.weightOf(left[0]!)).toBe(1);
    for (const id of left.slice(1)) selection.pin(id);
    expect(selection.weightOf(left[0]!)).toBe(0);
    expect(selection.weightOf(left[20]!)).toBe(1);
  });
});

describe('RecordedCall', () => {
  it('ends once, and shortens a long id', () => {
    let ends = 0;
    const method = new MethodTable().of(subject('m'));
    const long = { ...subject('m'), activityId: 'i'.repeat(10_000) };
    const call = new RecordedCall({ epoch: 0, ended: () => void ends++ }, method, 1, long);
    call.end({ kind: 'result' });
    call.end({ kind: 'error', error: new Error('late') });
    expect([ends, call.outcome, call.failed, call.activityId.length]).toEqual([1, 'result', false, 256]);
  });
});

it('an error is named without its message, whatever was thrown', () => {
  const proxy = new Proxy(
    {},
    {
      get() {
        throw new Error('no');
      },
    },
  );
  const named = Object.assign(new Error('secret'), { name: 'NotEnough', errorNumber: 65604 });
  expect([named, 'secret', null, undefined, proxy, { status: 404 }].map(errorLabel)).toEqual([
    'NotEnough 65604',
    'Error',
    'Error',
    'Error',
    'Error',
    'Error 404',
  ]);
});

it('a short text has at most so many characters', () => {
  expect([shortText('abc', 3), shortText('abcd', 3)]).toEqual(['abc', 'ab…']);
});
