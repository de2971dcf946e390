import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import type { IpcServerTransport } from '../message/transport.js';
import { compatibleWire } from '../wire/wire.js';
import type { IpcFrame } from '../message/message.js';
import { IpcServer } from '../server/server.js';

/** A connection whose peer takes nothing until it is let. */
class SlowTransport implements IpcServerTransport {
  bufferedBytes = 0;
  readonly written: IpcFrame[] = [];
  #drain: (() => void)[] = [];

  write(frame: IpcFrame): void {
    this.written.push(frame);
    this.bufferedBytes += (frame as string).length;
  }
  defer(work: () => void): void {
    queueMicrotask(work);
  }
  drained(): Promise<void> {
    return new Promise((resolve) => this.#drain.push(resolve));
  }
  take(): void {
    this.bufferedBytes = 0;
    for (const resolve of this.#drain.splice(0)) resolve();
  }
  close(): void {
    this.take();
  }
  terminate(): void {}
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

function start(limits: Partial<typeof defaultIpcLimits>) {
  const server = new IpcServer({ limits: { ...defaultIpcLimits, ...limits }, invokeTimeoutMs: 0 });
  const begun: number[] = [];
  server.channels.handle('itwin.c', (_event, _method, n: number, length: number) => {
    begun.push(n);
    return 'x'.repeat(length);
  });
  const transport = new SlowTransport();
  const events = server.accept(transport, compatibleWire, { reach: 'local', isNative: true });
  const session = server.sessions[0]!;
  let sequence = 0;
  const call = (length: number) => {
    const message = {
      type: 2,
      channel: 'itwin.c',
      method: 'm',
      data: [sequence, length],
      request: sequence + 1,
    };
    events.frame(JSON.stringify([JSON.stringify({ ...message, sequence }), 0]));
    return sequence++;
  };
  return { server, begun, transport, session, call };
}

describe('answers that wait for a slow peer', () => {
  it('hold back further calls until there is space', async () => {
    const { begun, transport, call } = start({ bufferedBytes: 2000, answerBytes: 8000 });
    call(1500);
    call(1200);
    await turns();
    expect([begun, transport.written.length]).toEqual([[0, 1], 1]);
    call(1);
    call(1);
    await turns();
    // More than an eighth waits.
    expect([begun, transport.written.length]).toEqual([[0, 1], 1]);
    for (let i = 0; i < 4; i++) {
      transport.take();
      await turns();
    }
    expect([begun, transport.written.length]).toEqual([[0, 1, 2, 3], 4]);
  });

  it('become errors above answerBytes, and are sent in their order', async () => {
    const { begun, transport, call } = start({ bufferedBytes: 2000, answerBytes: 1000 });
    call(1500);
    for (let i = 0; i < 3; i++) call(i === 0 ? 100 : 900);
    await turns();
    expect(begun).toEqual([0, 1, 2]);
    for (let i = 0; i < 6; i++) {
      transport.take();
      await turns();
    }
    const answers = transport.written.map((frame) => JSON.parse(JSON.parse(frame as string)[0]).data);
    expect(answers.map((answer) => (answer.error ? answer.error.name : answer.length))).toEqual([
      1500,
      100,
      'TransientError',
      900,
    ]);
  });

  it('are dropped and no longer counted when their session ends', async () => {
    const { server, transport, session, call } = start({ bufferedBytes: 2000 });
    call(1500);
    call(1200);
    await turns();
    session.close(3000, 'enough');
    await turns();
    expect([server.size, transport.written.length]).toEqual([0, 1]);
    expect(await server.close(1000)).toBe(0);
  });
});
