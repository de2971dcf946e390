import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '@linnet/common';
import { structuredCloneEncoding } from '../../../libs/common/src/ipc/wire/durable/structured.encoding.js';
import { readFirst, readMessage } from '../../../libs/common/src/ipc/wire/durable/codec.js';
import {
  writeClientHello,
  writeServerHello,
  writeSessionNotFound,
} from '../../../libs/common/src/ipc/wire/durable/handshake.js';
import { textEncoding } from '../../../libs/common/src/ipc/wire/durable/text.encoding.js';
import type { FrameEncoding, ParsedFrame } from '../../../libs/common/src/ipc/wire/durable/text.encoding.js';
import {
  prepareCancel,
  prepareItem,
  prepareStreamEnd,
  prepareTaken,
  prepareInvoke,
  preparePush,
  prepareResponse,
  prepareSend,
} from '../../../libs/common/src/ipc/message/outgoing.message.js';
import type { OutgoingMessage } from '../../../libs/common/src/ipc/message/outgoing.message.js';

const text = readFileSync(new URL('../../../docs/wire-extension.md', import.meta.url), 'utf8');
const examples = Object.fromEntries(
  [...text.matchAll(/^ {4}(\w+) +(\[.*|[\da-f ]+)$/gm)].map(([, name, example]) => [name!, example!]),
);
/** A frame as it is understood. */
function readFrame({ list }: ParsedFrame) {
  return { first: readFirst(list), messages: list.slice(1).map(readMessage) };
}

const channel = 'itwin.robot-v1.2';
const bytes = prepareSend('itwin.m', [Uint8Array.of(1, 2)]);
const hello = { sessionId: 's1', secret: 'k2', graceMs: 30_000, received: 5, isNative: false };

const frameOf = (form: FrameEncoding, first: number, message: OutgoingMessage) =>
  form.frame(first, [form.prepare(message, () => first).content]);

const written: [name: string, write: (form: FrameEncoding) => unknown][] = [
  ['send', (form) => frameOf(form, 0, prepareSend(channel, ['hello', 1]))],
  [
    'call',
    (form) => {
      const context = { activityId: 'click 7', timeoutMs: 2000 };
      return frameOf(form, 1, prepareInvoke(channel, 'drive', 7, ['r1'], context));
    },
  ],
  ['answer', (form) => frameOf(form, 0, prepareResponse(channel, 7, true, 'result'))],
  ['cancel', (form) => frameOf(form, 2, prepareCancel(7))],
  [
    'stream',
    (form) => {
      const context = { activityId: 'click 7', timeoutMs: 0, slots: [0] };
      return frameOf(form, 3, prepareInvoke('itwin.log', 'tail', 8, ['map'], context));
    },
  ],
  [
    'traced',
    (form) => {
      const trace = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '', ''] as const;
      const context = { activityId: 'click 8', timeoutMs: 0, trace };
      return frameOf(form, 2, prepareInvoke(channel, 'stop', 9, [], context));
    },
  ],
  ['notice', (form) => frameOf(form, 3, preparePush(channel, ['moved', 1], ['', '', 'tenant=blue']))],
  [
    'items',
    (form) => {
      const items = ['started', 'loaded'].map((value) => prepareItem(8, 0, value, 'log.tail'));
      const values = items.map((item) => form.item(item)!.value);
      return form.frame(1, [form.items(items[0]!, values)]);
    },
  ],
  ['taken', (form) => frameOf(form, 4, prepareTaken(8, 0, 2))],
  ['end', (form) => frameOf(form, 2, prepareStreamEnd(8, 0))],
  ['begin', (form) => form.list(writeClientHello({ sessionId: '', secret: 'k0' }, 0, 1))],
  ['resume', (form) => form.list(writeClientHello({ sessionId: 's1', secret: 'k1' }, 12, 2))],
  ['accept', (form) => form.list(writeServerHello(hello))],
  ['native', (form) => form.list(writeServerHello({ ...hello, isNative: true }))],
  ['missing', (form) => form.list(writeSessionNotFound('The session is not there any more.'))],
];

describe('the examples of docs/wire-extension.md', () => {
  it.each(written)('are what the text encoding writes: %s', (name, write) => {
    expect(write(textEncoding)).toBe(examples[name]);
  });

  it.each(written)('are what the structured clone encoding writes: %s', (name, write) => {
    expect(write(structuredCloneEncoding)).toEqual(JSON.parse(examples[name]!));
  });

  it('are what both encodings write for bytes', () => {
    const { content } = textEncoding.prepare(bytes, () => 3);
    expect(Buffer.from(content as Uint8Array).toString('hex')).toBe(examples['blocks']!.replaceAll(' ', ''));
    expect(frameOf(structuredCloneEncoding, 3, bytes)).toEqual([3, [0, 'itwin.m', [Uint8Array.of(1, 2)]]]);
  });

  it.each([
    ['text', textEncoding, examples['call']!],
    ['structured clone', structuredCloneEncoding, JSON.parse(examples['call']!) as unknown[]],
  ])('are read as documented: %s', (_name, form, frame) => {
    expect(readFrame(form.parse(frame, defaultIpcLimits))).toMatchObject({
      first: 1,
      messages: [{ message: { type: 2, request: 7, method: 'drive', data: ['r1'], activityId: 'click 7' } }],
    });
  });

  it('are read from blocks with their arrays', () => {
    const frame = Buffer.from(examples['blocks']!.replaceAll(' ', ''), 'hex');
    expect(readFrame(textEncoding.parse(frame, defaultIpcLimits))).toMatchObject({
      first: 3,
      messages: [{ message: { type: 0, channel: 'itwin.m', data: [Uint8Array.of(1, 2)] } }],
    });
  });
});
