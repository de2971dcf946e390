import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defaultIpcLimits } from '@linnet/common';
import { ITwinRequests } from './requests.js';

const bytes = (size: number) => new Uint8Array(size);

describe('requests of core-electron to its backend', () => {
  let complete: jest.Mock<(request: object) => void>;
  let refused: unknown[];
  let requests: ITwinRequests;
  beforeEach(() => {
    jest.useFakeTimers();
    complete = jest.fn();
    refused = [];
    const limits = { ...defaultIpcLimits, messageBytes: 1000, textLength: 100, parts: 3, waitingMessages: 2 };
    requests = new ITwinRequests(limits, complete, (request, message) =>
      refused.push([(request as { id?: unknown }).id, message]),
    );
  });
  afterEach(() => {
    requests.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  const request = (id: unknown, chunks?: unknown, objects: unknown = '[]') => ({
    id,
    parameters: { objects, data: [], ...(chunks !== undefined && { chunks }) },
  });

  it('are complete with the last of their byte strings, in any order', () => {
    requests.take(request('a'));
    requests.take(request('b', 2));
    requests.take(request('c', 1));
    requests.takeData({ id: 'b', index: 1, data: bytes(1) });
    requests.takeData({ id: 'c', index: 0, data: bytes(3) });
    requests.takeData({ id: 'b', index: 0, data: bytes(2) });
    expect(complete.mock.calls).toEqual([
      [request('a')],
      [{ id: 'c', parameters: { objects: '[]', data: [bytes(3)], chunks: 1 } }],
      [{ id: 'b', parameters: { objects: '[]', data: [bytes(2), bytes(1)], chunks: 2 } }],
    ]);
    expect(refused).toEqual([]);
  });

  const invalid: [string, unknown][] = [
    ['has no id', request(undefined)],
    ['has an empty id', request('')],
    ['has a number as its id', request(5)],
    ['has no arguments', { id: 'a' }],
    ['has arguments that are not text', request('a', undefined, 5)],
    ['announces a negative number', request('a', -1)],
    ['announces no number', request('a', '1')],
    ['announces more than parts', request('a', 4)],
    ['has more text than textLength', request('a', undefined, 'x'.repeat(101))],
    ['has more bytes than messageBytes', { ...request('a'), more: 'x'.repeat(1001) }],
  ];

  it.each(invalid)('are refused if one %s', (_what, message) => {
    requests.take(message);
    expect(complete).not.toHaveBeenCalled();
    expect(refused).toEqual([[(message as { id: unknown }).id, expect.any(String)]]);
    requests.take(request('b'));
    expect(complete).toHaveBeenCalledTimes(1);
  });

  it.each([undefined, null, 5, 'text', []])('are refused if one is %p', (message) => {
    requests.take(message);
    requests.takeData(message);
    expect(refused).toEqual([[undefined, expect.any(String)]]);
  });

  const strange: [string, object][] = [
    ['a place that was not announced', { index: 2, data: bytes(1) }],
    ['a place that is taken', { index: 0, data: bytes(1) }],
    ['a place that is not a number', { index: '1', data: bytes(1) }],
    ['something that is not bytes', { index: 1, data: [1] }],
    ['more bytes than messageBytes', { index: 1, data: bytes(850) }],
    ['a message of more than messageBytes', { index: 1, data: bytes(2000) }],
  ];

  it.each(strange)('are refused with %s, and their other byte strings are dropped', (_what, data) => {
    requests.take(request('a', 2));
    requests.takeData({ id: 'a', index: 0, data: bytes(200) });
    requests.takeData({ id: 'a', ...data });
    requests.takeData({ id: 'a', index: 1, data: bytes(1) });
    expect(refused).toEqual([['a', expect.any(String)]]);
    expect(complete).not.toHaveBeenCalled();
  });

  it('are refused if too many requests or bytes are incomplete', () => {
    for (const id of ['a', 'b', 'c']) requests.take(request(id, 1));
    expect(refused).toEqual([['c', 'Too many requests are incomplete.']]);
    requests.take(request('a', 1));
    expect(refused[1]).toEqual(['a', 'A request of this id is being received already.']);
    requests.takeData({ id: 'a', index: 0, data: bytes(1) });
    requests.take(request('d', 2));
    requests.takeData({ id: 'd', index: 0, data: bytes(800) });
    requests.takeData({ id: 'b', index: 0, data: bytes(200) });
    expect(refused[2]).toEqual(['b', 'A request of more than 1000 bytes.']);
    // A refused request makes space.
    requests.takeData({ id: 'd', index: 1, data: bytes(90) });
    expect(complete).toHaveBeenCalledTimes(2);
    requests.take(request('e', 1));
    requests.takeData({ id: 'e', index: 0, data: bytes(800) });
    expect(complete).toHaveBeenCalledTimes(3);
  });

  it('are refused if a byte string does not arrive in time', () => {
    requests.take(request('a', 2));
    jest.advanceTimersByTime(defaultIpcLimits.arrivalMs);
    expect(refused).toEqual([['a', 'Byte strings of the request did not arrive in time.']]);
  });
});
