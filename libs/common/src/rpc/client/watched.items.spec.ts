import { describe, expect, it, jest } from '@jest/globals';
import { ServerError } from '../../error/backend.error.js';
import { streamEnd } from '../../stream/stream.js';
import type { StreamItems } from '../../stream/stream.js';
import { watchedItems } from './watched.items.js';

/** The call of a stream. It would wait for ever before it continues. */
function waitingCall() {
  const end = new AbortController();
  return {
    signal: end.signal,
    isResumable: true,
    again: jest.fn(() => new Promise<unknown>(() => undefined)),
    received: jest.fn(),
    over: jest.fn(),
    abort: jest.fn((reason: unknown) => end.abort(reason)),
    failed: jest.fn((thrown: unknown) => thrown),
  };
}

const broken: StreamItems = {
  next: () => Promise.reject(new ServerError(-1, 'broken')),
  return: async () => streamEnd,
};

describe('the items of a result', () => {
  it('end a pending read if their reader leaves while they wait to be continued', async () => {
    const call = waitingCall();
    const items = watchedItems(broken, call);
    const pending = items.next();
    while (call.again.mock.calls.length === 0) await Promise.resolve();
    await expect(items.return()).resolves.toEqual(streamEnd);
    await expect(pending).resolves.toEqual(streamEnd);
    expect(call.over).toHaveBeenCalledTimes(1);
    expect(call.failed).not.toHaveBeenCalled();
  });

  it('end with the reason of the call if it is aborted while they wait to be continued', async () => {
    const call = waitingCall();
    const pending = watchedItems(broken, call).next();
    while (call.again.mock.calls.length === 0) await Promise.resolve();
    call.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    expect(call.over).not.toHaveBeenCalled();
  });

  it('end their call once', async () => {
    const call = waitingCall();
    const items = watchedItems((async function* () {})(), call);
    await items.next();
    await items.next();
    await items.return();
    expect(call.over).toHaveBeenCalledTimes(1);
    expect(call.abort).not.toHaveBeenCalled();
  });
});
