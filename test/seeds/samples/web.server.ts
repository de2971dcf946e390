import type { RpcInterfaceDefinition } from '@linnet/common';
import { BentleyCloudRpcManager, RpcManager } from '@linnet/backend/node';
import type { BentleyCloudRpcParams } from '@linnet/backend/node';
import { IModelReadRpcInterface } from '@itwin/core-common';
import { RobotWorldReadRpcImpl, RobotWorldWriteRpcImpl } from './robot-world.impl.js';
import { RobotWorldReadRpcInterface, RobotWorldWriteRpcInterface } from './robot-world.interface.js';

export function register(): void {
  RpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);
  RpcManager.registerImpl(RobotWorldWriteRpcInterface, RobotWorldWriteRpcImpl);
}

export interface Features {
  check(feature: string): boolean;
}

export class RobotWorldServer {
  private static _features: Features;

  static interfaces(features: Features): RpcInterfaceDefinition[] {
    this._features = features;
    return this.chooseInterfacesToExpose();
  }

  private static chooseInterfacesToExpose(): RpcInterfaceDefinition[] {
    const interfaces: RpcInterfaceDefinition[] = [IModelReadRpcInterface, RobotWorldReadRpcInterface];
    if (this._features.check('robot.imodel.readwrite')) {
      interfaces.push(RobotWorldWriteRpcInterface);
    }
    return interfaces;
  }
}

// The sample returns nothing; what serves the interfaces needs what it makes.
export function initializeRpcImplBentleyCloud(interfaces: RpcInterfaceDefinition[]) {
  const cloudParams: BentleyCloudRpcParams = { info: { title: 'RobotWorldEngine', version: 'v1.0' } };
  return BentleyCloudRpcManager.initializeImpl(cloudParams, interfaces);
}
