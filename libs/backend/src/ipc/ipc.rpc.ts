import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { RpcDispatcher } from '@linnet/common';
import type { IpcRawHandler } from '@linnet/common';
import { RPC_CHANNEL, RpcOverIpc } from '@linnet/common/internal';
import { reporterFor } from '../nest/error.observer.js';
import { mapNestException } from '../nest/exception.mapper.js';
import { RpcServer } from '../rpc/rpc.server.js';
import { IpcHost } from './ipc.host.js';
import type { IpcModuleOptions } from './ipc.options.js';
import { IPC_OPTIONS } from './ipc.tokens.js';

/** Has every exposed RPC interface answer over IPC, too. */
@Injectable()
export class IpcRpcChannel implements OnModuleInit {
  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    const logger = new Logger('IpcModule');
    const rpc = new RpcOverIpc(this.#dispatcher(), {
      ...this.options,
      maxArguments: this.host.limits.arguments,
      mapError: mapNestException,
      report: reporterFor(logger, this.options),
    });
    const answer: IpcRawHandler = (event, method, request: unknown) => rpc.answer(event, method, request);
    this.host.server.channels.handle(RPC_CHANNEL, answer, true);
  }

  /** An application without `RpcModule` serves no interface, and says so to who asks for one. */
  #dispatcher(): RpcDispatcher {
    try {
      return this.moduleRef.get(RpcServer, { strict: false }).dispatcher;
    } catch {
      return new RpcDispatcher({ waitingCalls: 0 });
    }
  }
}
