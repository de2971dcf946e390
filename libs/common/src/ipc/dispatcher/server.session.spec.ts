import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import type { IpcSession } from '../channel/session.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { IpcFrame } from '../message/message.js';
import { IpcClosedError } from '../channel/closure.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import { compatibleWire } from '../wire/wire.js';
import { IpcServer } from '../server/server.js';

class FakeTransport implements IpcServerTransport {
  readonly bufferedBytes = 0;
  readonly messages: { channel: string; data: unknown[]; response?: number }[] = [];
  readonly closes: [number, string][] = [];
  defer(work: () => void): void {
    queueMicrotask(work);
  }
  write(frame: IpcFrame): void {
    const [message] = JSON.parse(frame as string) as [string];
    this.messages.push(JSON.parse(message) as FakeTransport['messages'][0]);
  }
  async drained(): Promise<void> {}
  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
  terminate(): void {}
}

let server: IpcServer;
let transport: FakeTransport;
let events: IpcPeerEvents;
let session: IpcSession;
let sequence: number;
beforeEach(() => {
  server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
  transport = new FakeTransport();
  const peer = { user: 'u', accessToken: 't', reach: 'local', isNative: true } as const;
  events = server.accept(transport, compatibleWire, peer);
  session = server.sessions[0]!;
  sequence = 0;
});
afterEach(() => {
  jest.useRealTimers();
  events.closed({ code: 1000, reason: '', initiator: 'remote' });
});

function say(message: object): void {
  events.frame(JSON.stringify([JSON.stringify({ ...message, sequence: sequence++ }), 0]));
}
const tell = (channel: string, ...data: unknown[]) => say({ type: 0, channel, data });
const replyTo = (index: number) => transport.messages[index]!.data[0] as string;

describe('a call from IpcSession to its frontend', () => {
  it('resolves with the first reply', async () => {
    const first = session.invoke('ask', 1, 'a');
    const second = session.invoke('ask', 2);
    expect(transport.messages[0]).toMatchObject({ channel: 'itwin.ask', data: [replyTo(0), 1, 'a'] });
    expect(replyTo(0)).toBe('itwin.ask-invoke_response-1');
    tell(replyTo(1), 'two');
    tell(replyTo(0), 'one');
    tell(replyTo(0), 'too late');
    expect(await Promise.all([first, second])).toEqual(['one', 'two']);
  });

  it('rejects when the deadline passes, and ignores a later reply', async () => {
    jest.useFakeTimers();
    const called = session.invoke('ask');
    jest.advanceTimersByTime(1000);
    await expect(called).rejects.toThrow('The frontend did not answer on "ask" within 1000 ms.');
    tell(replyTo(0), 1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects when the session ends or has ended, and leaves no timer', async () => {
    jest.useFakeTimers();
    const called = session.makeIpcProxy<{ f(): void }>('ask').f();
    session.close(4000, 'enough');
    await expect(called).rejects.toBeInstanceOf(IpcClosedError);
    await expect(session.invoke('ask')).rejects.toThrow('(4000: enough)');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects for a value that cannot be sent, and leaves no timer', async () => {
    jest.useFakeTimers();
    await expect(session.invoke('ask', 1n)).rejects.toThrow('BigInt');
    expect(jest.getTimerCount()).toBe(0);
    expect(transport.messages).toEqual([]);
  });
});

describe('the listeners of IpcSession', () => {
  it('receive notifications of their own channel until they are removed', () => {
    const heard: unknown[] = [];
    const stop = session.addListener('c', (event, ...args) =>
      heard.push([event.session === session, ...args]),
    );
    tell('itwin.c', 1, 2);
    tell('c', 3);
    tell('itwin.d', 4);
    stop();
    stop();
    tell('itwin.c', 5);
    expect(heard).toEqual([[true, 1, 2]]);
  });

  it('can remove themselves and add others during a notification', () => {
    const heard: string[] = [];
    const stop = session.addListener('c', () => {
      heard.push('first');
      stop();
      session.addListener('c', () => heard.push('added'));
    });
    session.addListener('c', () => heard.push('second'));
    tell('itwin.c');
    expect(heard).toEqual(['first', 'second']);
    tell('itwin.c');
    expect(heard).toEqual(['first', 'second', 'second', 'added']);
  });
});

describe('the end of IpcSession', () => {
  it('settles closed, aborts the signal, changes the state and closes the transport', async () => {
    const { signal } = session;
    expect([session.isOpen, signal.aborted, server.size]).toEqual([true, false, 1]);
    session.close(1000, 'done');
    expect(await session.closed).toEqual({ code: 1000, reason: 'done', initiator: 'local' });
    expect([session.isOpen, signal.aborted, server.size]).toEqual([false, true, 0]);
    expect(session.signal.reason).toBeInstanceOf(IpcClosedError);
    expect(transport.closes).toEqual([[1000, 'done']]);
    await expect(session.send('c')).rejects.toBeInstanceOf(IpcClosedError);
    session.close();
    expect(transport.closes).toHaveLength(1);
  });

  it('aborts a signal that is read only afterwards', () => {
    session.close();
    expect(session.signal.aborted).toBe(true);
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN])('cannot have the code %p', (code) => {
    expect(() => session.close(code)).toThrow(RangeError);
    expect(session.isOpen).toBe(true);
  });

  it('comes after running calls for all callers of close()', async () => {
    let release = () => undefined as void;
    server.channels.handle('raw', () => new Promise<void>((resolve) => (release = resolve)));
    say({ type: 2, channel: 'raw', method: 'm', request: 1 });
    let idle = 0;
    const waiting = [server.close(5000), server.close(5000)].map((each) =>
      Promise.resolve(each).then(() => idle++),
    );
    await Promise.resolve();
    expect(idle).toBe(0);
    release();
    await Promise.all(waiting);
    expect(transport.messages.at(-1)).toMatchObject({ response: 1 });
    expect(transport.closes).toEqual([[1001, 'The server is shutting down.']]);
  });
});
