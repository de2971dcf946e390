import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { TURN_STEPS } from '../../base/turn.slices.js';
import { defaultIpcLimits } from '../../base/limits.js';
import { structuredCloneEncoding } from '../wire/durable/structured.encoding.js';
import { textEncoding } from '../wire/durable/text.encoding.js';
import { DurableLink } from '../wire/durable/link.js';
import { CompatibleLink } from '../wire/compatible/link.js';
import { IpcInbox } from './inbox.js';
import type { IpcSessionLink } from './link.js';
import type { IpcTransport } from './transport.js';
import type { IpcClosure } from '../channel/closure.js';
import { IpcMessageType } from './message.js';
import type { IpcFrame, IpcMessage } from './message.js';
import { preparePush } from './outgoing.message.js';

class FakeTransport implements IpcTransport {
  readonly bufferedBytes = 0;
  readonly log: string[] = [];
  readonly written: IpcFrame[] = [];
  write(frame: IpcFrame): void {
    this.written.push(frame);
  }
  defer(work: () => void): void {
    queueMicrotask(work);
  }
  async drained(): Promise<void> {
    // Nothing waits.
  }
  close(code: number): void {
    this.log.push(`close ${code}`);
  }
  pause(): void {
    this.log.push('pause');
  }
  resume(): void {
    this.log.push('resume');
  }
}

interface Linked {
  readonly link: IpcSessionLink;
  readonly transport: FakeTransport;
  /** The first argument of each message, in the order of delivery. */
  readonly received: unknown[];
  readonly ends: IpcClosure[];
}

function linked(make: (link: Omit<Linked, 'link'>) => IpcSessionLink): Linked {
  const parts = { transport: new FakeTransport(), received: [] as unknown[], ends: [] as IpcClosure[] };
  return { ...parts, link: make(parts) };
}

const limits = { ...defaultIpcLimits, messageBytes: 1024 * 1024, bufferedBytes: 1024 * 1024 };

const eventsOf = ({ received, ends }: Pick<Linked, 'received' | 'ends'>) => ({
  receive(message: IpcMessage) {
    if (message.type === IpcMessageType.Send) received.push(message.data[0]);
  },
  ended: (closure: IpcClosure) => void ends.push(closure),
});

const durable = (encoding: typeof textEncoding) => (): Linked =>
  linked(({ transport, received, ends }) => {
    const events = { ...eventsOf({ received, ends }), interrupted: () => undefined };
    const link = new DurableLink(encoding, limits, 0, events);
    link.attach(transport, 0);
    return link;
  });

const compatible = (): Linked =>
  linked(
    ({ transport, received, ends }) => new CompatibleLink(transport, limits, eventsOf({ received, ends })),
  );

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const joined = (from: number, to: number) => [from, ...range(from, to).map((n) => [0, 'c', [n]])];

/** By wire: makes a link, and frames with messages of these numbers. */
const wires: Record<string, [make: () => Linked, frames: (from: number, to: number) => IpcFrame[]]> = {
  'JSON text': [durable(textEncoding), (from, to) => [JSON.stringify(joined(from, to))]],
  'a posted list': [durable(structuredCloneEncoding), (from, to) => [joined(from, to)]],
  'frames of the compatible wire': [
    compatible,
    (from, to) =>
      range(from, to).map((sequence) =>
        JSON.stringify([JSON.stringify({ type: 0, channel: 'c', data: [sequence], sequence }), 0]),
      ),
  ],
};

const receive = ({ link }: Linked, frames: IpcFrame[]) => {
  for (const frame of frames) link.receive(frame);
};
async function settled({ received }: Linked, count: number): Promise<void> {
  for (let turns = 0; received.length < count && turns < 10_000; turns++) await nextTurn();
}

describe.each(Object.entries(wires))('many messages at once in %s', (_name, [make, frames]) => {
  it('are delivered in slices and in order', async () => {
    const each = make();
    receive(each, frames(0, 3000));
    let before = 0;
    while (each.received.length < 3000) {
      expect(each.received.length - before).toBeLessThanOrEqual(TURN_STEPS);
      before = each.received.length;
      await nextTurn();
    }
    expect(each.received).toEqual(range(0, 3000));
  });

  it('leave turns to another connection', async () => {
    const flood = make();
    const other = make();
    receive(flood, frames(0, 3000));
    receive(other, frames(0, 1));
    for (let turns = 0; turns < 5; turns++) await nextTurn();
    expect(other.received).toEqual([0]);
    expect(flood.received.length).toBeLessThan(3000);
    await settled(flood, 3000);
  });

  it('are not overtaken by later messages', async () => {
    const each = make();
    receive(each, frames(0, 1000));
    receive(each, frames(1000, 1001));
    await nextTurn();
    receive(each, frames(1001, 1200));
    await settled(each, 1200);
    expect(each.received).toEqual(range(0, 1200));
  });

  it('are dropped if this side closes in the middle', async () => {
    const each = make();
    receive(each, frames(0, 1000));
    const { length } = each.received;
    each.link.close(1000, 'enough');
    for (let turns = 0; turns < 20; turns++) await nextTurn();
    expect(each.received).toHaveLength(length);
    expect(each.ends).toEqual([{ code: 1000, reason: 'enough', initiator: 'local' }]);
    receive(each, frames(1000, 1001));
    expect(each.received).toHaveLength(length);
  });

  it('are all delivered before the end of their connection is reported', async () => {
    const each = make();
    receive(each, frames(0, 1000));
    each.link.ended({ code: 1000, reason: '', initiator: 'remote' });
    expect(each.ends).toEqual([]);
    await settled(each, 1000);
    expect(each.received).toEqual(range(0, 1000));
    expect(each.ends).toEqual([{ code: 1000, reason: '', initiator: 'remote' }]);
  });

  it('pause their connection while they wait', async () => {
    const each = make();
    // The turn is used up, and much has come besides.
    receive(each, frames(0, 1000));
    receive(each, frames(1000, 6000));
    expect(each.transport.log).toEqual(['pause']);
    await settled(each, 6000);
    expect(each.received).toEqual(range(0, 6000));
    await nextTurn();
    expect(each.transport.log).toEqual(['pause', 'resume']);
  });

  it('end the session above the limit of waiting bytes', () => {
    const each = make();
    receive(each, frames(0, 1000));
    for (let n = 1000; each.ends.length === 0 && n < 500_000; n += 5000) receive(each, frames(n, n + 5000));
    expect(each.ends).toEqual([{ code: 1008, reason: 'More than 3145728 bytes wait.', initiator: 'local' }]);
    expect(each.transport.log.at(-1)).toBe('close 1008');
  });
});

describe('a frame of the durable wire that is half delivered', () => {
  it('continues over the next connection with its undelivered messages', async () => {
    const each = durable(textEncoding)();
    const link = each.link as DurableLink;
    receive(each, wires['JSON text']![1](0, 1000));
    const { received } = link;
    expect(received).toBeLessThan(1000);
    expect(received).toBe(each.received.length);
    link.detach();
    link.attach(new FakeTransport(), 0);
    receive(each, wires['JSON text']![1](received, 1000));
    await settled(each, 1000);
    expect(each.received).toEqual(range(0, 1000));
  });

  it('is acknowledged while it is delivered', async () => {
    const each = durable(textEncoding)();
    receive(each, wires['JSON text']![1](0, 1000));
    await settled(each, 1000);
    const acknowledged = each.transport.written.flatMap((frame) => JSON.parse(frame as string).slice(1));
    expect(acknowledged.length).toBeGreaterThan(3);
    expect(acknowledged.at(-1)[1]).toBeGreaterThan(900);
  });
});

describe('the bytes that wait in an inbox', () => {
  /** Work that never ends: all frames wait. */
  const waiting = () =>
    new IpcInbox<number>(
      limits,
      (bytes) => bytes,
      () => true,
    );

  it('stop reading above 64 KiB', () => {
    const transport = new FakeTransport();
    const inbox = waiting();
    inbox.add(64 * 1024, transport);
    expect(transport.log).toEqual([]);
    inbox.add(1, transport);
    inbox.add(1, transport);
    expect(transport.log).toEqual(['pause']);
    inbox.clear();
  });

  it('may be two messages and bufferedBytes, and not more', () => {
    const inbox = waiting();
    const most = 2 * limits.messageBytes + limits.bufferedBytes;
    inbox.add(most, undefined);
    expect(() => inbox.add(1, undefined)).toThrow(
      expect.objectContaining({ code: 1008, message: `More than ${most} bytes wait.` }),
    );
    inbox.next();
    inbox.add(most - 1, undefined);
    inbox.clear();
  });
});

describe('an inbox that is cleared', () => {
  it('forgets the frames that wait, and resumes reading', () => {
    const transport = new FakeTransport();
    const inbox: IpcInbox<string> = new IpcInbox(
      limits,
      ({ length }) => length,
      () => inbox.isFilled,
    );
    inbox.add('x'.repeat(100_000), transport);
    inbox.add('y', transport);
    expect([inbox.isBehind, inbox.isFilled, transport.log]).toEqual([true, true, ['pause']]);
    let empty = 0;
    inbox.whenEmpty(() => empty++);
    expect(empty).toBe(0);
    inbox.clear();
    expect([inbox.isBehind, inbox.isFilled, inbox.next(), empty]).toEqual([false, false, undefined, 1]);
    expect(transport.log).toEqual(['pause', 'resume']);
    inbox.whenEmpty(() => empty++);
    expect(empty).toBe(2);
  });
});

/** Processor time of some work, in microseconds: other processes do not count. */
function costOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

it('an acknowledgement on the durable wire costs the same for any number of kept messages', async () => {
  const messages = 100_000;
  const each = durable(textEncoding)();
  for (let n = 0; n < messages; n++) void each.link.send(preparePush('c', []));
  const frame = `[0,${range(1, messages + 1)
    .map((n) => `[8,${n}]`)
    .join()}]`;
  const floor = costOf(() => JSON.parse(frame));
  let cost = costOf(() => each.link.receive(frame));
  while ((each.link as DurableLink).canResume(messages - 1)) {
    // One turn after another: what else happens between them is not counted.
    await nextTurn();
    const before = process.cpuUsage();
    await nextTurn();
    const { user, system } = process.cpuUsage(before);
    cost += user + system;
  }
  // A list whose beginning was cut for each one took a thousand times as long.
  expect(cost).toBeLessThan(50 * floor + 1_000_000);
});
