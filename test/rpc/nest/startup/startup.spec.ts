import { Injectable, Module, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RpcInterface, RpcModule, RpcOperation, RpcServer } from '@linnet/backend';
import {
  closeApps,
  definitionOf,
  LogRecorder,
  refusal as refusalOf,
  send,
  startApp,
} from '../../../harness/nest.harness.js';
import { gate, settled, until } from '../../../harness/waiting.js';

const definition = definitionOf('Start', 'one', 'two');

@RpcInterface(definition)
class StartImpl {
  async one() {
    return 1;
  }
  async two() {
    return 2;
  }
}

/** Starts an application with these providers. @returns the message of the error */
const refusal = (providers: any[], setup: object = {}) => refusalOf({ providers, ...setup });

afterEach(closeApps);

describe('an application does not start', () => {
  it('with an implementation that lacks an operation', async () => {
    @RpcInterface(definition)
    class HalfImpl {
      async one() {}
    }
    expect(await refusal([HalfImpl])).toMatch(/^HalfImpl does not implement two of RPC interface "Start"/);
  });

  it('with an implementation that only inherits the definition', async () => {
    @RpcInterface(definition)
    class HeirImpl extends definition {
      async one() {}
    }
    expect(await refusal([HeirImpl])).toMatch(/^HeirImpl does not implement two of/);
  });

  it('with two implementations of one interface', async () => {
    @RpcInterface(definition)
    class OtherImpl extends StartImpl {}
    expect(await refusal([StartImpl, OtherImpl])).toBe(
      'RPC interface "Start" has two implementations: StartImpl and OtherImpl.',
    );
  });

  it('with one implementation in two modules', async () => {
    @Module({ providers: [StartImpl] })
    class Second {}
    expect(await refusal([StartImpl], { imports: [Second] })).toBe(
      'RPC interface "Start" has two implementations: StartImpl and StartImpl.',
    );
  });

  it.each(['1', '1.2', 'latest', '01.2.3', 'v1.0.0'])('with the version %s', async (interfaceVersion) => {
    const versioned = Object.assign(definitionOf('Versioned', 'one'), { interfaceVersion });
    @RpcInterface(versioned)
    class VersionedImpl {
      async one() {}
    }
    expect(await refusal([VersionedImpl])).toBe(
      `VersionedImpl: interfaceVersion "${interfaceVersion}" of "Versioned" is not a semantic version.`,
    );
  });

  it('with a definition without a name', async () => {
    const nameless = Object.assign(definitionOf('Nameless', 'one'), { interfaceName: undefined });
    @RpcInterface(nameless)
    class NamelessImpl {
      async one() {}
    }
    expect(await refusal([NamelessImpl])).toBe(
      'NamelessImpl: RPC definition Nameless has no static interfaceName.',
    );
  });

  it('with a definition that is not a class', () => {
    expect(() => RpcInterface({ interfaceName: 'x' } as never)(class WrongImpl {})).toThrow(
      '@RpcInterface() on WrongImpl: the first argument is not a definition class.',
    );
  });

  it('with an implementation of transient scope', async () => {
    @RpcInterface(definition, { scope: Scope.TRANSIENT })
    class TransientImpl extends StartImpl {}
    expect(await refusal([TransientImpl])).toMatch(
      /^TransientImpl: an RPC implementation .* transient scope/,
    );
  });

  it('with an implementation from a request-scoped factory', async () => {
    const factory = { provide: StartImpl, scope: Scope.REQUEST, useFactory: () => new StartImpl() };
    expect(await refusal([factory])).toMatch(/^StartImpl: .* cannot come from a request-scoped factory/);
  });

  it('with a listed interface without an implementation', async () => {
    const missing = definitionOf('Missing', 'one');
    expect(await refusal([StartImpl], { options: { interfaces: [definition, missing] } })).toBe(
      'RPC interface "Missing" is to be exposed, but no provider implements it.',
    );
  });

  it('with an operation that a path cannot carry', async () => {
    const odd = definitionOf('Odd', 'a-b');
    @RpcInterface(odd)
    class OddImpl {
      async 'a-b'() {}
    }
    expect(await refusal([OddImpl])).toBe('OddImpl: RPC definition Odd: an operation cannot be named "a-b".');
  });

  it('with an incomplete implementation, even without an HTTP server', async () => {
    @RpcInterface(definition)
    class HalfImpl {
      async one() {}
    }
    const module = await Test.createTestingModule({ imports: [RpcModule.forRoot({})], providers: [HalfImpl] })
      .setLogger(new LogRecorder())
      .compile();
    await expect(module.init()).rejects.toThrow('HalfImpl does not implement two');
  });
});

describe('an application serves', () => {
  it('a partial implementation, and answers missing operations with an error', async () => {
    @RpcInterface(definition, { partial: true })
    class HalfImpl {
      async one() {
        return 1;
      }
    }
    const { call, log } = await startApp({ providers: [HalfImpl] });
    expect((await call('Start.one')).text).toBe('1');
    expect((await call('Start.two')).json).toMatchObject({
      message: 'RPC interface class "HalfImpl" does not implement operation "two".',
    });
    expect(log.find('log', 'HalfImpl answers Start 1.0.0 (partly)')).toHaveLength(1);
  });

  it('a class that is listed among the controllers', async () => {
    const { call } = await startApp({ controllers: [StartImpl] });
    expect((await call('Start.one')).text).toBe('1');
  });

  it('a request-scoped class that is listed among the controllers', async () => {
    @RpcInterface(definition, { scope: Scope.REQUEST })
    class ScopedImpl extends StartImpl {}
    const { call } = await startApp({ controllers: [ScopedImpl] });
    expect((await call('Start.two')).text).toBe('2');
  });

  it('a class behind a token', async () => {
    const { call } = await startApp({ providers: [{ provide: 'START', useClass: StartImpl }] });
    expect((await call('Start.one')).text).toBe('1');
  });

  it('an implementation once, even if it has several tokens', async () => {
    const { call } = await startApp({
      providers: [
        StartImpl,
        { provide: 'ALIAS', useExisting: StartImpl },
        { provide: 'FACTORY', useFactory: (impl: StartImpl) => impl, inject: [StartImpl] },
      ],
    });
    expect((await call('Start.one')).text).toBe('1');
  });

  it('an implementation that a factory creates', async () => {
    const { call } = await startApp({ providers: [{ provide: 'MADE', useFactory: () => new StartImpl() }] });
    expect((await call('Start.one')).text).toBe('1');
  });

  it('a mock instead of an implementation', async () => {
    const { call } = await startApp({
      providers: [StartImpl],
      build: (builder) =>
        builder.overrideProvider(StartImpl).useValue({ one: async () => 'mock', two: async () => 2 }),
    });
    expect((await call('Start.one')).json).toBe('mock');
  });

  it('an implementation that extends RpcInterface itself', async () => {
    class Declared extends RpcInterface {
      static readonly interfaceName = 'Declared';
      static interfaceVersion = '1.0.0';
      async run(): Promise<string> {
        return this.forward(arguments);
      }
    }
    @RpcInterface(Declared)
    class DeclaredImpl extends RpcInterface implements Declared {
      async run() {
        return 'ran';
      }
    }
    const { call } = await startApp({ providers: [DeclaredImpl] });
    expect((await call('Declared.run')).json).toBe('ran');
  });

  it('the interfaces that an injected service selects', async () => {
    const write = definitionOf('Write', 'one');
    @RpcInterface(write)
    class WriteImpl {
      async one() {}
    }
    @Injectable()
    class Features {
      readonly write = false;
    }
    @Module({ providers: [Features], exports: [Features] })
    class FeaturesModule {}
    const { app, log } = await (async () => {
      const log = new LogRecorder();
      const module = await Test.createTestingModule({
        imports: [
          RpcModule.forRootAsync({
            imports: [FeaturesModule],
            inject: [Features],
            useFactory: (features: Features) => ({
              interfaces: features.write ? [definition, write] : [definition],
            }),
          }),
        ],
        providers: [StartImpl, WriteImpl],
      })
        .setLogger(log)
        .compile();
      return { app: module.createNestApplication({ logger: log }), log };
    })();
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    const route = '/t/v1/mode/1/context/a/imodel/b/changeset/0';
    const chosen = await send(port, { target: `${route}/Start-1.0.0-one`, body: '[]' });
    const other = await send(port, { target: `${route}/Write-1.0.0-one`, body: '[]' });
    const never = await send(port, { target: `${route}/Never-1.0.0-one`, body: '[]' });
    expect(chosen.text).toBe('1');
    expect(other.status).toBe(never.status);
    expect(other.text.replace('Write', 'Never')).toBe(never.text);
    expect(other.json.message).toBe('RPC interface "Write" is not initialized.');
    expect(app.get(RpcServer).endpoints.map(({ interfaceName }) => interfaceName)).toEqual(['Start']);
    expect(log.find('log', 'WriteImpl')).toEqual([]);
    await app.close();
  });

  it('one call at a time of an operation with a concurrency of 1', async () => {
    let running = 0;
    let most = 0;
    let door = gate();
    const work = async () => {
      most = Math.max(most, ++running);
      await door.opened;
      running--;
    };
    @RpcInterface(definition)
    class BusyImpl {
      @RpcOperation({ concurrency: 1 })
      one() {
        return work();
      }
      two() {
        return work();
      }
    }
    const { call } = await startApp({ providers: [BusyImpl] });
    const replies = Array.from({ length: 5 }, () => call('Start.one'));
    await settled();
    door.open();
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(most).toBe(1);
    door = gate();
    const others = Array.from({ length: 5 }, () => call('Start.two'));
    await until(() => running === 5);
    door.open();
    await Promise.all(others);
  });
});
