// For applications.
export { RpcModule } from './rpc/rpc.module.js';
export { linnetDocument } from './rpc/linnet.document.js';
export type { LinnetDocumentBase } from './rpc/linnet.document.js';
export type { RpcDocsOptions } from './rpc/rpc.documents.js';
export type { RpcModuleOptions } from './rpc/rpc.options.js';
export type { RpcOnceOptions } from './node/rpc/once.options.js';
export { RpcInterface } from './rpc/rpc.decorator.js';
export type { RpcInterfaceExport, RpcInterfaceOptions } from './rpc/rpc.decorator.js';
export { RpcServer } from './rpc/rpc.server.js';
export { RpcClientModule } from './rpc/client/client.module.js';
export type {
  RpcClientAsyncFeature,
  RpcClientFeature,
  RpcClientModuleOptions,
  RpcClientTarget,
} from './rpc/client/client.options.js';
export type { BackendClientOptions } from './node/rpc/backend.client.js';
export type { VersionCheck } from './node/rpc/version.rules.js';
export { getRpcClientToken, InjectRpcClient } from './rpc/client/client.decorator.js';
export { IpcModule } from './ipc/module/ipc.module.js';
export type { IpcAuthorize, IpcModuleOptions, IpcTicketStore } from './ipc/host/ipc.options.js';
export { CurrentSession, IpcChannel, IpcMethod } from './ipc/host/ipc.decorator.js';
export type { IpcChannelOptions } from './ipc/host/ipc.decorator.js';
export { IpcHandler } from './ipc/host/ipc.handler.js';
export { IpcHost } from './ipc/host/ipc.host.js';
export type { IpcSocketBackend } from './ipc/host/ipc.host.js';
export type { Closable } from './ipc/host/ipc.lifetime.js';
export { wireHostOf } from './ipc/module/wire.host.js';
export type { WireHost } from './ipc/module/wire.host.js';
export { memoryIpc } from './ipc/module/memory.frontend.js';
export { serveMessagePort } from './ipc/module/port.frontend.js';
export { IpcTicketService } from './ipc/gateway/ipc.ticket.js';
export { CatchIpc } from './nest/errors/catch.ipc.js';
export type { ErrorObservation, ErrorObserver } from './nest/errors/error.observer.js';
export { activityFields, ClientRequestContext } from './call/request.context.js';
export { ActivityLogger } from './nest/context/activity.logger.js';
export { CorrelationInterceptor } from './nest/context/correlation.interceptor.js';
export { CorrelationMiddleware } from './nest/context/correlation.middleware.js';
export { MessageRequest } from './nest/message/message.request.js';
export { CallContext, CurrentActivity } from './nest/context/call.context.js';
export {
  Activity,
  BackendError,
  DeadlineError,
  Exposed,
  IModelError,
  IModelStatus,
  ipcChannel,
  IpcClosedError,
  ipcError,
  IpcSession,
  isIpcError,
  isRpcError,
  NoContentError,
  rpcError,
  RpcInterfaceStatus,
  RpcNotFoundResponse,
  RpcOperation,
  rpcOperations,
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
  IpcSessionChange,
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
export { HealthModule } from './health/health.module.js';
export { HealthService } from './health/health.service.js';
export type { HealthOptions, HealthReport } from './health/health.options.js';
