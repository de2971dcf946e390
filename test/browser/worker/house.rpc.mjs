import { RpcInterface } from '@linnet/common';

/** What the workers serve over RPC. */
export class HouseRpc extends RpcInterface {
  static interfaceName = 'HouseRpc';
  static interfaceVersion = '1.0.0';
  async weigh() {
    return this.forward(arguments);
  }
}
