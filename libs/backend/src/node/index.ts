// For applications.
export { createRpcServer, PlainRpcServer } from './rpc/plain.server.js';
export type { RpcServerOptions } from './rpc/plain.server.js';
export type { RpcOnceOptions } from './rpc/once.options.js';
export { createIpcServer, PlainIpcServer } from './ipc/plain.server.js';
export type { PlainIpcServerOptions } from './ipc/plain.server.js';
export type { IpcChannelEntry, SessionHandlerClass } from './ipc/plain.channels.js';
export { clusterBackplane, serveClusterBackplane } from './cluster/cluster.backplane.js';
export type { ClusterBackplaneOptions, ClusterBackplaneServerOptions } from './cluster/cluster.backplane.js';
export { createRpcClient } from './rpc/backend.client.js';
export type { BackendClientOptions } from './rpc/backend.client.js';
export {
  BentleyCloudRpcManager,
  RpcManager,
  serveRegistered,
  WebRpcConfiguration,
  WebRpcManager,
  WebRpcProtocol,
} from './rpc/rpc.manager.js';
export type { BentleyCloudRpcParams, WebRpcServerParams } from './rpc/rpc.manager.js';
export type { VersionCheck } from './rpc/version.rules.js';
export { activityFields, ClientRequestContext } from '../call/request.context.js';
export { useItwin } from './itwin/itwin.context.js';
export type { ItwinActivity, ItwinLogger, ItwinParts, ItwinRpcTrace } from './itwin/itwin.context.js';
export { registeredImplementation as itwinImplementation } from './itwin/itwin.implementation.js';

// Servers on other platforms.
export { NodeRpcServer } from './http/node.server.js';
export type { NodePlatform } from './http/node.call.js';
