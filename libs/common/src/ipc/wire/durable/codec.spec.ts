import { describe, expect, it } from '@jest/globals';
import { generalError } from '../../../base/numbered.error.js';
import {
  prepareCancel,
  prepareInvoke,
  prepareItem,
  preparePush,
  prepareResponse,
  prepareSend,
  prepareStreamEnd,
  prepareTaken,
} from '../../message/outgoing.message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { RefusedMessage } from '../../message/refusal.js';
import { messageList, messageText, readFirst, readMessage } from './codec.js';

const activity = { activityId: 'id', timeoutMs: 0 };
const messages: [string, OutgoingMessage, unknown[]][] = [
  ['a message of the frontend', prepareSend('c', [1]), [0, 'c', [1]]],
  ['a message of the backend', preparePush('c', [1]), [1, 'c', [1]]],
  ['a call', prepareInvoke('c', 'm', 7, [1], activity), [2, 7, 'c', 'm', [1], 'id']],
  [
    'a call with a deadline',
    prepareInvoke('c', 'm', 7, [1], { ...activity, timeoutMs: 50 }),
    [2, 7, 'c', 'm', [1], 'id', 50],
  ],
  ['an answer', prepareResponse('c', 7, 'v'), [3, 7, 'c', 'v']],
  ['an answer without a value', prepareResponse('c', 7, undefined), [3, 7, 'c']],
  ['a cancellation', prepareCancel(7), [4, 7]],
  [
    'a call with streams',
    prepareInvoke('c', 'm', 7, [null], { ...activity, slots: [0, 1] }),
    [2, 7, 'c', 'm', [null], 'id', 0, [0, 1]],
  ],
  ['an item', prepareItem(7, 0, 'v', 'c.m'), [5, 7, 0, 'v']],
  ['the end of a stream', prepareStreamEnd(7, 0), [6, 7, 0]],
  [
    'the end of a stream with an error',
    prepareStreamEnd(7, 0, { message: 'x' }),
    [6, 7, 0, { message: 'x' }],
  ],
  ['items that were taken', prepareTaken(7, 0, 3), [7, 7, 0, 3]],
  ['a reader that has left', prepareTaken(7, 1, undefined), [7, 7, 1]],
];

describe('a sent message of the durable wire', () => {
  it.each(messages)('is the same list as a value and as text: %s', (_name, message, list) => {
    expect(messageList(message, message.data.value)).toEqual(list);
    expect(JSON.parse(messageText(message))).toEqual(list);
  });

  it('can be written without its arguments', () => {
    const message = prepareSend('c', [1]);
    expect(messageList(message, undefined)).toEqual([0, 'c']);
  });
});

describe('a received message of the durable wire', () => {
  const base = { refusal: undefined };

  it.each([
    ['from the frontend', [0, 'c', [1]], { ...base, type: 0, channel: 'c', data: [1] }],
    ['from the backend, without arguments', [1, 'c'], { ...base, type: 1, channel: 'c', data: [] }],
    [
      'a call',
      [2, 7, 'c', 'm', [1], 'id', 50],
      {
        ...base,
        type: 2,
        channel: 'c',
        data: [1],
        method: 'm',
        request: 7,
        activityId: 'id',
        timeoutMs: 50,
        isCancellable: true,
        slots: [],
      },
    ],
    ['an answer', [3, 7, 'c', 'v'], { ...base, type: 3, channel: 'c', data: ['v'], request: 7 }],
    [
      'an answer without a value',
      [3, 7, 'c'],
      { ...base, type: 3, channel: 'c', data: [undefined], request: 7 },
    ],
    ['a cancellation', [4, 7], { type: 4, request: 7 }],
    ['an item', [5, 7, 0, 'v'], { type: 5, request: 7, slot: 0, data: ['v'] }],
    ['several items', [5, 7, 0, 'v', null, 1], { type: 5, request: 7, slot: 0, data: ['v', null, 1] }],
    ['an absent item', [5, 7, 2], { type: 5, request: 7, slot: 2, data: [undefined] }],
    ['the end of a stream', [6, 7, 0], { type: 6, request: 7, slot: 0, data: [] }],
    ['items that were taken', [7, 7, 0, 3], { type: 7, request: 7, slot: 0, items: 3 }],
    ['a reader that has left', [7, 7, 1], { type: 7, request: 7, slot: 1, items: undefined }],
  ])('is read: %s', (_name, list, message) => {
    expect(readMessage(list)).toEqual({ kind: 'message', message });
  });

  it('is a control message from type 8 on', () => {
    expect(readMessage([8, 3])).toEqual({ kind: 'control', type: 8, values: [3] });
    expect(readMessage([99])).toEqual({ kind: 'control', type: 99, values: [] });
  });

  it('has the reason for which its values were refused', () => {
    const error = generalError('no');
    expect(readMessage(new RefusedMessage([3, 7, 'c'], error))).toMatchObject({
      message: { type: 3, request: 7, refusal: error },
    });
  });

  it.each([
    ['a text', 'x', 1007],
    ['an object', { 0: 0 }, 1007],
    ['a list that begins with a text', ['0', 'c'], 1007],
    ['a list without items', [], 1007],
    ['a message without a channel', [0], 1002],
    ['a call without a number', [2, 'c', 'm', []], 1002],
    ['a call without arguments', [2, 1, 'c', 'm'], 1002],
    ['a cancellation without a number', [4], 1002],
  ])('is refused if it is %s', (_name, value, code) => {
    expect(() => readMessage(value)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the number of a frame of the durable wire', () => {
  it('is its first item', () => {
    expect(readFirst([5, [0, 'c']])).toBe(5);
  });

  it.each([[[]], [['5']], [[-1]], [[0.5]]])('is refused if it is not a count: %j', (frame) => {
    expect(() => readFirst(frame)).toThrow(expect.objectContaining({ code: 1007 }));
  });
});
