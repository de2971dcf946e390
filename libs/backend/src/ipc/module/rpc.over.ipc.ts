import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { RpcDispatcher } from '@linnet/common';
import type { IpcRawHandler } from '@linnet/common';
import { OnceLog, RpcOverIpc, SERIALIZED_RPC_CHANNEL, SerializedRpc } from '@linnet/common/internal';
import { reporterFor } from '../../nest/errors/error.observer.js';
import { mapNestException } from '../../nest/errors/exception.mapper.js';
import { RpcServer } from '../../rpc/rpc.server.js';
import type { RpcOverIpcOptions } from '@linnet/common/internal';
import { IpcHost } from '../host/ipc.host.js';
import { provideNativeApp } from '../host/native.app.channel.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';

/** Has every exposed RPC interface answer over IPC, too, and the documents of `RpcModule` have the channels. */
@Injectable()
export class IpcRpcChannel implements OnModuleInit {
  #isSerialized = false;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    const rpc = this.#rpcServer();
    rpc?.describeChannels(() => this.host.server.channels.describe());
    const { node } = this.host.rooms;
    if (node?.backplane.logs ?? node?.backplane.records)
      rpc?.shareOnce(new OnceLog({ id: node.id, node: node.backplane }, false), this.options.userKey);
    new RpcOverIpc(this.#dispatcher(), this.#rpcOptions()).serve(this.host.server.channels);
    if (!this.options.mobile) return;
    this.serveSerialized();
    provideNativeApp(this.host);
  }

  /** Answers the requests of wires that serialize them as core-electron does. Repeated calls do nothing. */
  serveSerialized(): void {
    if (this.#isSerialized) return;
    this.#isSerialized = true;
    const { depth: maxDepth } = this.host.limits;
    const rpc = new SerializedRpc(this.#dispatcher(), { ...this.#rpcOptions(), maxDepth });
    const answer: IpcRawHandler = (event, _method, request: unknown) => rpc.answer(event, request);
    this.host.server.channels.handle(SERIALIZED_RPC_CHANNEL, answer, true);
  }

  #rpcOptions(): RpcOverIpcOptions {
    const logger = new SafeLogger('IpcModule');
    return {
      ...this.options,
      maxArguments: this.host.limits.arguments,
      mapError: mapNestException,
      report: reporterFor(logger, this.options),
    };
  }

  /** An application without `RpcModule` serves no interface, and says so to who asks for one. */
  #dispatcher(): RpcDispatcher {
    return this.#rpcServer()?.dispatcher ?? new RpcDispatcher({ waitingCalls: 0 });
  }

  #rpcServer(): RpcServer | undefined {
    try {
      return this.moduleRef.get(RpcServer, { strict: false });
    } catch {
      return undefined;
    }
  }
}
