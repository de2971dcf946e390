import type { RpcInterfaceDefinition } from '@linnet/common';
import { ElectronApp } from '@linnet/electron/renderer';

export async function initializeElectron(rpcInterfaces: RpcInterfaceDefinition[]) {
  await ElectronApp.startup({ iModelApp: { rpcInterfaces } });
}
