import type { RpcInterfaceDefinition } from '@linnet/common';
import { ElectronHost } from '@linnet/electron/main';

export async function initializeForElectron(rpcInterfaces: RpcInterfaceDefinition[]) {
  await ElectronHost.startup({ electronHost: { rpcInterfaces } });
}
