import { expect } from '@jest/globals';
import type { IpcDifference } from './differences.js';
import { settled } from '../../harness/waiting.js';
import { hexOf } from '../../ipc/wire/raw.frontend.codec.js';
import type { RawFrame, RawFrontend } from '../../ipc/wire/raw.frontend.js';

/** A recorded exchange. */
export interface IpcVector {
  id: string;
  title: string;
  frames: RecordedFrame[];
}
export type RecordedFrame = RawFrame & { from: 'frontend' | 'backend' };

type Members = Record<string, unknown>;

/** The message in a text frame. */
export const read = (text: string) => JSON.parse((JSON.parse(text) as [string, number])[0]) as Members;

/** A value with its views as what they are, kind and bytes: compared as views, some would be equal to any other. */
export function readable(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return { kind: value.constructor.name, hex: hexOf(value) };
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
}

/** The frames that the backend has to send. */
export function answersOf(frames: readonly RecordedFrame[], difference?: IpcDifference): RawFrame[] {
  if (difference)
    return difference.answers.map((each) => ({ text: JSON.stringify([JSON.stringify(each), 0]) }));
  return frames.filter(({ from }) => from === 'backend').map(({ from: _from, ...frame }) => frame);
}

/** Says what the frontend said, each when its time has come, and gives all that the backend said. */
export async function follow(
  frontend: RawFrontend,
  frames: readonly RecordedFrame[],
  difference?: IpcDifference,
): Promise<RawFrame[]> {
  const came: RawFrame[] = [];
  // Where answers are others, they are waited for at the end.
  for (const frame of frames) {
    if (frame.from === 'backend') came.push(...(difference ? [] : [await frontend.next()]));
    else if ('text' in frame) frontend.sendText(frame.text);
    else frontend.sendBinary(Buffer.from(frame.binary, 'hex'));
  }
  if (difference) came.push(...(await frontend.frames(difference.answers.length)));
  await expectNothingMore(frontend, frames, came);
  return came;
}

/** Sends one more call when everything on its way has arrived. A frame too many arrives before its answer. */
async function expectNothingMore(
  frontend: RawFrontend,
  frames: readonly RecordedFrame[],
  came: readonly RawFrame[],
): Promise<void> {
  const sent = frames.flatMap((frame) => (frame.from === 'frontend' && 'text' in frame ? [frame.text] : []));
  frontend.sequence = Math.max(...sent.map((text) => read(text)['sequence'] as number)) + 1;
  const request = 1000;
  await settled();
  frontend.message({
    type: 2,
    channel: 'itwin.conf-test',
    method: 'one',
    data: ['nothing more'],
    request,
  });
  const next = await frontend.next();
  expect('text' in next ? read(next.text) : next).toEqual({
    type: 3,
    channel: 'itwin.conf-test',
    response: request,
    data: { result: 'nothing more' },
    sequence: came.filter((frame) => 'text' in frame).length,
  });
}

/** A recorded answer as it is outside of development mode: as text, with the order of its members. */
export function withoutStack(frame: RawFrame): RawFrame {
  return withError(frame, (error) => delete error['stack']);
}

/** Where a trace leads is different; that there is one, where, and of what, is not. */
export function withShortStack(frame: RawFrame): RawFrame {
  return withError(frame, (error) => {
    const { stack } = error;
    if (typeof stack === 'string') error['stack'] = stack.replace(/(\n {4}at .*)+$/, ' at …');
  });
}

function withError(frame: RawFrame, change: (error: Members) => void): RawFrame {
  if (!('text' in frame)) return frame;
  const message = read(frame.text);
  const { error } = (message['data'] ?? {}) as { error?: unknown };
  if (typeof error !== 'object' || error === null) return frame;
  change(error as Members);
  return { text: JSON.stringify([JSON.stringify(message), 0]) };
}
