import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import { createRpcClient, HttpTransport } from '@linnet/common';
import type { RpcClientTransport, RpcInterfaceDefinition } from '@linnet/common';
import { mergeCallOptions } from '@linnet/common/internal';
import { withCallContext } from '../../node/rpc/backend.client.js';
import { getRpcClientToken } from './client.decorator.js';
import type {
  RpcClientAsyncFeature,
  RpcClientFeature,
  RpcClientModuleOptions,
  RpcClientTarget,
} from './client.options.js';
import { relayOf, RelayTransport, setRelay } from './client.relay.js';

const SHARED_OPTIONS = Symbol('linnet:rpc-client-options');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RpcClientModuleOptions>({
  optionsInjectionToken: SHARED_OPTIONS,
})
  .setClassMethodName('forRoot')
  .build();

/**
 * Makes clients of interfaces of other servers. Calls made inside a call belong to that call: activity, session,
 * application, deadline and cancellation travel on.
 *
 * ```ts
 * @Module({ imports: [RpcClientModule.forFeature([{ interface: MapRpcInterface, uriPrefix: 'http://127.0.0.1:3002' }])] })
 * ```
 *
 * `forRoot`, once in an application if at all, has options that all clients share.
 */
@Module({})
export class RpcClientModule extends ConfigurableModuleClass {
  /** Options that all clients share; those of `forFeature` win, member by member in `headers` and `retry`. */
  static override forRoot(options: RpcClientModuleOptions): DynamicModule {
    return shared(super.forRoot(options));
  }

  /** As {@link RpcClientModule.forRoot}, with options that need injected services. */
  static override forRootAsync(
    options: Parameters<typeof ConfigurableModuleClass.forRootAsync>[0],
  ): DynamicModule {
    return shared(super.forRootAsync(options));
  }

  /** Provides the clients to the importing module; see {@link InjectRpcClient}. */
  static forFeature(features: readonly RpcClientFeature[]): DynamicModule {
    return RpcClientModule.forFeatureAsync(
      features.map(({ interface: definition, expose, ...options }) => ({
        interface: definition,
        expose,
        useFactory: () => options,
      })),
    );
  }

  /** As {@link RpcClientModule.forFeature}, with injected services to take the options from. */
  static forFeatureAsync(features: readonly RpcClientAsyncFeature[]): DynamicModule {
    return {
      module: RpcClientModule,
      imports: features.flatMap((feature) => feature.imports ?? []),
      providers: features.flatMap(providersOf),
      exports: features.map((feature) => getRpcClientToken(feature.interface)),
    };
  }
}

/** The transports of the clients that were made here, which end with the application. */
const transports = new WeakMap<object, RpcClientTransport>();

function shared(module: DynamicModule): DynamicModule {
  return { ...module, global: true, exports: [SHARED_OPTIONS] };
}

function providersOf(feature: RpcClientAsyncFeature): Provider[] {
  const { interface: definition, expose, inject = [], useFactory } = feature;
  const client: Provider = {
    provide: getRpcClientToken(definition),
    inject: [{ token: SHARED_OPTIONS, optional: true }, ...inject],
    useFactory: async (common: RpcClientModuleOptions | undefined, ...args: unknown[]) =>
      makeClient(feature, mergeCallOptions(common ?? {}, await useFactory(...args))),
  };
  const end: Provider = {
    provide: Symbol(`end of RpcClient of ${definition.interfaceName}`),
    inject: [getRpcClientToken(definition)],
    useFactory: (made: object) => ({ onApplicationShutdown: () => transports.get(made)?.close?.() }),
  };
  return expose ? [client, end, relayOf(definition)] : [client, end];
}

/** @throws Error if the options do not name a server */
function makeClient(target: RpcClientTarget, options: RpcClientModuleOptions): object {
  const { interface: definition, expose } = target;
  const inCalls = withCallContext(options);
  const transport: RpcClientTransport = options.transport ?? transportTo(definition, options);
  const client = createRpcClient({ ...inCalls, transport }).client(definition);
  transports.set(client, transport);
  if (expose) {
    const relay = createRpcClient({ ...inCalls, transport: new RelayTransport(transport) });
    setRelay(client, relay.relay(definition));
  }
  return client;
}

function transportTo({ interfaceName }: RpcInterfaceDefinition, options: RpcClientModuleOptions) {
  if (!options.uriPrefix)
    throw new Error(
      `RpcClientModule: the client of ${interfaceName} needs a uriPrefix, the address of its server.`,
    );
  return new HttpTransport(options);
}
