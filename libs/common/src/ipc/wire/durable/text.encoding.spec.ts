import { describe, expect, it } from '@jest/globals';
import { encodeBlocks } from '../../../bytes/byte.blocks.js';
import { defaultIpcLimits } from '../../../base/limits.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import { prepareResponse, prepareSend } from '../../message/outgoing.message.js';
import { RefusedMessage } from '../../message/refusal.js';
import { textEncoding } from './text.encoding.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const parse = (frame: IpcFrame, limits = defaultIpcLimits) => textEncoding.parse(frame, limits);

/** The code and the text of the error for a frame; `undefined` if it is accepted. */
function violation(frame: IpcFrame, limits = defaultIpcLimits): string | undefined {
  try {
    parse(frame, limits);
  } catch (error) {
    if (!(error instanceof IpcProtocolError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return undefined;
}

describe('a prepared message in the text encoding', () => {
  it('is text without its frame if it has no arrays', () => {
    const content = '[0,"c",["é"]]';
    expect(textEncoding.prepare(prepareSend('c', ['é']), () => 3)).toEqual({
      content,
      bytes: content.length,
    });
  });

  it('is a binary frame of its own if it has arrays, with a copy of them', () => {
    const array = Uint8Array.of(1, 2);
    const { content, bytes } = textEncoding.prepare(prepareSend('c', [array]), () => 3);
    array[0] = 9;
    expect(bytes).toBe((content as Uint8Array).byteLength);
    expect(parse(content)).toEqual({ list: [3, [0, 'c', [Uint8Array.of(1, 2)]]], bytes });
  });

  it('gets its number after its value was read', () => {
    const order: string[] = [];
    const value = {
      get a() {
        order.push('value');
        return Uint8Array.of(1);
      },
    };
    textEncoding.prepare(prepareResponse('c', 1, value), () => order.push('number'));
    expect(order.indexOf('number')).toBe(order.lastIndexOf('value') + 1);
    expect(order.at(-1)).toBe('number');
  });
});

describe('a frame in the text encoding', () => {
  it('joins messages behind the number of the first one', () => {
    expect(textEncoding.frame(4, ['[0,"a"]', '[0,"b"]'])).toBe('[4,[0,"a"],[0,"b"]]');
    expect(textEncoding.frame(4, [])).toBe('[4]');
    expect(textEncoding.list([8, 'x'])).toBe('[8,"x"]');
  });

  it('has the size of its text', () => {
    expect(parse('[4,[0,"a"]]')).toEqual({ list: [4, [0, 'a']], bytes: 11 });
  });

  it.each<[string, IpcFrame, string]>([
    ['a list', [0], '1002 A frame is neither text nor bytes.'],
    ['an object in JSON', '{}', '1007 A frame is no list.'],
    ['text that is not JSON', '[', '1007 A message is not valid JSON.'],
    ['bytes that are not blocks', bytesOf('[0,[0,"a"]]'), '1007 A binary frame is not made of blocks.'],
    ['no block', encodeBlocks([]), '1007 A binary frame is not made of blocks.'],
    [
      'a block that is not UTF-8',
      encodeBlocks([Uint8Array.of(0x5b, 0x30, 0x2c, 0x22, 0xff, 0x22, 0x5d)]),
      '1007 The text of a binary frame is not UTF-8.',
    ],
    [
      'a block with a byte order mark',
      encodeBlocks([bytesOf('\u{FEFF}[0,[0,"a"]]')]),
      '1007 A message is not valid JSON.',
    ],
    [
      'a binary frame of no message',
      encodeBlocks([bytesOf('[0]')]),
      '1007 A binary frame is not one message.',
    ],
    [
      'a binary frame of two messages',
      encodeBlocks([bytesOf('[0,[0,"a"],[0,"b"]]')]),
      '1007 A binary frame is not one message.',
    ],
    [
      'an array that is not in the frame',
      encodeBlocks([bytesOf('[0,[0,"a",[{"ipc":"binary","type":0,"index":1}]]]'), Uint8Array.of(1)]),
      '1007 A message refers to a binary frame that is not there.',
    ],
  ])('is refused if it is %s', (_name, frame, expected) => {
    expect(violation(frame)).toBe(expected);
  });

  it('can be one binary message without arrays', () => {
    expect(parse(encodeBlocks([bytesOf('[0,[0,"a"]]')])).list).toEqual([0, [0, 'a']]);
  });

  it('can have messageBytes if it is binary, and not more', () => {
    const frame = encodeBlocks([bytesOf('[0,[0,"a"]]')]);
    const limits = { ...defaultIpcLimits, messageBytes: frame.byteLength };
    expect(violation(frame, limits)).toBeUndefined();
    limits.messageBytes--;
    expect(violation(frame, limits)).toBe(`1009 A message of more than ${limits.messageBytes} bytes.`);
  });

  it('can have twice the limit and 1024 characters if it is text', () => {
    const limits = { ...defaultIpcLimits, textLength: 100 };
    const frame = (length: number) => `${'[0,[3,1,"a",7]'.padEnd(length - 1)}]`;
    expect(parse(frame(1224), limits).list[1]).toBeInstanceOf(RefusedMessage);
    expect(violation(frame(1225), limits)).toBe('1009 A text frame of more than 100 characters.');
  });

  it('may have as many arrays as the limit', () => {
    const blocks = (count: number) =>
      encodeBlocks([bytesOf('[0,[0,"a"]]'), ...Array.from({ length: count }, () => Uint8Array.of(1))]);
    const limits = { ...defaultIpcLimits, parts: 2 };
    expect(violation(blocks(2), limits)).toBeUndefined();
    expect(violation(blocks(3), limits)).toBe('1007 A binary frame is not made of blocks.');
  });

  it('may be one level deeper than a message', () => {
    const limits = { ...defaultIpcLimits, depth: 3 };
    expect(violation('[0,[0,"a",[[]]]]', limits)).toBeUndefined();
    expect(violation('[0,[0,"a",[[[]]]]]', limits)).toMatch(/^1007 .*deeper than 4/);
  });
});

describe('a member with a forbidden name in the text encoding', () => {
  it('refuses its message, and no other one of the frame', () => {
    const { list } = parse('[0,[0,"a",[1]],[2,5,"b","m",[{"__proto__":{}}],"id"],[0,"c",[2]]]');
    expect([list[0], list[1], list[3]]).toEqual([0, [0, 'a', [1]], [0, 'c', [2]]]);
    expect(list[2]).toBeInstanceOf(RefusedMessage);
    expect(list[2]).toMatchObject({
      head: [2, 5, 'b', '', []],
      error: { message: 'Invalid value: a member may not be named "__proto__".' },
    });
  });

  it('does not change the refusal of a message that is refused already', () => {
    const limits = { ...defaultIpcLimits, textLength: 64 };
    const { list } = parse(`[0,[2,5,"b","m",["__proto__${'x'.repeat(64)}"],"id"]]`, limits);
    expect(list[1]).toMatchObject({ error: { message: expect.stringMatching(/larger than 64 characters/) } });
  });
});
