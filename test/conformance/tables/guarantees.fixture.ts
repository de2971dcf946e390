import { RpcInterface, RpcModule } from '@linnet/backend';
import { Module } from '@nestjs/common';
import { errors } from './errors.js';
import { failures } from './hostile.fixture.js';
import { refused, refusedOverRpc, values } from './values.js';

// The operations behind the promises about values and errors.

export abstract class Guarantees extends RpcInterface {
  static readonly interfaceName = 'Guarantees';
  static readonly interfaceVersion = '1.0.0';
  /** The value of that name. */
  value(_name: string): Promise<unknown> {
    return this.forward(arguments);
  }
  /** Compares a received value and returns it. */
  echo(_name: string, _value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  /** Throws the promised error of that name. */
  fail(_name: string): Promise<void> {
    return this.forward(arguments);
  }
  /** Throws what nobody should. */
  failAnyhow(_name: string): Promise<void> {
    return this.forward(arguments);
  }
}

/** The last value that the server received. */
export const last: { received: unknown } = { received: undefined };

/** The promise, whatever it is reached by. */
export class GuaranteesBase {
  async value(name: string) {
    return [...values, ...refused, ...refusedOverRpc].find((each) => each.name === name)!.value;
  }
  async echo(_name: string, value: unknown) {
    last.received = value;
    return value;
  }
  async fail(name: string): Promise<void> {
    throw errors.find((each) => each.name === name)!.thrown;
  }
  async failAnyhow(name: string): Promise<void> {
    throw failures[name]!();
  }
}

@RpcInterface(Guarantees)
export class GuaranteesImpl extends GuaranteesBase implements Guarantees {}

@Module({ imports: [RpcModule.forRoot({})], providers: [GuaranteesImpl] })
export class GuaranteesModule {}

const { interfaceName, interfaceVersion } = Guarantees;

/** A call of an operation over IPC, as clients send it (docs/wire.md#38-rpc-over-ipc). */
export function rpcRequest(operation: string, parameters: unknown[]): object {
  const context = {
    applicationId: 'guarantees',
    applicationVersion: '1',
    id: 'errors',
    sessionId: 's',
    protocolVersion: '2',
  };
  return { definition: { interfaceName, interfaceVersion }, operation, parameters, context };
}
