import { RpcInterface } from '@linnet/common';

/** The RPC interface of the workers. */
export class HouseRpc extends RpcInterface {
  static interfaceName = 'HouseRpc';
  static interfaceVersion = '1.0.0';
  async weigh() {
    return this.forward(arguments);
  }
}
