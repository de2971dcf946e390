import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Slices } from '../../base/turn.slices.js';
import { IpcMessageType } from '../message/message.js';
import { MESSAGE_ITEMS } from '../../base/limits.js';
import { CallStreams } from './call.streams.js';

const message = (items: number) => ({
  type: IpcMessageType.Item,
  request: 1,
  slot: 1,
  data: Array.from({ length: items }, () => 0),
  refusal: undefined,
});

function receiving() {
  const link = { send: () => undefined };
  const rebuild = (members: unknown) => members;
  const streams = new CallStreams(
    { link, mostWaiting: Infinity, take: () => true, free: () => undefined, rebuild },
    1,
  );
  return { streams, items: streams.open(1) };
}

describe('a message with items of a stream', () => {
  it('has a limit of items', () => {
    const { streams, items } = receiving();
    streams.receive(message(MESSAGE_ITEMS));
    expect(items.bytes).toBeGreaterThan(64 * MESSAGE_ITEMS);
    expect(() => streams.receive(message(MESSAGE_ITEMS + 1))).toThrow(
      expect.objectContaining({ code: 1008 }),
    );
  });

  it('is the work of a turn of the event loop if it has many items', async () => {
    await nextTurn();
    const { streams } = receiving();
    let steps = 0;
    const work = new Slices(() => ++steps < 2);
    streams.receive(message(8_000));
    work.go();
    expect(steps).toBe(0);
    await nextTurn();
    await nextTurn();
    expect(steps).toBe(2);
  });
});
