import { afterEach, describe, expect, it } from '@jest/globals';
import { CurrentActivity, IpcChannel, ipcChannel } from '@linnet/backend';
import type { Activity } from '@linnet/backend';
import { createRpcClient, RpcInterface as RpcDefinition } from '@linnet/common';
import { RpcInterface } from '@linnet/backend';
import { IpcClosedError, IpcFrontend, rpcOverIpc, webSocketIpc } from '@linnet/frontend';
import type { IpcFrontendOptions } from '@linnet/frontend';
import { closeIpcApps, startIpcApp } from '../../harness/ipc.harness.js';
import { until } from '../../harness/waiting.js';

interface ShelfIpc {
  read(): Promise<number>;
  put(article: string): Promise<number>;
  take(article: string): Promise<number>;
}
const shelfChannel = ipcChannel<ShelfIpc>('shelf', {
  methods: { read: { idempotency: 'safe' }, put: { idempotency: 'idempotent' }, take: {} },
});

/** Every call runs until its session is over, as long as it is to be lost. */
const runs: string[] = [];
let losses = 0;
async function run(name: string, activity: Activity | undefined): Promise<number> {
  runs.push(name);
  if (losses-- > 0) await new Promise((resolve) => activity!.signal.addEventListener('abort', resolve));
  return runs.length;
}

@IpcChannel(shelfChannel)
class Shelf {
  async read(@CurrentActivity() activity?: Activity) {
    return run('read', activity);
  }
  async put(_article: string, @CurrentActivity() activity?: Activity) {
    return run('put', activity);
  }
  async take(_article: string, @CurrentActivity() activity?: Activity) {
    return run('take', activity);
  }
  async unlisted() {
    return 0;
  }
}

abstract class Stock extends RpcDefinition {
  static readonly interfaceName = 'Stock';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = { read: { idempotency: 'safe' }, take: {} } as const;
  abstract read(): Promise<number>;
  abstract take(): Promise<number>;
}
@RpcInterface(Stock)
class StockImpl {
  async read(@CurrentActivity() activity?: Activity) {
    return run('read', activity);
  }
  async take(@CurrentActivity() activity?: Activity) {
    return run('take', activity);
  }
}

const frontends: IpcFrontend[] = [];
afterEach(async () => {
  runs.length = 0;
  losses = 0;
  for (const frontend of frontends.splice(0)) frontend.close();
  await closeIpcApps();
});

async function open(options: IpcFrontendOptions = {}, compatible = false) {
  const app = await startIpcApp({ providers: [Shelf, StockImpl], rpc: {} });
  const connect = webSocketIpc(`ws://127.0.0.1:${app.port}/ipc`, { compatible });
  const frontend = new IpcFrontend(connect, { reconnectMs: [1, 5], ...options });
  frontends.push(frontend);
  await frontend.ready;
  /** Ends the session of a call that has begun. */
  const lose = async (begun: number) => {
    await until(() => runs.length === begun);
    app.host.sessions[0]!.close();
  };
  return { frontend, lose, shelf: frontend.makeIpcProxy<ShelfIpc>(shelfChannel) };
}

describe.each([false, true])('a call whose session is lost (compatible wire: %s)', (compatible) => {
  it.each(['read', 'put'] as const)(
    'is sent again in the next session when the method %s declares its idempotency',
    async (name) => {
      const { shelf, lose } = await open({}, compatible);
      losses = 2;
      const call = name === 'read' ? shelf.read() : shelf.put('bolt');
      await lose(1);
      await lose(2);
      expect(await call).toBe(3);
      expect(runs).toEqual([name, name, name]);
    },
  );

  it('rejects, and runs once, when its method declares no idempotency', async () => {
    const { frontend, shelf, lose } = await open({}, compatible);
    losses = 1;
    const call = shelf.take('bolt');
    await lose(1);
    await expect(call).rejects.toBeInstanceOf(IpcClosedError);
    await frontend.ready;
    expect(await shelf.read()).toBe(2);
    expect(runs).toEqual(['take', 'read']);
  });

  it('rejects when its signal aborts, when its frontend closes, and when no further session follows', async () => {
    const { frontend, shelf, lose } = await open({}, compatible);
    losses = 1;
    const leaving = new AbortController();
    const { signal } = leaving;
    const aborted = frontend.makeIpcProxy<ShelfIpc>(shelfChannel, { signal }).read();
    await until(() => runs.length === 1);
    leaving.abort(new Error('left'));
    await expect(aborted).rejects.toThrow('left');
    losses = 1;
    const closed = shelf.read();
    await until(() => runs.length === 2);
    frontend.close();
    await expect(closed).rejects.toBeInstanceOf(IpcClosedError);
    const last = await open({ reconnect: false }, compatible);
    losses = 1;
    const lost = last.shelf.read();
    await last.lose(3);
    await expect(lost).rejects.toBeInstanceOf(IpcClosedError);
    await lose(3).catch(() => undefined);
  });

  it('rejects when four further sessions are lost with it', async () => {
    const { shelf, lose } = await open({}, compatible);
    losses = 9;
    const call = shelf.read();
    for (let begun = 1; begun <= 5; begun++) await lose(begun);
    await expect(call).rejects.toBeInstanceOf(IpcClosedError);
    expect(runs).toHaveLength(5);
  });

  it('is repeated over RPC only when its operation declares its idempotency', async () => {
    const { frontend, lose } = await open({}, compatible);
    const retry = { pauseMs: 1 };
    const stock = createRpcClient({ transport: rpcOverIpc(frontend), retry }).client(Stock);
    losses = 1;
    const read = stock.read();
    await lose(1);
    expect(await read).toBe(2);
    losses = 1;
    const take = stock.take();
    await lose(3);
    await expect(take).rejects.toBeInstanceOf(IpcClosedError);
    expect(runs).toEqual(['read', 'read', 'take']);
  });
});

it('a proxy of a channel with policies calls only the methods that the channel lists', async () => {
  const { frontend } = await open();
  const shelf = frontend.makeIpcProxy<{ unlisted(): Promise<number> }>(shelfChannel);
  await expect(shelf.unlisted()).rejects.toThrow('unlisted');
});
