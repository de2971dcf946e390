import { ConfigurableModuleBuilder, Module, Scope } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { DiscoveryModule, REQUEST } from '@nestjs/core';
import { IpcSession } from '@linnet/common';
import { messageExceptions } from '../../nest/internals/message.exceptions.js';
import { MessageRequest } from '../../nest/message/message.request.js';
import { IpcAuthorizer } from '../gateway/ipc.authorizer.js';
import { IpcGateway } from '../gateway/ipc.gateway.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IpcRegistry } from '../handlers/handler.registry.js';
import { IpcRpcChannel } from './rpc.over.ipc.js';
import { NestSessions } from '../gateway/nest.sessions.js';
import { IpcTicketService } from '../gateway/ipc.ticket.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<IpcModuleOptions>({
  optionsInjectionToken: IPC_OPTIONS,
})
  .setClassMethodName('forRoot')
  .build();

/** The session as an injectable: of a handler's own session, or of the session that an RPC call came through. */
const session = {
  provide: IpcSession,
  scope: Scope.REQUEST,
  inject: [REQUEST],
  useFactory: (request: unknown) => {
    if (request instanceof IpcSession) return request;
    if (request instanceof MessageRequest && request.ipcSession) return request.ipcSession;
    // Libraries have requests of their own: the payload of an event, a job.
    const isOther = typeof request === 'object' && request !== null && 'headers' in request;
    const why = isOther
      ? `the call came over ${request instanceof MessageRequest ? 'NATS' : 'HTTP'}.`
      : 'this code does not run in a call over IPC.';
    throw new Error(`There is no IpcSession here: ${why}`);
  },
};

/**
 * Answers the channels of the providers that `@IpcChannel` marks, for frontends that connect by WebSocket to the
 * application's own server.
 *
 * ```ts
 * @Module({ imports: [IpcModule.forRoot({ path: '/ipc' })], providers: [RobotIpcHandler] })
 * ```
 *
 * It is global: `IpcSession`, `IpcHost` and `IpcTicketService` can be injected everywhere.
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    messageExceptions,
    IpcHost,
    IpcRegistry,
    NestSessions,
    IpcAuthorizer,
    IpcTicketService,
    IpcGateway,
    IpcRpcChannel,
    session,
  ],
  exports: [IpcHost, IpcTicketService, IpcSession],
})
export class IpcModule extends ConfigurableModuleClass {
  /** Serves IPC. Options say where frontends connect, which of them may, and within which limits; all have defaults. */
  static override forRoot(options: IpcModuleOptions = {}): DynamicModule {
    return { ...super.forRoot(options), global: true };
  }

  /** As {@link IpcModule.forRoot}, with options that need injected services. */
  static override forRootAsync(
    options: Parameters<typeof ConfigurableModuleClass.forRootAsync>[0],
  ): DynamicModule {
    return { ...super.forRootAsync(options), global: true };
  }
}
