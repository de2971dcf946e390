import { BentleyCloudRpcManager } from '@linnet/common';
import type { BentleyCloudRpcParams, RpcInterfaceDefinition } from '@linnet/common';

export function initializeRpcClientBentleyCloudForApp(interfaces: RpcInterfaceDefinition[]) {
  const cloudParams: BentleyCloudRpcParams = { info: { title: 'RobotWorldEngine', version: 'v1.0' } };
  BentleyCloudRpcManager.initializeClient(cloudParams, interfaces);
}

export function initializeRpcClientBentleyCloud(interfaces: RpcInterfaceDefinition[], serviceUrl?: string) {
  const cloudParams: BentleyCloudRpcParams = {
    info: { title: 'RobotWorldEngine', version: 'v1.0' },
    uriPrefix: serviceUrl,
  };
  BentleyCloudRpcManager.initializeClient(cloudParams, interfaces);
}
