import { ipcChannel, RpcInterface } from '@linnet/common';

export abstract class Calculator extends RpcInterface {
  static readonly interfaceName = 'Calculator';
  static interfaceVersion = '1.0.0';

  async add(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }

  async halves(_bytes: Uint8Array): Promise<Uint8Array> {
    return this.forward(arguments);
  }
}

export interface Counter {
  countTo(end: number): Promise<string>;
}

export interface CounterNews {
  counted(value: number): void;
}

export const counterChannel = ipcChannel<Counter, CounterNews>('counter-v1.0');
