import { RpcInterface } from '@linnet/backend';
import type { IModelRpcProps } from '@linnet/backend';
import type { Robot } from './bench.data.js';

export class BenchRpc extends RpcInterface {
  static readonly interfaceName = 'Bench';
  static readonly interfaceVersion = '1.0.0';

  async add(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }
  async addGuarded(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }
  async addChecked(_a: number, _b: number): Promise<number> {
    return this.forward(arguments);
  }
  async list(): Promise<Robot[]> {
    return this.forward(arguments);
  }
  async download(): Promise<Uint8Array> {
    return this.forward(arguments);
  }
  async upload(_token: IModelRpcProps, _bytes: Uint8Array): Promise<{ length: number }> {
    return this.forward(arguments);
  }
}
