import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defaultIpcLimits } from '../../../base/limits.js';
import type { IpcClosure } from '../../channel/closure.js';
import type { IpcTransport } from '../../message/transport.js';
import type { IpcFrame, IpcMessage } from '../../message/message.js';
import { preparePush, prepareResponse } from '../../message/outgoing.message.js';
import { DurableLink } from './link.js';
import { textEncoding } from './text.encoding.js';

class FakeTransport implements IpcTransport {
  readonly bufferedBytes = 0;
  readonly written: unknown[] = [];
  readonly closes: [number, string][] = [];
  readonly deferred: (() => void)[] = [];
  defer(work: () => void): void {
    this.deferred.push(work);
  }
  /** Ends a turn. @returns the frames that were written since the last call */
  turn(): unknown[] {
    for (const work of this.deferred.splice(0)) work();
    return this.written.splice(0);
  }
  write(frame: IpcFrame): void {
    this.written.push(JSON.parse(frame as string));
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

const MiB = 1024 * 1024;
let transport: FakeTransport;
let received: IpcMessage[];
let ends: IpcClosure[];
let interruptions: IpcClosure[];
let kept: number;
let link: DurableLink;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  transport = new FakeTransport();
  received = [];
  ends = [];
  interruptions = [];
  kept = 0;
  link = open();
  link.attach(transport, 0);
});
afterEach(() => {
  jest.useRealTimers();
});

function open(heartbeatMs = 0): DurableLink {
  const events = {
    receive: (message: IpcMessage) => received.push(message),
    ended: (closure: IpcClosure) => ends.push(closure),
    interrupted: (closure: IpcClosure) => interruptions.push(closure),
  };
  const limits = { ...defaultIpcLimits, bufferedBytes: 16 * MiB };
  return new DurableLink(textEncoding, limits, heartbeatMs, events, { add: (by) => (kept += by) });
}

/** Receives a frame, and waits until it was processed: the turn may be used up already. */
async function receiveText(frame: string): Promise<void> {
  link.receive(frame);
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}
const receive = (...frame: unknown[]) => receiveText(JSON.stringify(frame));
const notes = (count: number) => Array.from({ length: count }, (_, i) => [0, 'c', [i]]);

describe('the acknowledgements of DurableLink', () => {
  it('follow a second after a message', async () => {
    await receive(0, [0, 'c'], [0, 'c']);
    expect(transport.turn()).toEqual([]);
    jest.advanceTimersByTime(999);
    expect(transport.turn()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(transport.turn()).toEqual([[0, [8, 2]]]);
    jest.advanceTimersByTime(5000);
    expect(transport.turn()).toEqual([]);
  });

  it('follow at once after 64 messages', async () => {
    await receive(0, ...notes(63));
    expect(transport.turn()).toEqual([]);
    await receive(63, [0, 'c']);
    expect(transport.turn()).toEqual([[0, [8, 64]]]);
    await receive(64, ...notes(63));
    expect(transport.turn()).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect(transport.turn()).toEqual([[0, [8, 127]]]);
  });

  it('follow at once after 256 KiB', async () => {
    const frame = (first: number, length: number) => {
      const head = `[${first},[0,"c",["`;
      return `${head}${'x'.repeat(length - head.length - 4)}"]]]`;
    };
    await receiveText(frame(0, 256 * 1024 - 1));
    expect(transport.turn()).toEqual([]);
    await receiveText(frame(1, 20));
    expect(transport.turn()).toEqual([[0, [8, 2]]]);
    await receiveText(frame(2, 20));
    expect(transport.turn()).toEqual([]);
  });

  it('answer a probe at once, also if nothing has arrived', async () => {
    await receive(0, [12]);
    expect(transport.turn()).toEqual([[0, [8, 0]]]);
    await receive(0, [0, 'c']);
    expect(transport.turn()).toEqual([]);
  });

  it('answer all probes of a frame together', async () => {
    await receive(0, [12], [0, 'c'], [12]);
    expect(transport.turn()).toEqual([[0, [8, 1]]]);
  });

  it('do not follow for messages that the handshake has acknowledged', async () => {
    await receive(0, [0, 'c']);
    link.attach(transport, 0);
    jest.advanceTimersByTime(5000);
    expect(transport.turn()).toEqual([]);
    expect(link.received).toBe(1);
  });

  it('release the messages that the peer has', async () => {
    void link.send(preparePush('c', [1]));
    void link.send(preparePush('c', [2]));
    expect(kept).toBe(2 * '[1,"c",[1]]'.length);
    await receive(0, [8, 1]);
    expect(kept).toBe('[1,"c",[1]]'.length);
    expect([0, 1, 2, 3].map((count) => link.canResume(count))).toEqual([false, true, true, false]);
  });

  it.each([[3], [-1], ['1'], [undefined]])(
    'of messages that were not sent end the session: %s',
    async (count) => {
      void link.send(preparePush('c', [1]));
      await receive(0, [8, count]);
      expect(transport.closes).toEqual([[1002, 'An acknowledgement of messages that were not sent.']]);
      expect(ends).toEqual([
        { code: 1002, reason: 'An acknowledgement of messages that were not sent.', initiator: 'local' },
      ]);
    },
  );
});

describe('a frame out of order on the durable wire', () => {
  it('interrupts the connection, and its messages are not delivered', async () => {
    await receive(1, [0, 'c']);
    const reason = 'Message 1 came where 0 was expected.';
    expect(received).toEqual([]);
    expect(transport.closes).toEqual([[4000, reason]]);
    expect(interruptions).toEqual([{ code: 4000, reason, initiator: 'local' }]);
    expect(ends).toEqual([]);
  });
});

describe('messages of DurableLink that wait for the peer', () => {
  const large = 'x'.repeat(2 * MiB);

  it('go out together, by one piece of deferred work in each turn', () => {
    for (let turn = 0; turn < 2; turn++) {
      void link.send(preparePush('c', [1]));
      void link.send(preparePush('c', [2]));
      expect(transport.deferred).toHaveLength(1);
      expect(transport.turn()).toEqual([[2 * turn, [1, 'c', [1]], [1, 'c', [2]]]]);
    }
  });

  it('let the sender wait until half of the high-water mark is left', async () => {
    await link.send(preparePush('c', ['x'.repeat(MiB - 100)]));
    let done = 0;
    const sent = [link.send(preparePush('c', ['x'.repeat(200)])), link.send(preparePush('c', [1]))].map(
      (each) => each.then(() => done++),
    );
    await Promise.resolve();
    expect(done).toBe(0);
    await receive(0, [8, 1]);
    await Promise.all(sent);
    expect(done).toBe(2);
  });

  it('have no backpressure up to half of the limit', async () => {
    for (let i = 0; i < 3; i++) void link.send(preparePush('c', [large]));
    expect(link.backpressure()).toBeUndefined();
    void link.send(preparePush('c', [large]));
    const backpressure = link.backpressure();
    expect(backpressure).toBeInstanceOf(Promise);
    await receive(0, [8, 4]);
    await backpressure;
    expect(link.backpressure()).toBeUndefined();
  });

  it('have no backpressure in a session that is over', () => {
    for (let i = 0; i < 4; i++) void link.send(preparePush('c', [large]));
    link.close(1000, '');
    expect(link.backpressure()).toBeUndefined();
  });

  it('end the session above the limit', async () => {
    // The largest one does not count.
    for (let i = 0; i < 9; i++) void link.send(preparePush('c', [large]));
    expect(ends).toEqual([]);
    await expect(link.send(preparePush('c', [1]))).rejects.toThrow(
      `The IPC session is over (1013: More than ${16 * MiB} bytes wait.)`,
    );
    expect(kept).toBe(0);
  });

  it('are sent again over the next connection, without those that the peer has', () => {
    void link.send(preparePush('c', ['a']));
    void link.send(preparePush('c', ['b']));
    expect(transport.turn()).toEqual([[0, [1, 'c', ['a']], [1, 'c', ['b']]]]);
    link.detach();
    void link.send(prepareResponse('c', 1, 'late'));
    const next = new FakeTransport();
    link.attach(next, 1);
    expect(next.turn()).toEqual([[1, [1, 'c', ['b']], [3, 1, 'c', 'late']]]);
  });

  it('reject their senders when the session ends', async () => {
    const sent = link.send(preparePush('c', [large]));
    link.close(1000, 'enough');
    await expect(sent).rejects.toThrow('The IPC session is over (1000: enough).');
    await expect(link.send(preparePush('c', [1]))).rejects.toThrow('(1000: enough)');
  });
});

describe('the end of DurableLink', () => {
  it('sends the messages of this turn before it closes', () => {
    void link.send(preparePush('c', [1]));
    link.close(1000, 'enough');
    link.close(1001, 'again');
    expect(transport.written).toEqual([[0, [1, 'c', [1]]]]);
    expect(transport.closes).toEqual([[1000, 'enough']]);
    expect(ends).toEqual([{ code: 1000, reason: 'enough', initiator: 'local' }]);
    expect(link.closure).toEqual(ends[0]);
  });

  it('writes no frame if no message waits', () => {
    link.close(1000, '');
    expect(transport.written).toEqual([]);
  });

  it('accepts no further message, and leaves no timer', async () => {
    await receive(0, [0, 'c']);
    link.close(1000, '');
    await receive(1, [0, 'c']);
    expect(received).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('the heartbeat of DurableLink', () => {
  it('probes a silent peer, and interrupts the connection that stays silent', async () => {
    link = open(1000);
    link.attach(transport, 0);
    const check = () => {
      jest.advanceTimersByTime(1001);
      return transport.turn();
    };
    expect(check()).toEqual([]);
    expect(check()).toEqual([[0, [12]]]);
    await receive(0, [8, 0]);
    expect(check()).toEqual([]);
    expect(check()).toEqual([[0, [12]]]);
    expect(check()).toEqual([]);
    expect(transport.closes).toEqual([[4000, 'The peer gave no sign of life.']]);
    expect(interruptions).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('probes a peer only once after a message over the new connection', async () => {
    link = open(1000);
    const check = () => {
      jest.advanceTimersByTime(1001);
      return transport.turn().length;
    };
    link.attach(transport, 0);
    expect([check(), check(), check()]).toEqual([0, 1, 0]);
    expect(interruptions).toHaveLength(1);
    link.attach(transport, 0);
    await receive(0, [0, 'c']);
    jest.advanceTimersByTime(1000);
    expect(transport.turn()).toEqual([[0, [8, 1]]]);
    jest.advanceTimersByTime(1);
    expect([check(), check()]).toEqual([1, 0]);
    expect(interruptions).toHaveLength(2);
  });

  it('does not probe a peer that acknowledges what waits for it', async () => {
    link = open(1000);
    link.attach(transport, 0);
    for (let round = 1; round <= 3; round++) {
      void link.send(preparePush('c', [1]));
      void link.send(preparePush('c', [2]));
      transport.turn();
      await receive(0, [8, 2 * round - 1]);
      jest.advanceTimersByTime(1001);
      expect(transport.turn()).toEqual([]);
    }
    await receive(0, [12]);
    expect(transport.turn()).toEqual([[6, [8, 0]]]);
    jest.advanceTimersByTime(1001);
    expect(transport.turn()).toEqual([[6, [12]]]);
  });
});
