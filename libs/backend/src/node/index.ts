// What applications use.
export { createRpcServer, PlainRpcServer } from './plain.server.js';
export type { RpcServerOptions } from './plain.server.js';
export { createRpcClient } from './backend.client.js';
export type { BackendClientOptions } from './backend.client.js';
export {
  BentleyCloudRpcManager,
  RpcManager,
  serveRegistered,
  WebRpcConfiguration,
  WebRpcManager,
  WebRpcProtocol,
} from './rpc.manager.js';
export type { BentleyCloudRpcParams, WebRpcServerParams } from './rpc.manager.js';
export type { VersionCheck } from './version.rules.js';
export { activityFields, ClientRequestContext } from '../context/request.context.js';
export { useItwin } from '../itwin/itwin.context.js';
export type { ItwinActivity, ItwinLogger, ItwinParts, ItwinRpcTrace } from '../itwin/itwin.context.js';
export { registeredImplementation as itwinImplementation } from '../itwin/itwin.implementation.js';

// What servers on other platforms are made of.
export { NodeRpcServer } from './node.server.js';
export type { NodePlatform } from './node.call.js';
