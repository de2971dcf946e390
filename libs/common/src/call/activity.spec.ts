import { describe, expect, it } from '@jest/globals';
import { Activity } from './activity.js';

describe('a follower of an activity', () => {
  it('is called when the activity is aborted, before its signal', () => {
    const activity = new Activity();
    const order: unknown[] = [];
    activity.signal.addEventListener('abort', () => order.push('signal'));
    activity.follow({ aborted: (reason) => order.push(reason) });
    const removed = { aborted: () => order.push('removed') };
    activity.follow(removed);
    activity.unfollow(removed);
    expect(activity.isAborted).toBe(false);
    activity.abort('left');
    activity.abort('again');
    expect(order).toEqual(['left', 'signal']);
    expect(activity.isAborted).toBe(true);
  });

  it('is called at once if the activity is aborted already', () => {
    const activity = new Activity();
    activity.abort('left');
    const reasons: unknown[] = [];
    activity.follow({ aborted: (reason) => reasons.push(reason) });
    expect(reasons).toEqual(['left']);
  });

  it('is called when the owner of the activity ends', () => {
    const owner = new AbortController();
    const activity = new Activity({}, owner);
    const reasons: unknown[] = [];
    activity.follow({ aborted: (reason) => reasons.push(reason) });
    owner.abort('closed');
    expect(reasons).toEqual(['closed']);
  });

  it('is not called after the answer', () => {
    const owner = new AbortController();
    const activity = new Activity({}, owner);
    const reasons: unknown[] = [];
    activity.follow({ aborted: (reason) => reasons.push(reason) });
    activity.answered();
    owner.abort('closed');
    expect(reasons).toEqual([]);
    expect(activity.isAborted).toBe(false);
  });
});
