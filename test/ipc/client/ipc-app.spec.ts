import { afterEach, describe, expect, it } from '@jest/globals';
import { CurrentActivity, IpcChannel } from '@linnet/backend';
import type { Activity, IpcSession } from '@linnet/backend';
import { IpcApp, IpcHandler, NotificationHandler, webSocketIpc } from '@linnet/frontend';
import type { IpcClosure, IpcFrontendOptions } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';
import type { IpcTestApp } from '../../harness/ipc.harness.js';
import { FaultProxy } from './fault.proxy.js';

@IpcChannel('here')
class Here {
  async say() {
    return 'here';
  }
  async never(@CurrentActivity() activity?: Activity) {
    await new Promise((resolve) => activity!.signal.addEventListener('abort', resolve));
  }
}

let proxy: FaultProxy | undefined;
afterEach(async () => {
  IpcApp.shutdown();
  proxy?.close();
  proxy = undefined;
  await closeIpcApps();
});

async function begin(options: IpcFrontendOptions & { compatible?: boolean } = {}): Promise<IpcTestApp> {
  const app = await startIpcApp({ providers: [Here] });
  proxy = await new FaultProxy(app.port).listen();
  const { compatible, ...rest } = options;
  const connect = webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`, { compatible });
  await IpcApp.startup(connect, { reconnectMs: [5, 20], ...rest });
  return app;
}

describe.each([true, false])('an IpcHandler of the frontend (compatible wire: %s)', (compatible) => {
  interface DialogIpc {
    ask(question: string, bytes: Uint8Array): Promise<unknown>;
    nothing(): Promise<void>;
    fail(how: string): Promise<void>;
    inherited(): Promise<string>;
  }
  abstract class Dialog extends IpcHandler {
    readonly asked: string[] = [];
    async inherited() {
      return `inherited by ${this.constructor.name}`;
    }
  }
  class DialogHandler extends Dialog implements DialogIpc {
    get channelName() {
      return 'dialog-v1';
    }
    get accessor() {
      return () => 'an accessor';
    }
    readonly field = () => `a field of ${this.channelName}`;
    readonly type = class {};
    readonly text = 'a text';
    async ask(question: string, bytes: Uint8Array) {
      this.asked.push(question);
      return { asked: this.asked.length, bytes };
    }
    async nothing() {}
    async fail(how: string) {
      if (how === 'text') throw 'a text'; // oxlint-disable-line no-throw-literal -- as an application may
      if (how === 'nothing') throw undefined; // oxlint-disable-line no-throw-literal -- as an application may
      if (how === 'symbol') throw Symbol('odd'); // oxlint-disable-line no-throw-literal -- as an application may
      throw Object.assign(new RangeError('too much'), { errorNumber: 7, shelf: 3 });
    }
  }

  let session: IpcSession;
  const open = async () => {
    const app = await begin({ compatible });
    session = await app.session();
    return { stop: DialogHandler.register(), dialog: session.makeIpcProxy<DialogIpc>('dialog-v1') };
  };
  const failure = async (call: Promise<unknown>): Promise<unknown> => {
    const { status, ...rest } = (await Promise.allSettled([call]))[0];
    expect(status).toBe('rejected');
    return (rest as { reason?: unknown }).reason;
  };

  it('answers calls from the backend with one instance', async () => {
    const { dialog } = await open();
    expect(await dialog.ask('first?', Uint8Array.of(1, 2))).toEqual({
      asked: 1,
      bytes: Uint8Array.of(1, 2),
    });
    expect(await dialog.ask('second?', Uint8Array.of())).toMatchObject({ asked: 2 });
    expect(await dialog.nothing()).toBeUndefined();
    expect(await dialog.inherited()).toBe('inherited by DialogHandler');
    // As `IpcHandler` of iTwin.js does: the envelope.
    expect(await session.invoke('dialog-v1', 'inherited')).toEqual({ result: 'inherited by DialogHandler' });
    expect(await session.invoke('dialog-v1', 'nothing')).toEqual({});
  });

  it('rejects calls from the backend with the error that it throws', async () => {
    const { dialog } = await open();
    const error = await failure(dialog.fail('error'));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'RangeError', message: 'too much', errorNumber: 7, shelf: 3 });
    expect(await failure(dialog.fail('text'))).toBe('a text');
    expect(await failure(dialog.fail('nothing'))).toMatchObject({ message: 'undefined' });
    expect(await failure(dialog.fail('symbol'))).toMatchObject({ message: 'Symbol(odd)' });
  });

  it.each([
    'absent',
    'constructor',
    'toString',
    '__proto__',
    'accessor',
    'type',
    'text',
    'channelName',
    'register',
  ])('has no method %s that the backend can call', async (name) => {
    await open();
    expect(await failure(session.callIpcChannel('dialog-v1', name))).toMatchObject({
      errorNumber: 65606,
      message: `Method "DialogHandler.${name}" not found on IpcHandler registered for channel: dialog-v1`,
    });
  });

  it('answers with fields that are arrow functions, as in iTwin.js', async () => {
    await open();
    expect(await session.callIpcChannel('dialog-v1', 'field')).toBe('a field of dialog-v1');
  });

  it('is replaced by the next handler of its channel, which alone runs and answers', async () => {
    const { stop } = await open();
    const asked: string[] = [];
    const version = (name: string) =>
      class extends IpcHandler {
        get channelName() {
          return 'dialog-v1';
        }
        async confirm(question: string) {
          asked.push(`${name}: ${question}`);
          return name;
        }
      };
    version('old').register();
    const end = version('new').register();
    const { confirm } = session.makeIpcProxy<{ confirm(question: string): Promise<string> }>('dialog-v1');
    expect(await confirm('delete all?')).toBe('new');
    // A replaced handler has ended: stopping it changes nothing.
    stop();
    expect(await confirm('really?')).toBe('new');
    expect(asked).toEqual(['new: delete all?', 'new: really?']);
    end();
    const last = IpcApp.handle('dialog-v1', () => ({ result: 'by a function' }));
    expect(await confirm('at last?')).toBe('by a function');
    last();
  });

  it('can be removed, and another one can be registered', async () => {
    const { stop, dialog } = await open();
    stop();
    class Another extends DialogHandler {}
    Another.register();
    expect(await dialog.inherited()).toBe('inherited by Another');
  });
});

it('a NotificationHandler receives notifications by its own methods and arrow functions, and by no other members', async () => {
  const app = await begin();
  const told: unknown[] = [];
  class News extends NotificationHandler {
    get channelName() {
      return 'news';
    }
    readonly field = () => told.push('field');
    readonly type = class {};
    moved(...args: unknown[]) {
      told.push(args);
    }
  }
  const stop = News.register();
  const session = await app.session();
  for (const name of ['absent', 'type', 'constructor', 'toString', 'channelName'])
    void session.send('news', name);
  void session.send('news', { moved: 1 });
  void session.send('news', 'field');
  void session.send('news', 'moved', 1, 2);
  await until(() => told.length > 1);
  expect(told).toEqual(['field', [1, 2]]);
  stop();
  void session.send('news', 'moved', 3);
  expect(await IpcApp.makeIpcProxy<Here>('here').say()).toBe('here');
  expect(told).toHaveLength(2);
});

describe('IpcApp', () => {
  const lost: IpcClosure[] = [];
  const listen = () => {
    lost.length = 0;
    return IpcApp.onSessionLost((closure) => void lost.push(closure));
  };

  it.each([true, false])('reports each session that is lost (compatible wire: %s)', async (compatible) => {
    const app = await begin({ compatible });
    const stop = listen();
    // Registered after the first one: both are called.
    const others: IpcClosure[] = [];
    IpcApp.onSessionLost((closure) => others.push(closure));
    for (const [i, code] of [3001, 3002].entries()) {
      (await until(() => app.host.sessions[0])).close(code, 'the backend has had enough');
      await until(() => lost.length === i + 1);
      expect(lost[i]).toMatchObject({ code, reason: 'the backend has had enough' });
      await until(() => IpcApp.isValid);
    }
    stop();
    (await until(() => app.host.sessions[0])).close(3003);
    await until(() => others.length === 3);
    expect(lost).toHaveLength(2);
  });

  it('does not report a connection that is restored', async () => {
    await begin();
    listen();
    const states: string[] = [];
    IpcApp.frontend.onStateChange((state) => states.push(state));
    proxy!.cut();
    await until(() => states.includes('open'));
    expect(states).toEqual(['interrupted', 'open']);
    expect(lost).toEqual([]);
  });

  it.each([
    ['IpcApp.shutdown', () => IpcApp.shutdown()],
    ['IpcApp.frontend.close', () => IpcApp.frontend.close()],
  ])('does not report a session that %s ends', async (_, end) => {
    const app = await begin();
    listen();
    end();
    await until(() => app.host.sessions.length === 0);
    expect(lost).toEqual([]);
  });

  it('reports the loss of its only session', async () => {
    const app = await begin({ reconnect: false });
    listen();
    (await app.session()).close(3001, 'enough');
    await until(() => IpcApp.frontend.state === 'closed');
    expect(lost).toEqual([{ code: 3001, reason: 'enough', initiator: 'remote' }]);
  });

  it('does not report a session that never began', async () => {
    proxy = await new FaultProxy(1).listen();
    proxy.refuses = true;
    const connect = webSocketIpc(`ws://127.0.0.1:${proxy.port}/ipc`);
    const starting = IpcApp.startup(connect, { reconnect: false });
    listen();
    await expect(starting).rejects.toMatchObject({ name: 'IpcClosedError' });
    expect(lost).toEqual([]);
  });

  it('makes proxies with options for their calls', async () => {
    await begin();
    const patient = IpcApp.makeIpcProxy<Here>('here', { timeoutMs: 30 });
    await expect(patient.never()).rejects.toMatchObject({ name: 'DeadlineError', timeoutMs: 30 });
    const leaving = new AbortController();
    const call = IpcApp.makeIpcProxy<Here>('here', { signal: leaving.signal }).never();
    leaving.abort(new Error('left'));
    await expect(call).rejects.toThrow('left');
  });
});
