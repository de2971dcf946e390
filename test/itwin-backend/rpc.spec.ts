import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { Module, UseGuards } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ActivityLogger, CallContext, IpcChannel, IpcModule, RpcInterface, RpcModule } from '@linnet/backend';
import type { IModelRpcProps } from '@linnet/backend';
import { itwinImplementation, logToNest, useItwin } from '@linnet/backend/itwin';
import { createRpcServer, itwinImplementation as plainImplementation } from '@linnet/backend/node';
import { createRpcClient, rpcOverIpc } from '@linnet/frontend';
import { openFrontend } from '../harness/ipc.harness.js';
import { listen } from '../rpc/plain/plain.servers.js';
import { loadPackages, missing } from './packages.js';
import type { Packages } from './packages.js';

// Interfaces that core-backend registers with the RpcManager of core-common, served by Linnet in one process.

const token: IModelRpcProps = { key: 'nope', iTwinId: 'it', iModelId: 'im', changeset: { id: 'c' } };

interface Shop {
  trace(
    wait: boolean,
  ): Promise<{ activityId?: string; accessToken?: string; rpcMethod?: string; id?: string }>;
  open(times: number): Promise<string>;
  find(): Promise<void>;
  log(): Promise<void>;
  later(): Promise<void>;
}

(missing ? describe.skip : describe)('core-backend in the process of an application', () => {
  let packages: Packages;
  let app: INestApplication;
  let url: string;
  let definition: any;
  let tracesOfChannel: () => unknown;
  const guarded: string[] = [];
  const ends: (() => unknown)[] = [];
  const held: (() => string | undefined)[] = [];

  beforeAll(async () => {
    packages = loadPackages();
    const { backend, bentley, common } = packages;
    await backend.IModelHost.startup();
    class ShopInterface extends common.RpcInterface {
      static readonly interfaceName = 'Shop';
      static readonly interfaceVersion = '1.0.0';
    }
    for (const name of ['trace', 'open', 'find', 'log', 'later', 'absent'])
      Object.defineProperty(ShopInterface.prototype, name, {
        value(this: { forward(args: unknown): unknown }) {
          return this.forward(arguments);
        },
      });
    definition = ShopInterface;
    let opened = 0;
    class ShopImpl extends common.RpcInterface implements Shop {
      async trace(wait: boolean) {
        const { id } = common.RpcInvocation.current(this).request;
        if (wait) await new Promise(setImmediate);
        const { activityId, accessToken, rpcMethod } = backend.RpcTrace.currentActivity ?? {};
        return { activityId, accessToken, rpcMethod, id };
      }
      async open(times: number) {
        if (opened++ < times) throw new common.RpcPendingResponse(`${opened} of ${times}`);
        return 'open';
      }
      async find(): Promise<void> {
        throw new common.IModelNotFoundResponse();
      }
      async log() {
        bentley.Logger.logInfo('shop', 'logged inside', { shelf: 3 });
        bentley.Logger.logError('shop', 'failed inside');
        bentley.Logger.logTrace('shop', 'too much');
      }
      async later() {
        const activity = backend.RpcTrace.currentActivity;
        held.push(() => activity?.accessToken);
      }
    }
    common.RpcManager.registerImpl(definition, ShopImpl);
    const rpcImpl = (name: string) =>
      (packages.load(`@itwin/core-backend/lib/cjs/rpc-impl/${name}`) as Record<string, { register(): void }>)[
        name
      ]!.register();
    for (const name of ['IModelReadRpcImpl', 'IModelTileRpcImpl']) rpcImpl(name);

    @IpcChannel('traces')
    class TracesHandler {
      async current() {
        return { activityId: backend.RpcTrace.currentActivity?.activityId };
      }
    }
    tracesOfChannel = () => TracesHandler;
    class Looks {
      canActivate(context: never) {
        guarded.push(CallContext.from(context)!.operation);
        return true;
      }
    }
    @RpcInterface(definition)
    @UseGuards(new Looks())
    class ShopProvider extends (itwinImplementation(definition) as new () => object) {}
    const { IModelReadRpcInterface, IModelTileRpcInterface } = common;
    @Module({
      imports: [RpcModule.forRoot(), IpcModule.forRoot()],
      providers: [
        ShopProvider,
        TracesHandler,
        ...[IModelReadRpcInterface, IModelTileRpcInterface].map((each) => itwinImplementation(each as never)),
      ],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, { logger: false });
    // Between two calls a busy machine may take as long as Node keeps a connection, and a call on one that just ends fails.
    (app.getHttpServer() as Server).keepAliveTimeout = 60_000;
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  }, 60_000);
  afterEach(() => {
    guarded.length = 0;
    for (const end of ends.splice(0)) end();
  });
  afterAll(() => app.close());

  const clientOf = (uriPrefix = url) =>
    createRpcClient({ uriPrefix, authorization: 'Bearer t', pendingIntervalMs: 10 });
  const shopOf = (uriPrefix?: string) =>
    clientOf(uriPrefix).client(definition) as unknown as Shop & {
      absent(): Promise<void>;
      with(options: object): Shop;
    };
  const useAll = () => {
    const { backend, bentley } = packages;
    ends.push(useItwin({ RpcTrace: backend.RpcTrace, Logger: bentley.Logger as never }));
  };

  it('answers with the registered implementation, inside RpcTrace and behind guards', async () => {
    useAll();
    const expected = { activityId: 'a1', accessToken: 'Bearer t', rpcMethod: 'trace', id: 'a1' };
    for (const wait of [false, true])
      expect(await shopOf().with({ activityId: 'a1' }).trace(wait)).toEqual(expected);
    expect(guarded).toEqual(['trace', 'trace']);
  });

  it('gives each of several calls at the same time its own activity', async () => {
    useAll();
    const ids = Array.from({ length: 20 }, (_, i) => `call-${i}`);
    const traces = await Promise.all(ids.map((activityId) => shopOf().with({ activityId }).trace(true)));
    expect(traces.map(({ activityId }) => activityId)).toEqual(ids);
  });

  it('has no activity in RpcTrace after useItwin has ended', async () => {
    useAll();
    ends.pop()!();
    expect((await shopOf().with({ activityId: 'a2' }).trace(true)).activityId).toBeUndefined();
  });

  it('answers control responses and missing operations like a backend of iTwin.js', async () => {
    const shop = shopOf();
    expect(await shop.open(2)).toBe('open');
    await expect(shop.find()).rejects.toMatchObject({ status: 404, isIModelNotFoundResponse: true });
    await expect(shop.absent()).rejects.toThrow(
      'RPC interface class "ShopImpl" does not implement operation "absent".',
    );
  });

  it('removes the credentials of an activity at the end of its call', async () => {
    useAll();
    await shopOf().with({ activityId: 'a3' }).later();
    expect(held.pop()!()).toBe('');
  });

  it('answers interfaces of core-backend, which find no model', async () => {
    const { IModelReadRpcInterface, IModelTileRpcInterface } = packages.common;
    useAll();
    const client = clientOf();
    const read = client.client(IModelReadRpcInterface) as any;
    await expect(read.getClassHierarchy(token, 'a')).rejects.toMatchObject({
      status: 404,
      isIModelNotFoundResponse: true,
    });
    const tile = client.client(IModelTileRpcInterface) as any;
    await expect(tile.requestTileTreeProps(token, 'x')).rejects.toMatchObject({ status: 404 });
  });

  it('runs channel handlers and RPC over IPC inside RpcTrace', async () => {
    useAll();
    expect(tracesOfChannel()).toBeDefined();
    const frontend = await openFrontend(url);
    ends.push(() => frontend.close());
    const { activityId } = (await frontend.callIpcChannel('traces', 'current')) as { activityId: string };
    expect(activityId).toMatch(/^[\da-f-]{36}$/);
    const rpc = createRpcClient({ transport: rpcOverIpc(frontend) }).client(definition) as unknown as Shop & {
      with(options: object): Shop;
    };
    expect(await rpc.with({ activityId: 'a4' }).trace(true)).toMatchObject({ activityId: 'a4', id: 'a4' });
  });

  it('writes log lines of core-bentley with the ids of the call, also to the logger of the application', async () => {
    useAll();
    const { Logger, LogLevel } = packages.bentley;
    const lines: unknown[] = [];
    Logger.initialize(undefined, undefined, (category, message, metaData) =>
      lines.push([category, message, Logger.getMetaData(metaData)]),
    );
    Logger.setLevelDefault(LogLevel.Info);
    await shopOf().with({ activityId: 'a5' }).log();
    expect(lines).toEqual([
      ['shop', 'logged inside', expect.objectContaining({ ActivityId: 'a5', rpcMethod: 'log', shelf: 3 })],
    ]);
    const written: string[] = [];
    const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
    const spies = [process.stdout, process.stderr].map((stream) => {
      const before = stream.write;
      stream.write = write;
      return () => (stream.write = before);
    });
    try {
      app.useLogger(new ActivityLogger({ json: true }));
      logToNest(Logger);
      await shopOf().with({ activityId: 'a6' }).log();
    } finally {
      for (const end of spies) end();
      app.useLogger(false);
      Logger.turnOffLevelDefault();
    }
    const told = written
      .join('')
      .split('\n')
      .filter((line) => line.includes('inside'));
    expect(told).toHaveLength(2);
    expect(told.join('')).not.toContain('too much');
    for (const line of told) expect(line).toContain('a6');
    expect(told[0]).toContain('"shop"');
  });

  it('answers on a server without Nest', async () => {
    useAll();
    const rpc = createRpcServer({
      interfaces: [[definition, plainImplementation(definition) as never]],
      report: () => undefined,
    });
    const server = await listen(createServer(rpc.handler));
    ends.push(() => server.stop());
    expect(await shopOf(server.url).with({ activityId: 'a7' }).trace(true)).toMatchObject({
      activityId: 'a7',
    });
    await expect(shopOf(server.url).find()).rejects.toMatchObject({ status: 404 });
  });
});
