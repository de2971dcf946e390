import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';
import type { RpcInterfaceDefinition } from '@linnet/common';
import type { BackendClientOptions } from '../../node/rpc/backend.client.js';

/** Options of `RpcClientModule`: for all clients by `forRoot`, for one by `forFeature`, which wins. */
export type RpcClientModuleOptions = Omit<BackendClientOptions, 'interfaces'>;

/** An interface that another server answers. */
export interface RpcClientTarget {
  /** The definition that both servers share. */
  readonly interface: RpcInterfaceDefinition;
  /** Serves the interface here as well, by handing calls on to that server. Default `false`. */
  readonly expose?: boolean;
}

/** A client, with all that it needs to know. */
export interface RpcClientFeature extends RpcClientTarget, RpcClientModuleOptions {}

/** A client whose options need injected services. */
export interface RpcClientAsyncFeature extends RpcClientTarget, Pick<ModuleMetadata, 'imports'> {
  /** Makes the options, once, when the application starts. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in Nest's own options of this kind
  readonly useFactory: (...args: any[]) => RpcClientModuleOptions | Promise<RpcClientModuleOptions>;
  /** The arguments of the factory. */
  readonly inject?: NonNullable<FactoryProvider['inject']>;
}
