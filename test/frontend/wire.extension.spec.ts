import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '@linnet/common';
import { prepareInvoke, prepareResponse, prepareSend } from '../../libs/common/src/ipc/ipc.codec.js';
import {
  durableBlocks,
  durableFrame,
  durableText,
  greetingFrame,
  helloFrame,
  parseDurableBlocks,
  parseDurableText,
} from '../../libs/common/src/ipc/ipc.durable.codec.js';

const text = readFileSync(new URL('../../docs/wire-extension.md', import.meta.url), 'utf8');
const examples = Object.fromEntries(
  [...text.matchAll(/^ {4}(\w+) +(\[.*|[\da-f ]+)$/gm)].map(([, name, example]) => [name!, example!]),
);
const channel = 'itwin.robot-v1.2';
const bytes = prepareSend('itwin.m', [Uint8Array.of(1, 2)]);

describe('the examples of docs/wire-extension.md', () => {
  it.each([
    ['send', () => durableFrame(0, [durableText(prepareSend(channel, ['hello', 1]))])],
    [
      'call',
      () => {
        const call = prepareInvoke(channel, 'drive', 7, ['r1'], { activityId: 'click 7', timeoutMs: 2000 });
        return durableFrame(1, [durableText(call)]);
      },
    ],
    ['answer', () => durableFrame(0, [durableText(prepareResponse(channel, 7, true, 'result'))])],
    [
      'cancel',
      () => {
        const data = { json: undefined, parts: [] };
        return durableFrame(2, [durableText({ type: 4, channel: '', request: 7, data })]);
      },
    ],
    ['begin', () => helloFrame(undefined, 0)],
    ['resume', () => helloFrame({ sessionId: 's1', secret: 'k1' }, 12)],
    [
      'welcome',
      () => greetingFrame({ welcome: { sessionId: 's1', secret: 'k2', graceMs: 30_000, received: 5 } }),
    ],
    ['lost', () => greetingFrame({ lost: 'The session is not there any more.' })],
    ['blocks', () => Buffer.from(durableBlocks(3, durableText(bytes), bytes.data.parts)).toString('hex')],
  ] as [string, () => string][])('%s', (name, make) => {
    expect(name === 'blocks' ? examples[name]!.replaceAll(' ', '') : examples[name]).toBe(make());
  });

  it('are read as they are said to be', () => {
    expect(parseDurableText(examples['call']!, defaultIpcLimits)).toMatchObject({
      first: 1,
      messages: [{ message: { type: 2, request: 7, method: 'drive', data: ['r1'], activityId: 'click 7' } }],
    });
    const frame = Buffer.from(examples['blocks']!.replaceAll(' ', ''), 'hex');
    expect(parseDurableBlocks(frame, defaultIpcLimits)).toMatchObject({
      first: 3,
      messages: [{ message: { type: 0, channel: 'itwin.m', data: [Uint8Array.of(1, 2)] } }],
    });
  });
});
