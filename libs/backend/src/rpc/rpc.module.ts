import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { messageExceptions } from '../nest/internals/message.exceptions.js';
import type { RpcModuleOptions } from './rpc.options.js';
import { RPC_OPTIONS, RpcServer } from './rpc.server.js';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<RpcModuleOptions>({
  optionsInjectionToken: RPC_OPTIONS,
})
  .setClassMethodName('forRoot')
  .build();

/**
 * Serves the providers that `@RpcInterface` marks over HTTP, on the application's own server.
 *
 * ```ts
 * @Module({ imports: [RpcModule.forRoot({ info: { title: 'RobotWorldEngine', version: 'v1.0' } })] })
 * ```
 */
@Module({ imports: [DiscoveryModule], providers: [messageExceptions, RpcServer], exports: [RpcServer] })
export class RpcModule extends ConfigurableModuleClass {
  /** Serves RPC. Options say where, to whom, and within which limits; all have defaults. */
  static override forRoot(options: RpcModuleOptions = {}): DynamicModule {
    return super.forRoot(options);
  }
}
