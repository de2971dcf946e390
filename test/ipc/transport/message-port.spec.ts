import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BackendError,
  createRpcClient,
  defaultIpcLimits,
  IpcClosedError,
  IpcFrontend,
  IpcServer,
  messagePortIpc,
  RpcDispatcher,
  RpcInterface,
  RpcNotFoundResponse,
  RpcPendingResponse,
  rpcOverIpc,
  serveMessagePort,
} from '@linnet/common';
import type { IpcFrontendOptions, IpcSession } from '@linnet/common';
import { RPC_CHANNEL, RpcOverIpc } from '@linnet/common/internal';
import { settled, until } from '../../harness/waiting.js';

let server: IpcServer;
let ports: { port1: MessagePort; port2: MessagePort };
let frontend: IpcFrontend;
let session: IpcSession;

const open = async (options: IpcFrontendOptions = {}) => {
  ports = new MessageChannel();
  serveMessagePort(server, ports.port2, { user: 'me' });
  frontend = new IpcFrontend(messagePortIpc(ports.port1), options);
  await frontend.ready;
  session = server.sessions.at(-1)!;
};

beforeEach(async () => {
  server = new IpcServer({ limits: { ...defaultIpcLimits, sessions: 2 }, invokeTimeoutMs: 10_000 });
  server.channels.handle('itwin.echo', (_event, _method, ...args: unknown[]) => args);
  server.channels.handle(
    'itwin.slow',
    ({ activity }) =>
      new Promise((resolve) =>
        activity.signal.addEventListener('abort', () => resolve((aborts = aborts + 1))),
      ),
  );
  await open();
});
let aborts = 0;
afterEach(() => {
  for (const each of server.sessions) each.close();
  frontend.close();
});

describe('a session over a message port', () => {
  it('carries calls both ways and notifications, with the values of every wire', async () => {
    const sent = { list: [Float64Array.of(1.5), Buffer.from('abc')], when: new Date(0), f: () => 1 };
    expect(await frontend.invoke('echo', 'x', sent)).toEqual([
      { list: [Float64Array.of(1.5), Uint8Array.of(97, 98, 99)], when: '1970-01-01T00:00:00.000Z' },
    ]);
    expect(session.user).toBe('me');
    const told = new Promise((resolve) => frontend.addListener('news', (_event, ...news) => resolve(news)));
    await session.send('news', 1, Uint8Array.of(2));
    expect(await told).toEqual([1, Uint8Array.of(2)]);
    frontend.handle('page', (a: number, b: number) => a + b);
    expect(await session.invoke('page', 1, 2)).toBe(3);
    await expect(frontend.invoke('echo', 'x', [{ a: 1n }])).rejects.toThrow('value[0][0].a is a BigInt');
  });

  it('keeps thousands of messages in order, both ways', async () => {
    const got: unknown[] = [];
    frontend.addListener('count', (_event, n) => got.push(n));
    for (let i = 0; i < 5000; i++) await session.send('count', i);
    const answers = await Promise.all(
      Array.from({ length: 2000 }, (_, i) => frontend.invoke('echo', 'x', i)),
    );
    expect(answers).toEqual(Array.from({ length: 2000 }, (_, i) => [i]));
    expect(got).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });

  it('cancels a call at the backend when its signal aborts', async () => {
    const before = aborts;
    const controller = new AbortController();
    const call = frontend.calls.call('itwin.slow', 'x', [], { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await frontend.invoke('echo', 'x');
    expect(aborts).toBe(before + 1);
  });

  it('adds one listener to a signal that many calls share, and removes it after the last call', async () => {
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    const calls = Array.from({ length: 50 }, (_, i) =>
      frontend.calls.call('itwin.echo', 'x', [i], { signal }),
    );
    expect(listeners()).toBe(1);
    expect(await Promise.all(calls)).toHaveLength(50);
    expect(listeners()).toBe(0);
  });

  it('ends at both ends when the frontend closes it', async () => {
    frontend.close();
    expect(await session.closed).toEqual({ code: 1000, reason: 'closed by this side', initiator: 'remote' });
    expect(server.size).toBe(0);
  });

  it('ends at both ends when the backend closes it, and is not followed by another', async () => {
    const call = frontend.invoke('slow', 'x');
    session.close(3001, 'enough');
    await expect(call).rejects.toEqual(
      new IpcClosedError({ code: 3001, reason: 'enough', initiator: 'remote' }),
    );
    expect(frontend.state).toBe('closed');
  });

  it.each(['port1', 'port2'] as const)('ends at both ends when %s is closed', async (name) => {
    const call = frontend.invoke('slow', 'x');
    ports[name].close();
    await expect(call).rejects.toThrow('The port is closed.');
    expect((await session.closed).code).toBe(1006);
  });

  it('ends when the other side gives no sign of life', async () => {
    frontend.close();
    const { port1, port2 } = new MessageChannel();
    const silent = new IpcServer({ limits: defaultIpcLimits, invokeTimeoutMs: 0, heartbeatMs: 50 });
    serveMessagePort(silent, port1);
    port2.postMessage([9]);
    port2.start();
    await until(() => silent.size === 1);
    expect((await silent.sessions[0]!.closed).code).toBe(4000);
  });

  it('is refused above limits.sessions', async () => {
    await open();
    const { port1, port2 } = new MessageChannel();
    serveMessagePort(server, port2);
    const third = new IpcFrontend(messagePortIpc(port1));
    await expect(third.ready).rejects.toThrow('as many sessions');
  });

  it('is followed by another over a new port when the connector opens one', async () => {
    const made: unknown[] = [];
    const again = new IpcFrontend(
      messagePortIpc(async () => {
        const { port1, port2 } = new MessageChannel();
        serveMessagePort(server, port2);
        if (made.push(port1) === 2) throw new Error('not now');
        return port1;
      }),
      { reconnectMs: [1, 1] },
    );
    await again.ready;
    server.sessions.at(-1)!.close(3000, 'once more');
    await until(() => made.length === 3);
    await again.ready;
    expect(await again.invoke('echo', 'x', 1)).toEqual([1]);
    again.close();
  });
});

describe('the lists of docs/wire-extension.md', () => {
  it('are the messages that both ports receive', async () => {
    const document = readFileSync(new URL('../../../docs/wire-extension.md', import.meta.url), 'utf8');
    const [, code] = /^const posted = (\{[^]*?^\});/m.exec(document)!;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is shown as code
    const listsOf = new Function('sessionId', 'activityId', 'key', `return ${code}`) as (
      ...names: unknown[]
    ) => Record<'begin' | 'accept' | 'call' | 'answer' | 'close', unknown[]>;
    const { port1, port2 } = new MessageChannel();
    server.channels.handle('itwin.robot-v1.2', (event, method, ...args: unknown[]) => {
      called.push(event.activity.activityId, method, ...args);
      return { result: true };
    });
    serveMessagePort(server, port2);
    const called: unknown[] = [];
    const heard: unknown[] = [];
    port1.on('message', (list) => heard.push(list));
    port1.postMessage(listsOf('', '', 'a key of a hundred and twenty-eight bits').begin);
    await until(() => heard.length === 1);
    const { id } = server.sessions.at(-1)!;
    const lists = listsOf(id, 'click');
    port1.postMessage(lists.call);
    await until(() => heard.length === 2);
    server.sessions.at(-1)!.close(3001, 'enough');
    await until(() => heard.length === 3);
    expect(heard).toEqual([lists.accept, lists.answer, lists.close]);
    expect(called).toEqual(['click', 'drive', 'r1', Float64Array.of(1, 2)]);
  });
});

describe('a hostile message over a port', () => {
  const hostile: [string, unknown[]][] = [
    ['a text', ['hello']],
    ['undefined', [undefined]],
    ['a record', [{ data: { a: 1 } }]],
    ['an empty list', [[]]],
    ['a call before the client hello', [[0, [2, 1, 'itwin.echo', 'x', []]]]],
    ['a client hello for an unknown session', [[9, 's', 'k', 0]]],
    ['two client hellos', [[9], [9]]],
    ['a message with a wrong number', [[9], [7, [0, 'itwin.echo', []]]]],
    ['a call with an invalid request number', [[9], [0, [2, {}, 'itwin.echo', 'x', []]]]],
    ['an acknowledgement of a message that was not sent', [[9], [0, [8, 1000]]]],
    ['a member named __proto__', [[9], [0, JSON.parse('{"__proto__":1}')]]],
    ['a close with an invalid code', [[9], ['close', {}, {}]]],
    ['a close before the client hello', [['close', 1000, 'x']]],
  ];

  it.each(hostile)('harms no other session: %s', async (_name, messages) => {
    const { port1, port2 } = new MessageChannel();
    serveMessagePort(server, port2);
    const closed = new Promise((resolve) => port1.on('close', resolve));
    // An unread message keeps a port open.
    port1.on('message', () => undefined);
    for (const message of messages) {
      port1.postMessage(message);
      await settled();
    }
    await closed;
    expect(server.size).toBe(1);
    expect(await frontend.invoke('echo', 'x', 1)).toEqual([1]);
  });

  it('ends the session when the frontend receives it', async () => {
    for (const message of ['x', [0, [3, 'x']], [99, [1, 'c']], [0, [8, 10]], ['close', 5, null]]) {
      const { port1, port2 } = new MessageChannel();
      const other = new IpcFrontend(messagePortIpc(port1));
      port2.on('message', () => port2.postMessage([10, 's', 'k', 0, 0]));
      await other.ready;
      const call = other.invoke('echo', 'x');
      port2.removeAllListeners('message');
      port2.postMessage(message);
      await expect(call).rejects.toThrow(IpcClosedError);
      port2.close();
    }
  });
});

abstract class ShopRpc extends RpcInterface {
  static readonly interfaceName = 'ShopRpc';
  static interfaceVersion = '1.2.0';
  async sell(_item: string, _bytes?: Uint8Array): Promise<unknown> {
    return this.forward(arguments);
  }
}

describe('RPC over a message port', () => {
  let pending = 2;
  const answers: Record<string, () => unknown> = {
    nothing: () => undefined,
    null: () => null,
    soon: () => {
      if (pending-- > 0) throw new RpcPendingResponse('not yet');
      return 'done';
    },
    missing: () => {
      throw Object.assign(new RpcNotFoundResponse(), { isbn: 7 });
    },
    broken: () => {
      throw Object.assign(new Error('It fell.'), { errorNumber: 77, shelf: 3 });
    },
  };
  const client = () =>
    createRpcClient({
      transport: rpcOverIpc(frontend),
      interfaces: [ShopRpc],
      pendingIntervalMs: 1,
      sessionId: 'S',
    });

  beforeEach(() => {
    pending = 2;
    const dispatcher = new RpcDispatcher({ waitingCalls: 0 });
    dispatcher.register(ShopRpc, {
      name: 'Shop',
      handlerOf: () => (call) => {
        const [item, bytes] = call.arguments as [string, unknown];
        const { activityId, sessionId } = call.activity;
        return answers[item] ? answers[item]() : { item, bytes, activityId, sessionId };
      },
    });
    const rpc = new RpcOverIpc(dispatcher, { maxArguments: 10 });
    server.channels.handle(RPC_CHANNEL, (event, method, request: unknown) =>
      rpc.answer(event, method, request),
    );
  });

  it('carries results, bytes and the activity', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(await client().client(ShopRpc).with({ activityId: 'click' }).sell('pen', bytes)).toEqual({
      item: 'pen',
      bytes,
      activityId: 'click',
      sessionId: 'S',
    });
    expect(await client().client(ShopRpc).sell('nothing')).toBeUndefined();
    expect(await client().client(ShopRpc).sell('null')).toBeNull();
  });

  it('calls a pending operation again, and reports each answer', async () => {
    const events: unknown[] = [];
    const rpc = client();
    rpc.addListener((event) => events.push(event.kind === 'pending' ? event.message : event.kind));
    expect(await rpc.client(ShopRpc).sell('soon')).toBe('done');
    expect(events).toEqual(['request', 'not yet', 'request', 'not yet', 'request', 'response']);
  });

  it('rejects with a not-found response, and with the error of the implementation', async () => {
    const shop = client().client(ShopRpc);
    await expect(shop.sell('missing')).rejects.toMatchObject({ isbn: 7 });
    const broken = expect.objectContaining({ errorNumber: 77, shelf: 3, message: 'It fell.' });
    await expect(shop.sell('broken')).rejects.toEqual(broken);
    await expect(shop.sell('broken')).rejects.toBeInstanceOf(BackendError);
  });

  it('describes the interfaces of the backend', async () => {
    await client().ready();
    expect(await client().describeEndpoints()).toMatchObject([
      { interfaceName: 'ShopRpc', compatible: true },
    ]);
  });
});

describe('a worker thread as backend', () => {
  it('rejects its pending calls when it exits', async () => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       parentPort.on('message', ([type]) => {
         if (type === 9) parentPort.postMessage([10, 's', 'k', 0, 0]);
         else if (type === 0) process.exit(1);
       });`,
      { eval: true },
    );
    const other = new IpcFrontend(messagePortIpc(worker));
    await other.ready;
    await expect(other.invoke('echo', 'x')).rejects.toThrow('The port is closed.');
  });
});
