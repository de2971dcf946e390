import { describe, expect, it } from '@jest/globals';
import { ActivityRecorder } from './activity.recorder.js';

describe('ActivityRecorder', () => {
  const call = (method: string) => ({ method, start: 1, end: 2 });
  const line = (text: string) => ({ time: 1, level: 'log', context: 'C', text });

  it('keeps the calls and lines of each activity, in order', () => {
    const recorder = new ActivityRecorder();
    for (const id of ['a', 'b', 'a']) recorder.addLine(id, line(`of ${id}`));
    recorder.addCall('b', call('drive'));
    expect(recorder.trace('a')).toEqual({ calls: [], lines: [line('of a'), line('of a')] });
    expect(recorder.trace('b')).toEqual({ calls: [call('drive')], lines: [line('of b')] });
    expect(recorder.trace('c')).toEqual({ calls: [], lines: [] });
  });

  it('drops the oldest entries, and cuts long lines', () => {
    const recorder = new ActivityRecorder();
    for (let i = 0; i < 2500; i++) recorder.addCall('a', call(`c${i}`));
    const { calls } = recorder.trace('a');
    expect(calls).toHaveLength(2000);
    expect([calls[0], calls.at(-1)]).toEqual([call('c500'), call('c2499')]);
    recorder.addLine('a', line('x'.repeat(10_000)));
    expect(recorder.trace('a').lines[0]!.text).toHaveLength(500);
  });
});
