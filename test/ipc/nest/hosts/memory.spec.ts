import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { INestApplicationContext, OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcChannel, IpcHost, IpcModule, IpcSession, memoryIpc } from '@linnet/backend';
import { IpcFrontend } from '@linnet/common';
import { until } from '../../../harness/waiting.js';

const story: string[] = [];
/** Holds, or fails, the making of a session's handlers. */
let made: () => Promise<string>;

@Module({
  providers: [{ provide: 'name', scope: Scope.REQUEST, inject: [IpcSession], useFactory: () => made() }],
  exports: ['name'],
})
class NameModule {}

@Injectable({ scope: Scope.REQUEST })
@IpcChannel('guest')
class GuestHandler implements OnModuleDestroy {
  constructor(
    private readonly session: IpcSession,
    @Inject('name') private readonly name: string,
  ) {
    void session.send('welcome', name);
  }
  async who() {
    return [this.name, this.session.user];
  }
  onModuleDestroy() {
    story.push('handler destroyed');
  }
}

@Module({ imports: [IpcModule.forRoot(), NameModule], providers: [GuestHandler] })
class GuestModule {
  onModuleDestroy() {
    story.push('application ends');
  }
}

describe.each([true, false])(
  'a frontend in the thread of its Nest backend (compatible wire: %s)',
  (compatible) => {
    let app: INestApplicationContext;
    let frontend: IpcFrontend;
    const welcomes: unknown[] = [];
    beforeEach(async () => {
      story.length = welcomes.length = 0;
      made = async () => 'Ann';
      app = await NestFactory.createApplicationContext(GuestModule, { logger: false });
    });
    afterEach(async () => {
      frontend.close();
      await app.close();
    });

    function connect(): void {
      frontend = new IpcFrontend(memoryIpc(app, { compatible, user: 'me' }), { reconnect: false });
      frontend.addListener('welcome', (_event, name) => welcomes.push(name));
    }

    it('has its own handlers, and receives notifications from their constructors', async () => {
      connect();
      expect(await frontend.callIpcChannel('guest', 'who')).toEqual(['Ann', 'me']);
      expect(welcomes).toEqual(['Ann']);
    });

    it('gets an answer as soon as its handlers are made', async () => {
      let finish!: (name: string) => void;
      made = () => new Promise((resolve) => (finish = resolve));
      connect();
      const call = frontend.callIpcChannel('guest', 'who');
      await until(() => finish);
      finish('Bob');
      expect(await call).toEqual(['Bob', 'me']);
    });

    it('is closed with 1011 if its handlers cannot be made', async () => {
      made = () => Promise.reject(new Error('There is no name.'));
      connect();
      await expect(frontend.callIpcChannel('guest', 'who')).rejects.toMatchObject({
        closure: { code: 1011, reason: 'Internal error', initiator: 'remote' },
      });
    });

    it('can close while its handlers are made, and they are destroyed', async () => {
      let finish!: (name: string) => void;
      made = () => new Promise((resolve) => (finish = resolve));
      connect();
      await until(() => finish);
      frontend.close();
      await until(() => app.get(IpcHost).sessions.length === 0);
      finish('Bob');
      await until(() => story.includes('handler destroyed'));
    });

    it('ends before the application does', async () => {
      connect();
      await frontend.callIpcChannel('guest', 'who');
      await app.close();
      expect(story).toEqual(['handler destroyed', 'application ends']);
      await until(() => frontend.state === 'closed');
    });
  },
);
