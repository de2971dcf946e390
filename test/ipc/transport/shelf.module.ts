import { Module } from '@nestjs/common';
import {
  ClientRequestContext,
  IpcChannel,
  IpcModule,
  IpcSession,
  RpcInterface,
  RpcModule,
} from '@linnet/backend';
import { RpcManager } from '@linnet/common';

// The handlers that a thread serves to another.

export abstract class ShelfRpc extends RpcInterface {
  static readonly interfaceName = 'ShelfRpc';
  static interfaceVersion = '1.0.0';
  static getClient() {
    return RpcManager.getClientForInterface(this);
  }
  async weigh(_shelf: string, _bytes: Uint8Array): Promise<unknown> {
    return this.forward(arguments);
  }
}

@RpcInterface(ShelfRpc)
class ShelfRpcImpl implements ShelfRpc {
  async weigh(shelf: string, bytes: Uint8Array) {
    await Promise.resolve();
    return { shelf, bytes, activityId: ClientRequestContext.current.activityId };
  }
}

@IpcChannel('shelf')
export class ShelfHandler {
  #count = 0;
  constructor(private readonly session: IpcSession) {}

  async count() {
    return ++this.#count;
  }
  async tell(news: unknown) {
    await this.session.send('news', news);
  }
  async ask(question: string) {
    return this.session.invoke('page', question);
  }
  async never() {
    return new Promise<void>(() => undefined);
  }
  async die(how: 'exit' | 'throw') {
    if (how === 'exit') process.exit(1);
    setImmediate(() => {
      throw new Error('The shelf has fallen.');
    });
    await this.never();
  }
}

@Module({
  imports: [RpcModule.forRoot(), IpcModule.forRoot({ heartbeatMs: 500, shutdownTimeoutMs: 100 })],
  providers: [ShelfRpcImpl, ShelfHandler],
})
export class ShelfModule {}
