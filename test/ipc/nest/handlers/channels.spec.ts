import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { IpcChannel, ipcChannel, IpcHandler, IpcMethod } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';

interface RobotIpc {
  drive(meters: number): Promise<string>;
  stop(): Promise<string>;
}

const robotChannel = ipcChannel<RobotIpc>('robot-v1.2');

@IpcChannel(robotChannel)
class RobotHandler implements RobotIpc {
  async drive(meters: number) {
    return `drove ${meters}`;
  }
  async stop() {
    return 'stopped';
  }
}

class BaseHandler {
  protected readonly name = 'base';
  async inherited() {
    return `inherited of ${this.name}`;
  }
  async overridden() {
    return 'base';
  }
  async hidden() {
    return 'the accessor hides this';
  }
  onModuleDestroy() {
    return 'hook';
  }
}

/** Has everything that can never be called. */
@IpcChannel('many')
class ManyHandler extends BaseHandler implements OnModuleInit {
  static async onClass() {
    return 'static';
  }
  readonly field = async () => 'field';
  readonly #inner = 'inner';
  asked = 0;
  onModuleInit() {
    return 'hook';
  }
  onApplicationBootstrap() {
    return 'hook';
  }
  beforeApplicationShutdown() {
    return 'hook';
  }
  onApplicationShutdown() {
    return 'hook';
  }
  override async overridden() {
    return 'derived';
  }
  get accessor() {
    return async () => 'accessor';
  }
  // @ts-expect-error -- JavaScript lets an accessor hide a method
  override get hidden() {
    this.asked++;
    return async () => 'accessor';
  }
  async _private() {
    return 'private';
  }
  async #really() {
    return this.#inner;
  }
  override toString() {
    return 'text';
  }
  async [Symbol.iterator]() {
    return 'symbol';
  }
  async really() {
    return this.#really();
  }
}

afterEach(closeIpcApps);

describe('an IPC handler', () => {
  it('answers on a channel that is a string or a typed channel', async () => {
    @IpcChannel('text-v1')
    class TextHandler {
      async say(text: string, times: number) {
        return text.repeat(times);
      }
    }
    const { connect } = await startIpcApp({ providers: [TextHandler, RobotHandler] });
    const { ask } = await connect();
    expect(await ask('text-v1.say', 'ab', 2)).toEqual({ result: 'abab' });
    expect(await ask('robot-v1.2.drive', 10)).toEqual({ result: 'drove 10' });
    expect(await ask('robot-v1.2.stop')).toEqual({ result: 'stopped' });
  });

  it('answers calls of its own and inherited methods, and of no other members', async () => {
    const { connect, app } = await startIpcApp({ providers: [ManyHandler] });
    const { ask, fail } = await connect();
    expect(await ask('many.inherited')).toEqual({ result: 'inherited of base' });
    expect(await ask('many.overridden')).toEqual({ result: 'derived' });
    expect(await ask('many.really')).toEqual({ result: 'inner' });
    const uncallable = ['onModuleInit', 'onApplicationBootstrap', 'onModuleDestroy'];
    uncallable.push('beforeApplicationShutdown', 'onApplicationShutdown', 'accessor', 'hidden', '_private');
    uncallable.push('#really', 'field', 'onClass', 'asked', 'name', 'Symbol()', 'nothing');
    for (const method of uncallable)
      expect(await fail(`many.${method}`)).toMatchObject({
        errorNumber: 65606,
        message: `Method "ManyHandler.${method}" not found on IpcHandler registered for channel: many`,
      });
    expect(app.get(ManyHandler).asked).toBe(0);
  });

  it.each([...Object.getOwnPropertyNames(Object.prototype), 'then'])(
    'rejects calls of a member that every object has: %s',
    async (method) => {
      const { connect } = await startIpcApp({ providers: [ManyHandler] });
      const { fail } = await connect();
      const { message } = await fail(`many.${method}`);
      expect(message).toBe(`Method "${method}" not available for channel: many`);
    },
  );

  it('rejects calls of its method `then`, which Nest would call on a provider', async () => {
    class Thenable extends IpcHandler {
      get channelName() {
        return 'thenable';
      }
      async say() {
        return 'said';
      }
      // eslint-disable-next-line unicorn/no-thenable -- that is the point
      then() {
        return 'then';
      }
    }
    const { connect, host } = await startIpcApp();
    host.register(new Thenable());
    const { ask, fail } = await connect();
    expect(await ask('thenable.say')).toEqual({ result: 'said' });
    expect((await fail('thenable.then')).message).toContain('Method "then" not available');
  });

  it('answers only calls of listed methods if its channel has a list', async () => {
    @IpcChannel(ipcChannel<RobotIpc>('narrow', { methods: ['drive'] }))
    class NarrowHandler extends RobotHandler {
      async extra() {}
    }
    const { connect } = await startIpcApp({ providers: [NarrowHandler] });
    const { ask, fail } = await connect();
    expect(await ask('narrow.drive', 1)).toEqual({ result: 'drove 1' });
    for (const method of ['stop', 'extra'])
      expect((await fail(`narrow.${method}`)).message).toContain(`"NarrowHandler.${method}" not found`);
  });

  it('answers only calls of decorated methods if one is decorated with @IpcMethod()', async () => {
    class Base {
      @IpcMethod()
      async inherited() {
        return 'inherited';
      }
      @IpcMethod()
      async replaced() {}
    }
    @IpcChannel('some')
    class SomeHandler extends Base {
      @IpcMethod()
      async decorated() {
        return 'decorated';
      }
      override async replaced() {}
      async helper() {}
    }
    const { connect } = await startIpcApp({ providers: [SomeHandler] });
    const { ask, fail } = await connect();
    expect(await ask('some.decorated')).toEqual({ result: 'decorated' });
    expect(await ask('some.inherited')).toEqual({ result: 'inherited' });
    for (const method of ['helper', 'replaced'])
      expect((await fail(`some.${method}`)).message).toContain(`"SomeHandler.${method}" not found`);
  });

  it('answers only calls of decorated methods if the module requires @IpcMethod()', async () => {
    @IpcChannel('strict')
    class StrictHandler {
      @IpcMethod()
      async open() {
        return 'open';
      }
      async helper() {}
    }
    const { connect } = await startIpcApp({ providers: [StrictHandler], ipc: { requireIpcMethod: true } });
    const { ask, fail } = await connect();
    expect(await ask('strict.open')).toEqual({ result: 'open' });
    expect((await fail('strict.helper')).message).toContain('not found');
  });

  it('can name its channel in channelName', async () => {
    @Injectable()
    class Greeter {
      readonly greeting = 'hello';
    }
    @IpcChannel()
    class SayingHandler extends IpcHandler {
      @Inject(Greeter) private readonly greeter!: Greeter;
      get channelName() {
        return 'saying-v1';
      }
      async sayHello(name: string) {
        return `${this.greeter.greeting} ${name}`;
      }
    }
    const { connect } = await startIpcApp({ providers: [Greeter, SayingHandler] });
    const { ask, fail } = await connect();
    expect(await ask('saying-v1.sayHello', 'abc')).toEqual({ result: 'hello abc' });
    expect((await fail('saying-v1.channelName')).message).toContain('not found');
  });

  it('is named in the error if it does not exist, or if the call names no method', async () => {
    const { connect } = await startIpcApp({ providers: [RobotHandler] });
    const { raw, fail } = await connect();
    expect((await fail('nobody.there')).message).toBe('No handler is registered for channel: nobody');
    expect((await fail('robot-v1.2.')).message).toBe('The call names no method of channel: robot-v1.2');
    // The name on the wire is exact.
    const envelope = (await raw.invoke('robot-v1.2', 'stop')) as { error: Error };
    expect(envelope.error.message).toBe('No handler is registered for channel: robot-v1.2');
  });

  it('can be registered as a controller', async () => {
    const { connect } = await startIpcApp({ controllers: [RobotHandler] });
    expect(await (await connect()).ask('robot-v1.2.stop')).toEqual({ result: 'stopped' });
  });

  it('can be made by a factory, or be provided under a token', async () => {
    @IpcChannel('tokened')
    class TokenHandler extends RobotHandler {}
    const { connect } = await startIpcApp({
      providers: [
        { provide: 'MADE', useFactory: async () => new RobotHandler() },
        { provide: 'TOKEN', useClass: TokenHandler },
      ],
    });
    const { ask } = await connect();
    expect(await ask('robot-v1.2.stop')).toEqual({ result: 'stopped' });
    expect(await ask('tokened.stop')).toEqual({ result: 'stopped' });
  });

  it('answers once if it is provided under several tokens', async () => {
    const { connect } = await startIpcApp({
      providers: [
        RobotHandler,
        { provide: 'ALIAS', useExisting: RobotHandler },
        { provide: 'FACTORY', useFactory: (handler: RobotHandler) => handler, inject: [RobotHandler] },
      ],
    });
    expect(await (await connect()).ask('robot-v1.2.stop')).toEqual({ result: 'stopped' });
  });

  it('can be replaced by a mock in tests', async () => {
    @IpcChannel()
    class SayingHandler extends IpcHandler {
      get channelName() {
        return 'saying-v1';
      }
      async sayHello() {
        return 'hello';
      }
    }
    const { connect } = await startIpcApp({
      providers: [RobotHandler, SayingHandler],
      build: (builder) =>
        builder
          .overrideProvider(RobotHandler)
          .useValue({ drive: async () => 'mock', other: async () => 'other' })
          .overrideProvider(SayingHandler)
          .useValue({ sayHello: async () => 'mock' }),
    });
    const { ask, fail } = await connect();
    expect(await ask('robot-v1.2.drive')).toEqual({ result: 'mock' });
    expect(await ask('saying-v1.sayHello')).toEqual({ result: 'mock' });
    for (const method of ['stop', 'other'])
      expect((await fail(`robot-v1.2.${method}`)).message).toContain('not found');
  });
});
