import { describe, expect, it } from '@jest/globals';
import { IpcMessageType } from '../message/message.js';
import type { IpcMessage } from '../message/message.js';
import { HeldMessages } from './held.messages.js';

const KIB = 1024;

/** A message of so many KiB, about. */
function message(kib: number): IpcMessage {
  return {
    type: IpcMessageType.Send,
    channel: 'itwin.up',
    data: ['x'.repeat(kib * KIB)],
    refusal: undefined,
  };
}

function start() {
  const seen = { delivered: 0, reading: 'reads' };
  let connection = connect();
  /** A connection that records whether it reads. */
  function connect() {
    seen.reading = 'reads';
    return { pause: () => void (seen.reading = 'waits'), resume: () => void (seen.reading = 'reads') };
  }
  const held = new HeldMessages(0, {
    allow: () => undefined,
    receive: () => undefined,
    deliver: () => void seen.delivered++,
    reading: () => connection,
  });
  return { held, seen, reconnect: () => (connection = connect()) };
}

describe('messages of a frontend that wait for the copy of its session', () => {
  it('stop the reading above 1 MiB, until all of them have passed', () => {
    const { held, seen } = start();
    for (let i = 0; i < 15; i++) held.arrived(message(64));
    expect(seen.reading).toBe('reads');
    for (let i = 0; i < 5; i++) held.arrived(message(64));
    expect(seen.reading).toBe('waits');
    held.pass({ received: 19, sent: 0 });
    expect(seen).toEqual({ delivered: 19, reading: 'waits' });
    held.pass(held.mark);
    expect(seen).toEqual({ delivered: 20, reading: 'reads' });
  });

  it('count anew for each write of the copy', () => {
    const { held, seen } = start();
    for (let i = 0; i < 100; i++) {
      held.arrived(message(512));
      held.pass(held.mark);
    }
    expect(seen).toEqual({ delivered: 100, reading: 'reads' });
  });

  it('stop the reading of the next connection as well, and of none once they are forgotten', () => {
    const { held, seen, reconnect } = start();
    held.arrived(message(2 * KIB));
    reconnect();
    held.arrived(message(1));
    expect(seen.reading).toBe('waits');
    expect(held.drop()).toHaveLength(2);
    expect(seen.reading).toBe('reads');
    held.arrived(message(1));
    expect(seen.reading).toBe('reads');
  });
});
