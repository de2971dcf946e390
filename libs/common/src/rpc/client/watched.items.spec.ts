import { describe, expect, it, jest } from '@jest/globals';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { watchedItems } from './watched.items.js';

/** A stream whose connection breaks at once, and which waits before it continues. */
function breaking() {
  let stopWaiting!: (reason: Error) => void;
  const call = {
    resume: jest.fn(() => new Promise<StreamItems>((_resolve, reject) => (stopWaiting = reject))),
    received: jest.fn(),
    over: jest.fn(),
    left: jest.fn(() => stopWaiting(new Error('left'))),
    failed: jest.fn((thrown: unknown) => thrown),
  };
  const broken: StreamItems = {
    next: () => Promise.reject(new Error('broken')),
    return: async () => streamEnd,
  };
  return { call, items: watchedItems(broken, call) };
}

describe('the items of a result', () => {
  it('end a pending read if their reader leaves while they wait to be continued', async () => {
    const { call, items } = breaking();
    const pending = items.next();
    while (call.resume.mock.calls.length === 0) await Promise.resolve();
    await expect(items.return()).resolves.toEqual(streamEnd);
    await expect(pending).resolves.toEqual(streamEnd);
    expect(call.left).toHaveBeenCalledTimes(1);
    expect(call.failed).not.toHaveBeenCalled();
  });

  it('end their call once', async () => {
    const call = { ...breaking().call, left: jest.fn() };
    const items = watchedItems((async function* () {})(), call);
    await items.next();
    await items.next();
    await items.return();
    expect(call.over).toHaveBeenCalledTimes(1);
    expect(call.left).not.toHaveBeenCalled();
  });
});
