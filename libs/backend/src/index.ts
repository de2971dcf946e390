// What applications use.
export { RpcModule } from './rpc/rpc.module.js';
export type { RpcModuleOptions } from './rpc/rpc.options.js';
export { RpcInterface } from './rpc/rpc.decorator.js';
export type { RpcInterfaceOptions } from './rpc/rpc.decorator.js';
export { RpcServer } from './rpc/rpc.server.js';
export { activityFields, ClientRequestContext } from './context/request.context.js';
export { ActivityLogger } from './context/activity.logger.js';
export { CorrelationInterceptor } from './context/correlation.interceptor.js';
export { CorrelationMiddleware } from './context/correlation.middleware.js';
export { CallContext, CurrentActivity } from './context/call.context.js';
export {
  Activity,
  Exposed,
  IModelError,
  IModelStatus,
  NoContentError,
  RpcInterfaceStatus,
  RpcNotFoundResponse,
  RpcOperation,
  RpcPendingResponse,
  TransientError,
} from '@linnet/common';
export type { IModelRpcProps, RpcInterfaceDefinition, RpcOperationPolicy } from '@linnet/common';
