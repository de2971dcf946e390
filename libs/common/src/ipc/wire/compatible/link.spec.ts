import { beforeEach, describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../../base/limits.js';

import { CompatibleLink } from './link.js';
import type { IpcTransport } from '../../message/transport.js';
import { IpcClosedError } from '../../channel/closure.js';
import type { IpcClosure } from '../../channel/closure.js';
import type { IpcFrame, IpcMessage } from '../../message/message.js';
import { preparePush, prepareResponse } from '../../message/outgoing.message.js';

class FakeTransport implements IpcTransport {
  bufferedBytes = 0;
  readonly written: IpcFrame[] = [];
  readonly closes: [number, string][] = [];
  readonly #waiting: (() => void)[] = [];
  defer(work: () => void): void {
    queueMicrotask(work);
  }
  write(frame: IpcFrame): void {
    this.written.push(frame);
  }
  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  drain(left = 0): void {
    this.bufferedBytes = left;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

const MiB = 1024 * 1024;
let transport: FakeTransport;
let received: IpcMessage[];
let ends: IpcClosure[];
/** Bytes that the link counts for all links together. */
let kept: number;
let link: CompatibleLink;
beforeEach(() => {
  transport = new FakeTransport();
  received = [];
  ends = [];
  kept = 0;
  const limits = { ...defaultIpcLimits, bufferedBytes: 16 * MiB };
  const events = {
    receive: (message: IpcMessage) => received.push(message),
    ended: (closure: IpcClosure) => ends.push(closure),
  };
  link = new CompatibleLink(transport, limits, events, { add: (by) => (kept += by) });
});

const push = (value: unknown = 1) => link.send(preparePush('c', [value]));
const sequences = () =>
  transport.written.map(
    (text) => (JSON.parse((JSON.parse(text as string) as [string])[0]) as { sequence: number }).sequence,
  );
const message = (sequence: number) =>
  JSON.stringify([JSON.stringify({ type: 0, channel: 'c', sequence }), 0]);

describe('the sequence numbers of CompatibleLink', () => {
  it('count notifications and answers together', async () => {
    await push();
    void link.send(prepareResponse('c', 1, 'x', 'result'));
    await push();
    expect(sequences()).toEqual([0, 1, 2]);
  });

  it('skip no number for a value that cannot be sent', async () => {
    expect(() => push(1n)).toThrow('BigInt');
    await push();
    expect(sequences()).toEqual([0]);
  });
});

describe('send() of CompatibleLink', () => {
  it('waits for a slow peer, for all senders and each time', async () => {
    for (let round = 0; round < 2; round++) {
      transport.bufferedBytes = 8 * MiB;
      let done = 0;
      const waiting = [push(), push(), push()].map((sent) => sent.then(() => done++));
      await Promise.resolve();
      expect(done).toBe(0);
      transport.drain();
      await Promise.all(waiting);
      await push();
    }
    expect(sequences()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('ends the link above bufferedBytes', async () => {
    transport.bufferedBytes = 16 * MiB + 1;
    await expect(push()).rejects.toBeInstanceOf(IpcClosedError);
    expect(transport.closes).toEqual([[1013, `More than ${16 * MiB} bytes wait.`]]);
    expect(ends).toHaveLength(1);
    expect(transport.written).toEqual([]);
  });

  it('rejects at once when the link ends, while the connection still exists', async () => {
    transport.bufferedBytes = 8 * MiB;
    const waiting = [push(), push()];
    link.close(1000, 'enough');
    for (const sent of waiting) await expect(sent).rejects.toThrow('The IPC session is over (1000: enough).');
    transport.drain();
    await expect(push()).rejects.toThrow('The IPC session is over');
    void link.send(prepareResponse('c', 1, 1));
    expect(transport.written).toHaveLength(2);
  });

  it('causes no unhandled rejection if nothing waits for it', async () => {
    transport.bufferedBytes = 8 * MiB;
    void push();
    link.ended({ code: 1006, reason: '', initiator: 'remote' });
    void push();
    await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('the bytes of CompatibleLink that wait for the peer', () => {
  it('are counted above the high-water mark, until the peer has taken them', async () => {
    transport.bufferedBytes = MiB;
    await push();
    expect(kept).toBe(0);
    transport.bufferedBytes = MiB + 1;
    const sent = push();
    expect(kept).toBe(MiB + 1);
    transport.drain();
    await sent;
    expect(kept).toBe(0);
  });

  it('are counted anew if some of them are left', async () => {
    for (const [left, counted] of [
      [2 * MiB, 2 * MiB],
      [MiB + 1, MiB + 1],
      [MiB, 0],
      [1, 0],
    ] as const) {
      transport.bufferedBytes = 8 * MiB;
      const sent = push();
      transport.drain(left);
      await sent;
      expect(kept).toBe(counted);
    }
  });

  it('are not counted for a link that is over', async () => {
    transport.bufferedBytes = 8 * MiB;
    const sent = push();
    link.close(1000, '');
    await expect(sent).rejects.toThrow('The IPC session is over');
    expect(kept).toBe(0);
    transport.drain(2 * MiB);
    await Promise.resolve();
    expect(kept).toBe(0);
  });

  it('have no backpressure up to half of the limit', async () => {
    transport.bufferedBytes = 8 * MiB;
    expect(link.backpressure()).toBeUndefined();
    transport.bufferedBytes = 8 * MiB + 1;
    const backpressure = link.backpressure();
    expect(backpressure).toBeInstanceOf(Promise);
    transport.drain();
    await backpressure;
    transport.bufferedBytes = 16 * MiB;
    link.close(1000, '');
    expect(link.backpressure()).toBeUndefined();
  });
});

describe('the end of CompatibleLink', () => {
  it('is reported once, whichever side ends it', () => {
    link.close(1000, 'a');
    link.close(1001, 'b');
    link.ended({ code: 1006, reason: 'c', initiator: 'remote' });
    expect(ends).toEqual([{ code: 1000, reason: 'a', initiator: 'local' }]);
    expect(transport.closes).toEqual([[1000, 'a']]);
    expect(link.closure).toEqual({ code: 1000, reason: 'a', initiator: 'local' });
  });

  it('does not close a connection that has ended', () => {
    link.ended({ code: 1006, reason: '', initiator: 'remote' });
    link.close(1000, '');
    expect(transport.closes).toEqual([]);
  });

  it('has the code of a violation, and no later message is received', () => {
    link.receive(message(0));
    link.receive('x');
    link.receive(message(1));
    link.receive(Uint8Array.of(1));
    expect(received).toHaveLength(1);
    expect(transport.closes).toEqual([[1007, 'A text frame is not valid JSON.']]);
  });

  it('comes after the messages that were received before it', () => {
    for (const sequence of [2, 1, 0]) link.receive(message(sequence));
    link.ended({ code: 1006, reason: '', initiator: 'remote' });
    expect(received).toHaveLength(3);
    expect(ends).toHaveLength(1);
  });

  it('has the code of a violation if a frame is neither text nor bytes', () => {
    link.receive([0]);
    expect(transport.closes).toEqual([[1002, 'A frame is neither text nor bytes.']]);
  });
});
