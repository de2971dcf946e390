export { IpcApp } from './ipc.app.js';
export { IpcHandler } from './ipc.handler.js';
export { NotificationHandler } from './notification.handler.js';
export { webSocketIpc } from './websocket.transport.js';
export type { WebSocketIpcOptions, WebSocketLike } from './websocket.transport.js';
export {
  BackendError,
  BentleyCloudRpcManager,
  createRpcClient,
  DeadlineError,
  ipcChannel,
  IpcClosedError,
  IpcFrontend,
  itwinErrors,
  messagePortIpc,
  RpcClient,
  RpcConfiguration,
  RpcInterface,
  RpcManager,
  RpcOperation,
  rpcOverIpc,
  RpcRequestEvent,
  RpcRoutingToken,
  ServerError,
  WebRpcManager,
} from '@linnet/common';
export type {
  AsyncMethodsOf,
  IpcChannelDefinition,
  IpcClosure,
  IpcConnector,
  IpcFrontendOptions,
  IpcInvokeOptions,
  IpcConnectionState,
  IpcProxy,
  ItwinErrorClasses,
  MessagePortLike,
  PromiseReturnType,
  RpcCallOptions,
  RpcClientEvent,
  RpcClientOptions,
  RpcProxy,
} from '@linnet/common';
