import { Body, Inject, Injectable, Module, Query, Scope, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CurrentSession,
  IpcChannel,
  ipcChannel,
  IpcHandler,
  IpcMethod,
  IpcModule,
  IpcSession,
} from '@linnet/backend';
import type { IpcChannelLike } from '@linnet/backend';
import { closeIpcApps, connect, ipcRefusal, startIpcApp } from '../../../harness/ipc.harness.js';
import { LogRecorder } from '../../../harness/nest.harness.js';

class Saying {
  async say() {
    return 'said';
  }
}

/** A handler of a channel, made on the spot. */
function handler(channel: IpcChannelLike | undefined, base: new () => object = Saying, options = {}): any {
  class Handler extends base {}
  IpcChannel(channel as string, options)(Handler);
  return Handler;
}

const refusal = (...providers: any[]) => ipcRefusal({ providers });

afterEach(closeIpcApps);

describe('an application with IpcModule does not start', () => {
  it('with two handlers of one channel', async () => {
    @IpcChannel('one')
    class First extends Saying {}
    @IpcChannel(ipcChannel('one'))
    class Second extends Saying {}
    expect(await refusal(First, Second)).toBe('IPC channel "one" has two handlers: First and Second.');
  });

  it('with a handler in two modules', async () => {
    @IpcChannel('one')
    class First extends Saying {}
    @Module({ providers: [First] })
    class Other {}
    expect(await ipcRefusal({ imports: [Other], providers: [First] })).toBe(
      'IPC channel "one" has two handlers: First and First.',
    );
  });

  it('with a handler that has no callable method', async () => {
    class Nothing {
      readonly field = 1;
      _private() {}
      onModuleInit() {}
    }
    expect(await refusal(handler('nothing', Nothing))).toBe(
      'Handler has no method that could be called over IPC channel "nothing".',
    );
  });

  it('with a handler without @IpcMethod() if the module requires it', async () => {
    expect(await ipcRefusal({ providers: [handler('one')], ipc: { requireIpcMethod: true } })).toBe(
      'Handler has no method that could be called over IPC channel "one".',
    );
  });

  it.each([
    [
      'itwinjs-core/rpc-over-ipc',
      'Handler: The IPC channel "itwinjs-core/rpc-over-ipc" is reserved: iTwin.js uses it itself.',
    ],
    ['itwinjs-core/own', 'Handler: The IPC channel "itwinjs-core/own" is reserved: iTwin.js uses it itself.'],
    [
      'a-invoke_response-1',
      'Handler: The IPC channel "a-invoke_response-1" is reserved: iTwin.js uses it itself.',
    ],
    ['itwin.robot', 'Handler: The IPC channel "itwin.robot" is named without "itwin.", which the wire adds.'],
    ['', 'Handler: An IPC channel needs a name.'],
    [7 as never, 'Handler: An IPC channel needs a name.'],
    [
      ipcChannel('itwinjs-core/own'),
      'Handler: The IPC channel "itwinjs-core/own" is reserved: iTwin.js uses it itself.',
    ],
  ])('with a channel of the name %j', async (channel, message) => {
    expect(await refusal(handler(channel))).toBe(message);
  });

  it('with a handler that does not name its channel', async () => {
    expect(await refusal(handler(undefined))).toMatch(/^Handler does not name its IPC channel/);
  });

  it('with a handler that names two channels', async () => {
    @IpcChannel('one')
    class Twofold extends IpcHandler {
      get channelName() {
        return 'two';
      }
      async say() {}
    }
    expect(await refusal(Twofold)).toBe('Twofold names two IPC channels: "one" and "two".');
  });

  it.each([['missing'], ['_private'], ['onModuleInit'], ['toString']])(
    'with a list of methods that contains one that is not callable: %s',
    async (method) => {
      class Base extends Saying {
        async _private() {}
        async onModuleInit() {}
      }
      const channel = ipcChannel<Record<string, object>>('listed', { methods: ['say', method] });
      expect(await refusal(handler(channel, Base))).toBe(
        `Handler does not implement ${method} of IPC channel "listed".`,
      );
    },
  );

  it('with a handler of transient scope', async () => {
    expect(await refusal(handler('one', Saying, { scope: Scope.TRANSIENT }))).toMatch(
      /^Handler: an IPC handler .* transient scope/,
    );
  });

  it('with a handler of a request-scoped factory, whose methods are not known', async () => {
    const Handler = handler('one');
    const factory = { provide: Handler, scope: Scope.REQUEST, useFactory: () => new Handler() };
    expect(await refusal(factory)).toMatch(/^Handler: .* cannot come from a request-scoped factory/);
  });

  it('with a guard that would not run', async () => {
    @Injectable()
    class Guard {
      canActivate() {
        return false;
      }
    }
    class Guarded {
      @UseGuards(Guard)
      async say() {}
    }
    const Handler = handler('one', Guarded);
    const factory = { provide: Handler, useFactory: () => new Handler() };
    expect(await refusal(factory)).toMatch(/^Handler.say: the guard Guard bound to it would not run/);
  });

  class NamedBody {
    async run(@Body('name') _name: string) {}
  }
  class WithQuery {
    async run(@Query() _query: object) {}
  }
  class Between {
    async run(@CurrentSession() _session: IpcSession, _argument: string) {}
  }
  it.each([
    ['a member of a body', NamedBody, 'Handler.run: the decorator of parameter 0 has no meaning for a call'],
    ['a query', WithQuery, 'Handler.run: the decorator of parameter 0 has no meaning for a call'],
    [
      'an argument behind a decorated parameter',
      Between,
      'Handler.run: parameter 1 is an argument of the caller, but stands behind the decorated parameter 0',
    ],
  ])('with a parameter that cannot be filled: %s', async (_what, base, message) => {
    expect(await refusal(handler('one', base))).toContain(message);
  });

  it('with IpcModule twice', async () => {
    @Module({ imports: [IpcModule.forRoot({ path: '/other' })] })
    class Feature {}
    expect(await ipcRefusal({ imports: [Feature] })).toBe(
      'IpcModule.forRoot() is imported twice, but one module serves the whole application.',
    );
  });

  it('with a reserved channel if it has no HTTP server', async () => {
    const module = await Test.createTestingModule({
      imports: [IpcModule.forRoot()],
      providers: [handler('itwinjs-core/own')],
    })
      .setLogger(new LogRecorder())
      .compile();
    await expect(module.init()).rejects.toThrow('is reserved');
    await module.close();
  });

  it('with @IpcMethod() on a member that is not a method', () => {
    const decorate = () => {
      class Wrong {
        @IpcMethod()
        get it() {
          return 1;
        }
      }
      return Wrong;
    };
    expect(decorate).toThrow(new TypeError('@IpcMethod() decorates methods; "it" is not a method.'));
  });
});

describe('the start of an application with IpcModule', () => {
  it('logs the callable methods of each channel', async () => {
    class Two extends Saying {
      async shout() {}
      async _whisper() {}
    }
    const PerSession = handler('per-session', Two);
    Inject(IpcSession)(PerSession.prototype as object, 'session');
    const { log } = await startIpcApp({
      ipc: { path: '/robots' },
      providers: [
        handler('plain', Two),
        handler('queued', Saying, { sequential: true }),
        PerSession,
        handler(ipcChannel<Two>('narrow', { methods: ['shout'] }), Two),
      ],
    });
    const lines = log.find('log', 'IPC channel');
    expect(lines).toEqual([
      'Handler answers IPC channel plain: shout, say',
      'Handler answers IPC channel queued (one call after the other): say',
      'Handler answers IPC channel per-session (one for each session): shout, say',
      'Handler answers IPC channel narrow: shout',
    ]);
    expect(log.find('log', 'Frontends connect at /robots')).toHaveLength(1);
  });

  it.each(['robots', '/robots/', 'robots/'])('accepts the path written as %s', async (path) => {
    const { connect } = await startIpcApp({ ipc: { path }, providers: [handler('one')] });
    const { ask } = await connect({ path: '/robots' });
    expect(await ask('one.say')).toEqual({ result: 'said' });
  });

  it('accepts options from injected services', async () => {
    @Injectable()
    class Config {
      readonly path = '/configured';
    }
    @Module({ providers: [Config], exports: [Config] })
    class ConfigModule {}
    const module = await Test.createTestingModule({
      imports: [
        IpcModule.forRootAsync({
          imports: [ConfigModule],
          inject: [Config],
          useFactory: async ({ path }: Config) => ({ path }),
        }),
      ],
      providers: [handler('one')],
    })
      .setLogger(new LogRecorder())
      .compile();
    const app = module.createNestApplication();
    try {
      await app.listen(0, '127.0.0.1');
      const { port } = app.getHttpServer().address() as { port: number };
      const { ask } = await connect(port, { path: '/configured' });
      expect(await ask('one.say')).toEqual({ result: 'said' });
    } finally {
      await app.close();
    }
  });
});
