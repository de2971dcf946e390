import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, UseGuards } from '@nestjs/common';
import type { CanActivate, INestApplicationContext, OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CallContext,
  ClientRequestContext,
  IpcChannel,
  IpcHost,
  IpcModule,
  IpcSession,
  RpcInterface,
  RpcModule,
  serveMessagePort,
} from '@linnet/backend';
import { createRpcClient, IpcFrontend, messagePortIpc, rpcOverIpc } from '@linnet/common';
import type { IpcFrontendOptions } from '@linnet/common';
import { settled, until } from '../../../harness/waiting.js';

const story: string[] = [];

@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;
  onModuleDestroy() {
    this.isOpen = false;
    story.push('database closed');
  }
}

@Injectable()
class NotForGuests implements CanActivate {
  canActivate(context: Parameters<CanActivate['canActivate']>[0]) {
    const { activity } = CallContext.from(context)!;
    return activity.user !== 'guest';
  }
}

abstract class ShelfRpc extends RpcInterface {
  static readonly interfaceName = 'ShelfRpc';
  static interfaceVersion = '1.0.0';
  async weigh(_shelf: string): Promise<unknown> {
    return this.forward(arguments);
  }
}

@RpcInterface(ShelfRpc)
class ShelfRpcImpl implements Pick<ShelfRpc, 'weigh'> {
  @UseGuards(NotForGuests)
  async weigh(shelf: string) {
    await Promise.resolve();
    const { activityId, sessionId } = ClientRequestContext.current;
    return { shelf, activityId, sessionId };
  }
}

let finish: () => void;

@IpcChannel('shelf')
class ShelfHandler implements OnModuleDestroy {
  #count = 0;
  constructor(
    private readonly session: IpcSession,
    private readonly database: Database,
  ) {}
  async count() {
    return ++this.#count;
  }
  async user() {
    return this.session.user;
  }
  async slow() {
    await new Promise<void>((resolve) => (finish = resolve));
    story.push(`slow is done, the database is ${this.database.isOpen ? 'open' : 'closed'}`);
    return 'done';
  }
  onModuleDestroy() {
    story.push('handler destroyed');
  }
}

@Module({
  imports: [RpcModule.forRoot({}), IpcModule.forRoot({})],
  providers: [Database, ShelfRpcImpl, ShelfHandler],
})
class ShelfModule {}

describe('an application context behind a message port', () => {
  let app: INestApplicationContext;
  const ports: MessagePort[] = [];
  beforeEach(async () => {
    story.length = 0;
    app = await NestFactory.createApplicationContext(ShelfModule, { logger: false });
  });
  afterEach(async () => {
    for (const port of ports.splice(0)) port.close();
    await app.close();
  });

  async function connect(user: string, options: IpcFrontendOptions = {}): Promise<IpcFrontend> {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    serveMessagePort(app, port2, { user });
    const frontend = new IpcFrontend(messagePortIpc(port1), options);
    await frontend.ready;
    return frontend;
  }

  it('has its own handlers for each session, and knows the user of the session', async () => {
    const [ann, bob] = [await connect('ann'), await connect('bob')].map((each) =>
      each.makeIpcProxy<ShelfHandler>('shelf'),
    );
    expect([await ann!.count(), await ann!.count(), await bob!.count()]).toEqual([1, 2, 1]);
    expect([await ann!.user(), await bob!.user()]).toEqual(['ann', 'bob']);
  });

  it('serves RPC, with guards and the activity of the call', async () => {
    const shelf = async (user: string) => {
      const transport = rpcOverIpc(await connect(user));
      return createRpcClient({ transport, sessionId: 'S' }).client(ShelfRpc).with({ activityId: 'click' });
    };
    expect(await (await shelf('ann')).weigh('top')).toEqual({
      shelf: 'top',
      activityId: 'click',
      sessionId: 'S',
    });
    await expect((await shelf('guest')).weigh('top')).rejects.toThrow('Forbidden resource');
  });

  it('sends notifications to its frontend', async () => {
    const frontend = await connect('ann');
    const told = new Promise((resolve) => frontend.addListener('news', (_event, news) => resolve(news)));
    await app.get(IpcHost).send('news', 7);
    expect(await told).toBe(7);
  });

  it('sends pending answers before any provider is destroyed', async () => {
    const frontend = await connect('ann');
    const answer = frontend.callIpcChannel('shelf', 'slow');
    await frontend.callIpcChannel('shelf', 'count');
    const closing = app.close();
    await settled();
    expect(story).toEqual([]);
    finish();
    expect(await answer).toBe('done');
    await closing;
    expect(story).toEqual(['slow is done, the database is open', 'handler destroyed', 'database closed']);
    await until(() => frontend.state === 'closed');
    // A later frontend finds no backend.
    await expect(connect('bob')).rejects.toThrow('The server is shutting down.');
  });

  it('ends with the frontend that it is dedicated to', async () => {
    const imports = [IpcModule.forRoot({ dedicated: true, frontendGraceMs: 1 })];
    @Module({ imports, providers: [Database, ShelfHandler] })
    class DedicatedModule {}
    const dedicated = await NestFactory.createApplicationContext(DedicatedModule, { logger: false });
    dedicated.get(IpcHost).bindLifetime(dedicated);
    const { port1, port2 } = new MessageChannel();
    serveMessagePort(dedicated, port2);
    const frontend = new IpcFrontend(messagePortIpc(port1));
    await frontend.callIpcChannel('shelf', 'count');
    frontend.close();
    await until(() => story.includes('database closed'));
    expect(story).toEqual(['handler destroyed', 'database closed']);
  });

  it('destroys the handlers of a session when its port is closed', async () => {
    const frontend = await connect('ann');
    await frontend.callIpcChannel('shelf', 'count');
    ports[0]!.close();
    await until(() => story.includes('handler destroyed'));
    expect(app.get(IpcHost).sessions).toEqual([]);
  });
});
