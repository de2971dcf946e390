import { createServer } from 'node:http';
import { UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BentleyError } from '@itwin/core-bentley';
import * as itwin from '@itwin/core-common';
import { IpcChannel, IpcHost, RpcInterface } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { createRpcClient, IpcFrontend, itwinErrors, rpcOverIpc, webSocketIpc } from '@linnet/frontend';
import type { RpcClientOptions } from '@linnet/frontend';
import { IpcApp, IpcHandler } from '@linnet/frontend';
import { listen } from '../../plain/plain.servers.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { until } from '../../../harness/waiting.js';

// Shared code and core-backend throw the responses and errors of core-common, and ask for its classes.

class Store extends itwin.RpcInterface {
  static readonly interfaceName = 'Store';
  static readonly interfaceVersion = '1.0.0';
  async open(_times: number): Promise<string> {
    return this.forward(arguments);
  }
  async find(_id: string): Promise<string> {
    return this.forward(arguments);
  }
  async none(): Promise<void> {
    return this.forward(arguments);
  }
  async fail(): Promise<void> {
    return this.forward(arguments);
  }
}

class StoreBase {
  #opened = 0;
  async open(times: number) {
    if (this.#opened++ < times) throw new itwin.RpcPendingResponse(`${this.#opened} of ${times}`);
    return 'open';
  }
  async find(id: string) {
    if (id !== 'found') throw new itwin.IModelNotFoundResponse();
    return id;
  }
  async none(): Promise<void> {
    throw new itwin.NoContentError();
  }
  async fail(): Promise<void> {
    throw new itwin.IModelError(65574, 'gone', () => ({ shelf: 3 }));
  }
}

@RpcInterface(Store)
class StoreImpl extends StoreBase {}

@RpcInterface(Store)
class GuardedImpl extends StoreBase {
  @UseGuards({ canActivate: () => true })
  override async open(times: number) {
    return super.open(times);
  }
  @UseGuards({ canActivate: () => true })
  override async find(id: string) {
    return super.find(id);
  }
}

@IpcChannel('store')
class StoreHandler extends StoreBase {}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await closeIpcApps();
});

async function frontendOf(port: number): Promise<IpcFrontend> {
  const connect = webSocketIpc(`ws://127.0.0.1:${port}/ipc`);
  const frontend = new IpcFrontend(connect, { reconnect: false, mapError: itwinErrors(itwin) });
  ends.push(() => frontend.close());
  await frontend.ready;
  return frontend;
}

/** The options of a client for each way to the same implementation. */
const ways: Record<string, () => Promise<RpcClientOptions>> = {
  Nest: async () => {
    const { port } = await startIpcApp({ rpc: {}, providers: [StoreImpl] });
    return { uriPrefix: `http://127.0.0.1:${port}` };
  },
  'Nest, with a guard': async () => {
    const { port } = await startIpcApp({ rpc: {}, providers: [GuardedImpl] });
    return { uriPrefix: `http://127.0.0.1:${port}` };
  },
  'a plain server': async () => {
    const rpc = createRpcServer({ interfaces: [[Store, StoreBase]], report: () => undefined });
    const server = await listen(createServer(rpc.handler));
    ends.push(() => server.stop());
    return { uriPrefix: server.url };
  },
  IPC: async () => {
    const { port } = await startIpcApp({ rpc: {}, providers: [StoreImpl] });
    return { transport: rpcOverIpc(await frontendOf(port)) };
  },
};

describe.each(Object.keys(ways))('control responses and errors of core-common, over %s', (name) => {
  const client = async (options?: RpcClientOptions) =>
    createRpcClient({
      ...(await ways[name]!()),
      pendingIntervalMs: 10,
      mapError: itwinErrors(itwin),
      ...options,
    }).client(Store);

  it('make a client repeat a pending call', async () => {
    const messages: string[] = [];
    const options = { ...(await ways[name]!()), pendingIntervalMs: 10 };
    const rpc = createRpcClient(options);
    rpc.addListener((event) => {
      if (event.kind === 'pending') messages.push(event.message);
    });
    expect(await rpc.client(Store).open(2)).toBe('open');
    expect(messages).toEqual(['1 of 2', '2 of 2']);
  });

  it('let a client repair a call that is answered with "not found"', async () => {
    const responses: object[] = [];
    const store = await client({
      onNotFound: ({ response }) => {
        responses.push(response);
        return ['found'];
      },
    });
    expect(await store.find('lost')).toBe('found');
    expect(responses).toEqual([{ message: 'iModel not found', isIModelNotFoundResponse: true }]);
  });

  it('reject calls with the classes of core-common', async () => {
    const store = await client();
    await expect(store.none()).rejects.toBeInstanceOf(itwin.NoContentError);
    const error = await store.fail().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(itwin.BackendError);
    expect(error).toMatchObject({ errorNumber: 65574, name: 'Not Found', message: 'gone' });
    expect(BentleyError.isError(error, 65574)).toBe(true);
    await expect(store.find('lost')).rejects.toBeInstanceOf(itwin.IModelError);
  });
});

describe('errors of core-common that handlers of channels throw', () => {
  it('reject calls of a frontend with their class, identity and metadata', async () => {
    const { port } = await startIpcApp({ providers: [StoreHandler] });
    const frontend = await frontendOf(port);
    const error = await frontend
      .makeIpcProxy<StoreBase>('store')
      .fail()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(itwin.BackendError);
    expect(error).toMatchObject({ errorNumber: 65574, loggingMetadata: { shelf: 3 } });
    expect(BentleyError.isError(error, 65574)).toBe(true);
  });

  it('keep their members if they are control responses', async () => {
    const { port } = await startIpcApp({ providers: [StoreHandler] });
    const frontend = await frontendOf(port);
    const store = frontend.makeIpcProxy<StoreBase>('store');
    await expect(store.find('lost')).rejects.toMatchObject({
      message: 'iModel not found',
      isIModelNotFoundResponse: true,
    });
    await expect(store.open(2)).rejects.toMatchObject({ message: '1 of 2' });
  });

  it('keep identity and metadata if a frontend throws them', async () => {
    class Dialog extends IpcHandler {
      get channelName() {
        return 'dialog';
      }
      async ask() {
        throw new itwin.IModelError(65574, 'nobody there', () => ({ seat: 1 }));
      }
    }
    const { port, app } = await startIpcApp();
    await IpcApp.startup(webSocketIpc(`ws://127.0.0.1:${port}/ipc`));
    ends.push(() => IpcApp.shutdown());
    Dialog.register();
    const session = await until(() => app.get(IpcHost).sessions[0]);
    const error = await session.callIpcChannel('dialog', 'ask').catch((thrown: unknown) => thrown);
    expect(BentleyError.isError(error, 65574)).toBe(true);
    expect(error).toMatchObject({ message: 'nobody there', loggingMetadata: { seat: 1 } });
    expect(error).not.toHaveProperty('_metaData');
  });
});
