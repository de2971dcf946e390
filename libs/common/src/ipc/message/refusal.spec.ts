import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import type { IpcLimits } from '../../base/limits.js';
import { generalError } from '../../base/numbered.error.js';
import { IpcProtocolError } from './message.js';
import {
  checkFrameLength,
  checkTextLength,
  exceedsLimits,
  parseFrame,
  refuseCall,
  RefusedMessage,
  refuseMessage,
} from './refusal.js';

const MiB = 1024 * 1024;
/** A text of 64 characters may hold 4 lists and objects. */
const limits: IpcLimits = { ...defaultIpcLimits, textLength: 64 };
const REASON = 'The message is larger than 64 characters of text may be.';

/** The code and the text of the protocol error that a function throws; `undefined` if it throws none. */
function violation(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (!(error instanceof IpcProtocolError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return undefined;
}

/** Parses a frame. @returns its items, and the texts that were parsed */
function parsed(text: string, own = limits): { list: unknown; texts: string[] } {
  const texts: string[] = [];
  const list = parseFrame(text, own, (json) => {
    texts.push(json);
    return JSON.parse(json);
  });
  return { list, texts };
}

const itemsOf = (text: string, own = limits) => parsed(text, own).list as unknown[];

/** JSON text of exactly so many characters. */
const textOf = (length: number) => JSON.stringify('x'.repeat(length - 2));

describe('the length of a text over IPC', () => {
  it('of a frame may be twice that of a message and 1024 characters', () => {
    expect(violation(() => checkFrameLength(2 * 64 + 1024, limits))).toBeUndefined();
    expect(violation(() => checkFrameLength(2 * 64 + 1025, limits))).toBe(
      '1009 A text frame of more than 64 characters.',
    );
  });

  it('of a message may be the limit', () => {
    expect(violation(() => checkTextLength(64, limits))).toBeUndefined();
    expect(violation(() => checkTextLength(65, limits))).toBe(
      '1009 A text frame of more than 64 characters.',
    );
  });

  it.each([
    ['textLength', { textLength: 10, messageBytes: 20 }],
    ['messageBytes', { textLength: 20, messageBytes: 10 }],
  ])('is limited by the smaller of two limits: %s', (_name, own) => {
    expect(violation(() => checkTextLength(11, { ...limits, ...own }))).toMatch(/^1009 .* 10 characters/);
  });
});

describe('exceedsLimits', () => {
  it('refuses a text above the limit, and not one that reaches it', () => {
    expect(exceedsLimits(textOf(64), limits)).toBe(false);
    expect(exceedsLimits(textOf(65), limits)).toBe(true);
  });

  it('counts no lists of a short text', () => {
    expect(exceedsLimits('[[],[],[],[],[],[]]', limits)).toBe(false);
  });

  it('counts the lists and objects of a long text, and no brackets in texts', () => {
    const most = 8 * MiB;
    const own = { ...defaultIpcLimits, textLength: most };
    const filler = textOf(5 * MiB).replaceAll('x', '[');
    const long = (lists: number) => `[${filler}${',{}'.repeat(lists - 1)}]`;
    expect(exceedsLimits(long(most / 16), own)).toBe(false);
    expect(exceedsLimits(long(most / 16 + 1), own)).toBe(true);
  });
});

describe('parseFrame', () => {
  it('parses a text up to the limit as a whole', () => {
    const text = `[0,[[[[[]]]]],${textOf(64 - 15)}]`;
    expect(text).toHaveLength(64);
    expect(parsed(text)).toEqual({ list: JSON.parse(text), texts: [text] });
  });

  it('parses a longer text item by item', () => {
    const items = ['7', '[1,"itwin.a",["first"]]', '[1,"itwin.b","second"]', '[1,"itwin.c","third"]'];
    const text = `[${items.join()}]`;
    expect(text.length).toBeGreaterThan(64);
    expect(parsed(text)).toEqual({ list: JSON.parse(text), texts: items });
  });

  it('parses a text above five million characters item by item, even if a message may be longer', () => {
    const own = { ...defaultIpcLimits, textLength: 6 * MiB };
    const text = (length: number) => `[0,${textOf(length - 4)}]`;
    expect(parsed(text(5 * MiB), own).texts).toHaveLength(1);
    expect(parsed(text(5 * MiB + 1), own).texts).toHaveLength(2);
  });

  it('finds the end of an item behind quotes, brackets, commas and escapes', () => {
    const items = [
      '0',
      '"]}[{,"',
      String.raw`"a\",[\\"`,
      '{"a":[1,{}],"b,":2}',
      '-1.5',
      `"${'x'.repeat(40)}"`,
    ];
    const text = `[${items.join()}]`;
    expect(text.length).toBeGreaterThan(64);
    expect(parsed(text)).toEqual({ list: JSON.parse(text), texts: items });
  });

  it.each([
    ['an object', `{"a":${textOf(70)}}`],
    ['a list that does not end', `[0,${textOf(70)}`],
    ['a list with text before it', ` [0,${textOf(70)}]`],
  ])('refuses a long text that is not a list: %s', (_name, text) => {
    expect(violation(() => parsed(text))).toBe('1007 A frame is no list.');
  });

  it('gives no items for a text that does not end', () => {
    expect(itemsOf(`["${'x'.repeat(70)}]`)).toEqual([]);
  });
});

describe('a message above the limit in a frame', () => {
  const call = (length: number) => {
    const head = '[2,15,"itwin.a","run",[';
    return `${head}${textOf(length - head.length - 2)}]]`;
  };

  it('is refused alone, and one that reaches the limit is parsed', () => {
    const own = { ...limits, textLength: 160 };
    const [first, reaches, exceeds, last] = itemsOf(`[0,${call(160)},${call(161)},[0,"itwin.b",[]]]`, own);
    expect([first, last]).toEqual([0, [0, 'itwin.b', []]]);
    expect(reaches).toEqual(JSON.parse(call(160)));
    expect(exceeds).toMatchObject({
      head: [2, 15, 'itwin.a', '', []],
      error: { message: 'The message is larger than 160 characters of text may be.' },
    });
    expect(exceeds).toBeInstanceOf(RefusedMessage);
  });

  it('is refused if it is an answer', () => {
    const [, refused] = itemsOf(`[0,[3,4,"itwin.a",${textOf(70)}]]`);
    expect(refused).toEqual(new RefusedMessage([3, 4, 'itwin.a'], generalError(REASON)));
  });

  it('keeps a channel with quotes and escapes', () => {
    const channel = 'a"b\\c,é';
    const [, refused] = itemsOf(`[0,[2,4,${JSON.stringify(channel)},"run",[${textOf(70)}]]]`);
    expect((refused as RefusedMessage).head[2]).toBe(channel);
  });

  it.each([
    ['a notification', `[0,"itwin.a",${textOf(70)}]`],
    ['an unknown type', `[5,1,"itwin.a",${textOf(70)}]`],
    ['a number that has too many digits', `[2,12345678901234567,"itwin.a",${textOf(70)}]`],
    ['a channel that is a number', `[2,1,1,${textOf(70)}]`],
    ['a channel without an end', `[2,1,"${'x'.repeat(9000)}",1]`],
    ['a text', textOf(70)],
  ])('ends the session if it is %s', (_name, json) => {
    expect(violation(() => parsed(`[0,${json}]`))).toBe('1009 A text frame of more than 64 characters.');
  });

  it('is one that brings too many lists and objects into the frame', () => {
    const quarter = '[2,1,"a","b",[]]';
    const own = itemsOf(`[0,${quarter},${quarter},${quarter},${quarter}]`);
    expect(own.map((item) => item instanceof RefusedMessage)).toEqual([false, false, false, true, true]);
    const objects = itemsOf(`[0,[0,"a",[{},${textOf(40)}]],[3,1,"a",7],[3,2,"a",7]]`);
    expect(objects.map((item) => item instanceof RefusedMessage)).toEqual([false, false, false, true]);
  });
});

describe('refuseMessage', () => {
  const error = generalError('no');

  it.each([
    ['a call', [2, 1, 'c', 'm', [9], 'id'], [2, 1, 'c', '', []]],
    ['an answer', [3, 1, 'c', 9], [3, 1, 'c']],
    ['a notification', [0, 'c', [9]], [0, 'c']],
  ])('keeps the head of %s', (_name, message, head) => {
    expect(refuseMessage(message, error)).toEqual(new RefusedMessage(head, error));
  });

  it('throws if the value is not a message', () => {
    expect(violation(() => refuseMessage({ 0: 2 }, error))).toBe('1007 no');
  });
});

describe('refuseCall', () => {
  const none = { refusal: expect.objectContaining({ message: REASON }) as unknown, channel: 'a"b' };
  const read = (json: string) => refuseCall(json, limits);
  const long = textOf(9000);

  it('reads a call without its arguments', () => {
    expect(
      read(String.raw`{"type":2,"channel":"a\"b","method":"run","data":[${long}],"request":17,"sequence":4}`),
    ).toEqual({
      sequence: 4,
      message: {
        ...none,
        type: 2,
        method: undefined,
        request: 17,
        data: [],
        activityId: undefined,
        timeoutMs: undefined,
        isCancellable: false,
        slots: [],
      },
    });
  });

  it('reads an answer without its value', () => {
    expect(read(String.raw`{"type":3,"channel":"a\"b","response":18,"data":${long},"sequence":5}`)).toEqual({
      sequence: 5,
      message: { ...none, type: 3, request: 18, data: [] },
    });
  });

  it.each([
    ['a notification', `{"type":0,"channel":"a","data":[${long}],"sequence":4}`],
    [
      'a call without a request number',
      `{"type":2,"channel":"a","method":"m","data":[${long}],"sequence":4}`,
    ],
    [
      'a call without a sequence number',
      `{"type":2,"channel":"a","method":"m","data":[${long}],"request":4}`,
    ],
    [
      'a call whose members have another order',
      `{"channel":"a","type":2,"method":"m","request":4,"sequence":4}`,
    ],
    ['text behind the object', `{"type":2,"channel":"a","method":"m","request":4,"sequence":4} `],
  ])('ends the session for %s', (_name, json) => {
    expect(violation(() => read(json))).toBe('1009 A text frame of more than 64 characters.');
  });
});
