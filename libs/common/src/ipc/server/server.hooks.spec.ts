import { describe, expect, it, jest } from '@jest/globals';
import { defaultIpcLimits } from '../../base/limits.js';
import { IpcClosedError } from '../channel/closure.js';
import { IpcFrontend } from '../client/frontend.js';
import { memoryIpc } from '../transport/memory.js';
import { IpcServer } from './server.js';

const wires = [{ compatible: true }, { compatible: false }];

function start() {
  const server = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 1000 });
  const log: string[] = [];
  let finish: () => void = () => undefined;
  server.channels.handle('itwin.log', (_event, method) => {
    log.push(method);
    return method === 'slow' ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
  });
  const connect = (options: { compatible: boolean }) =>
    new IpcFrontend(memoryIpc(server, options), { reconnect: false });
  return { server, log, connect, finish: () => finish() };
}

describe.each(wires)('the hooks of IpcServer (compatible wire: $compatible)', (wire) => {
  it('run onOpen before the first call begins', async () => {
    const { server, log, connect } = start();
    let open: () => void = () => undefined;
    server.hook({
      onOpen: () => new Promise<void>((resolve) => (open = resolve)),
      onClosed: () => undefined,
    });
    const frontend = connect(wire);
    const called = frontend.invoke('log', 'call');
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual([]);
    open();
    await called;
    expect(log).toEqual(['call']);
    frontend.close();
  });

  it('end a session with 1011 if one of them rejects', async () => {
    const { server, log, connect } = start();
    server.hook({
      onOpen: () => {
        throw new Error('not today');
      },
      onClosed: () => undefined,
    });
    const frontend = connect(wire);
    const error: unknown = await frontend.invoke('log', 'call').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IpcClosedError);
    expect((error as IpcClosedError).closure).toMatchObject({ code: 1011, initiator: 'remote' });
    expect([log, server.size]).toEqual([[], 0]);
  });

  it('run onClosed when the calls of the session have finished', async () => {
    const { server, log, connect, finish } = start();
    const closed: unknown[] = [];
    server.hook({
      onOpen: () => undefined,
      onClosed: (session, closure) => void closed.push([session.isOpen, closure.code, closure.initiator]),
    });
    const frontend = connect(wire);
    const called = frontend.invoke('log', 'slow').catch(() => undefined);
    while (log.length === 0) await new Promise((resolve) => setImmediate(resolve));
    frontend.close();
    await called;
    await new Promise((resolve) => setImmediate(resolve));
    expect([closed, server.size]).toEqual([[], 0]);
    finish();
    await server.ended();
    expect(closed).toEqual([[false, 1000, 'remote']]);
  });

  it('run onClosed only after onOpen if one of them ends the session at once', async () => {
    const { server, connect } = start();
    const events: string[] = [];
    const opening: (() => void)[] = [];
    server.hook({
      onOpen: (session) => {
        session.close();
        return new Promise<void>((resolve) => opening.push(resolve)).then(() => void events.push('opened'));
      },
      onClosed: () => void events.push('closed'),
    });
    const frontend = connect(wire);
    const called = frontend.invoke('log', 'call').catch(() => undefined);
    while (opening.length === 0 || server.size > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    opening[0]!();
    await Promise.all([called, server.ended()]);
    expect(events).toEqual(['opened', 'closed']);
  });

  it('wait for each other when one of them rejects', async () => {
    const { server, connect } = start();
    const events: string[] = [];
    let open: () => void = () => undefined;
    server.hook({ onOpen: () => Promise.reject(new Error('not today')), onClosed: () => undefined });
    server.hook({
      onOpen: async () => {
        await new Promise<void>((resolve) => (open = resolve));
        events.push('opened');
      },
      onClosed: () => void events.push('closed'),
    });
    const called = connect(wire)
      .invoke('log', 'call')
      .catch(() => undefined);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    open();
    await called;
    await server.ended();
    expect(events).toEqual(['opened', 'closed']);
  });

  it('run onClosed for the sessions whose onOpen they have run', async () => {
    const { server, connect } = start();
    const closed: string[] = [];
    const hooks = (name: string) => ({ onOpen: () => undefined, onClosed: () => void closed.push(name) });
    const remove = server.hook(hooks('removed'));
    const frontend = connect(wire);
    await frontend.invoke('log', 'call');
    remove();
    server.hook(hooks('added'));
    const [session] = server.sessions;
    frontend.close();
    await session!.closed;
    await server.ended();
    expect(closed).toEqual(['removed']);
  });

  it('release the place of a session if they and the report throw', async () => {
    const server = new IpcServer({
      limits: { ...defaultIpcLimits, sessions: 1 },
      invokeTimeoutMs: 1000,
      report: () => {
        throw new Error('the log is full');
      },
    });
    const fail = () => {
      throw new Error('not today');
    };
    const remove = server.hook({ onOpen: fail, onClosed: fail });
    const silent = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const refused = new IpcFrontend(memoryIpc(server, wire), { reconnect: false });
    await expect(refused.invoke('log', 'call')).rejects.toBeInstanceOf(IpcClosedError);
    await server.ended();
    silent.mockRestore();
    remove();
    const frontend = new IpcFrontend(memoryIpc(server, wire), { reconnect: false });
    await frontend.ready;
    frontend.close();
  });
});
