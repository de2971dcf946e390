// What applications use.
export { RpcModule } from './rpc/rpc.module.js';
export type { RpcModuleOptions } from './rpc/rpc.options.js';
export { RpcInterface } from './rpc/rpc.decorator.js';
export type { RpcInterfaceExport, RpcInterfaceOptions } from './rpc/rpc.decorator.js';
export { RpcServer } from './rpc/rpc.server.js';
export { RpcClientModule } from './client/client.module.js';
export type {
  RpcClientAsyncFeature,
  RpcClientFeature,
  RpcClientModuleOptions,
  RpcClientTarget,
} from './client/client.options.js';
export type { BackendClientOptions } from './node/backend.client.js';
export type { VersionCheck } from './node/version.rules.js';
export { getRpcClientToken, InjectRpcClient } from './client/client.decorator.js';
export { IpcModule } from './ipc/ipc.module.js';
export type { IpcAuthorize, IpcModuleOptions, IpcTicketStore } from './ipc/ipc.options.js';
export { CurrentSession, IpcChannel, IpcMethod } from './ipc/ipc.decorator.js';
export type { IpcChannelOptions } from './ipc/ipc.decorator.js';
export { IpcHandler } from './ipc/ipc.handler.js';
export { IpcHost } from './ipc/ipc.host.js';
export type { IpcSocketBackend } from './ipc/ipc.host.js';
export type { Closable } from './ipc/ipc.lifetime.js';
export { linkedSessions } from './ipc/ipc.linked.js';
export type { IpcLinkMaker, LinkedSession, LinkedSessions } from './ipc/ipc.linked.js';
export { memoryIpc } from './ipc/ipc.memory.js';
export { serveMessagePort } from './ipc/ipc.port.js';
export { IpcTicketService } from './ipc/ipc.ticket.js';
export { CatchIpc } from './nest/catch.ipc.js';
export type { ErrorObservation, ErrorObserver } from './nest/error.observer.js';
export { activityFields, ClientRequestContext } from './context/request.context.js';
export { ActivityLogger } from './context/activity.logger.js';
export { CorrelationInterceptor } from './context/correlation.interceptor.js';
export { CorrelationMiddleware } from './context/correlation.middleware.js';
export { IpcRequest } from './nest/message.request.js';
export { CallContext, CurrentActivity } from './context/call.context.js';
export {
  Activity,
  BackendError,
  DeadlineError,
  Exposed,
  IModelError,
  IModelStatus,
  ipcChannel,
  IpcClosedError,
  IpcSession,
  NoContentError,
  RpcInterfaceStatus,
  RpcNotFoundResponse,
  RpcOperation,
  RpcPendingResponse,
  ServerError,
  TransientError,
} from '@linnet/common';
export type {
  AsyncMethodsOf,
  IpcChannelDefinition,
  IpcChannelLike,
  IpcClosure,
  IpcEvent,
  IpcIdentity,
  IpcLimits,
  IpcListener,
  IpcNotifier,
  IpcProxy,
  IpcRawHandler,
  PromiseReturnType,
} from '@linnet/common';
export type {
  IModelRpcProps,
  RpcCallOptions,
  RpcImpl,
  RpcInterfaceDefinition,
  RpcOperationPolicy,
  RpcProxy,
} from '@linnet/common';
