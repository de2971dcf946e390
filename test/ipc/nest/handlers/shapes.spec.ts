import { Inject, Injectable, UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcHandler, IpcMethod } from '@linnet/backend';
import { closeIpcApps, ipcRefusal, startIpcApp } from '../../../harness/ipc.harness.js';
import type { IpcTestApp } from '../../../harness/ipc.harness.js';

afterEach(closeIpcApps);

abstract class Base extends IpcHandler {
  readonly channelName = 'shapes';
  async method() {
    return 'method';
  }
}

async function answers(app: IpcTestApp, ...methods: string[]): Promise<unknown[]> {
  const { ask } = await app.connect();
  return Promise.all(
    methods.map(async (method) => {
      const { result, error } = await ask(`shapes.${method}`);
      return error ? error.errorNumber : result;
    }),
  );
}

describe('a field of a handler with an arrow function', () => {
  class Arrows extends Base {
    readonly #greeting = 'hello';
    field = async () => this.#greeting;
    sync = () => 'sync';
    _own = () => 'not for callers';
    onModuleInit = () => undefined;
    Type = class {};
    constructible = function () {
      return 'has a prototype';
    };
    text = 'text';
  }

  const names = [
    'method',
    'field',
    'sync',
    '_own',
    'onModuleInit',
    'Type',
    'constructible',
    'text',
    'toString',
  ];
  const expected = ['method', 'hello', 'sync', 65606, 65606, 65606, 65606, 65606, 32768];

  it('is called as a method is if the handler is registered by hand', async () => {
    const app = await startIpcApp();
    Arrows.register();
    expect((await answers(app, ...names)).slice(0, -1)).toEqual(expected.slice(0, -1));
  });

  it('is called as a method is if the handler is a provider', async () => {
    @IpcChannel()
    class Provided extends Arrows {}
    const app = await startIpcApp({ providers: [Provided] });
    expect((await answers(app, ...names)).slice(0, -1)).toEqual(expected.slice(0, -1));
    expect(app.log.find('log', 'Provided answers IPC channel shapes: field, sync, method')).toHaveLength(1);
  });

  it('can be the only callable member of a handler', async () => {
    const app = await startIpcApp();
    class OnlyArrow extends IpcHandler {
      readonly channelName = 'shapes';
      field = async () => 'only';
    }
    OnlyArrow.register();
    expect(await answers(app, 'field')).toEqual(['only']);
  });

  it('is protected by the guards of its class', async () => {
    @IpcChannel()
    @UseGuards({ canActivate: () => false })
    class Guarded extends Arrows {}
    const app = await startIpcApp({ providers: [Guarded] });
    const { fail } = await app.connect();
    expect(await fail('shapes.field')).toMatchObject({ name: 'ForbiddenException' });
  });

  it('is not callable if the constructor injects something, which can be a function', async () => {
    const secret = () => 'secret';
    @IpcChannel()
    class WithService extends Base {
      field = async () => 'field';
      constructor(@Inject('service') readonly service: () => string) {
        super();
      }
    }
    const app = await startIpcApp({ providers: [WithService, { provide: 'service', useValue: secret }] });
    expect(await answers(app, 'method', 'service', 'field')).toEqual(['method', 65606, 65606]);
  });

  it('is not callable if a property is injected', async () => {
    class Parent extends Base {
      @Inject('service') readonly service!: () => string;
    }
    @IpcChannel()
    class WithProperty extends Parent {}
    const service = { provide: 'service', useValue: () => 'secret' };
    const app = await startIpcApp({ providers: [WithProperty, service] });
    expect(await answers(app, 'method', 'service')).toEqual(['method', 65606]);
  });

  it('is not callable if methods are chosen with @IpcMethod(), or if the class has no channelName', async () => {
    @IpcChannel()
    class Chosen extends Arrows {
      @IpcMethod()
      override async method() {
        return 'chosen';
      }
    }
    const app = await startIpcApp({ providers: [Chosen] });
    expect(await answers(app, 'method', 'field')).toEqual(['chosen', 65606]);
    @IpcChannel('plain')
    class Plain {
      field = () => 'field';
    }
    expect(await ipcRefusal({ providers: [Plain] })).toContain('Plain has no method that could be called');
  });

  it('is not callable through the handler if an injected service has it', async () => {
    @Injectable()
    class Service {
      run = () => 'secret';
    }
    @IpcChannel()
    class Handler extends Base {
      constructor(readonly service: Service) {
        super();
      }
    }
    const app = await startIpcApp({ providers: [Handler, Service] });
    expect(await answers(app, 'method', 'run', 'service')).toEqual(['method', 65606, 65606]);
  });
});
