// What applications use.
export { RpcInterface } from './rpc/rpc.interface.js';
export type {
  RpcInterfaceDefinition,
  RpcOperationName,
  RpcOperationPolicy,
  RpcOperationPolicyProps,
  RpcOperations,
  RpcRoutedRequest,
} from './rpc/rpc.definition.js';
export { RpcOperation } from './rpc/rpc.decorator.js';
export { RpcControlResponse, RpcNotFoundResponse, RpcPendingResponse } from './rpc/rpc.response.js';
export type { IModelRpcProps } from './rpc/rpc.token.js';
export { IModelError, NoContentError, TransientError } from './call/call.error.js';
export { NumberedError } from './call/numbered.error.js';
export type { ErrorMetaData } from './call/numbered.error.js';
export { itwinErrors } from './call/itwin.errors.js';
export type { ItwinErrorClasses } from './call/itwin.errors.js';
export { BackendError, DeadlineError, ServerError } from './call/backend.error.js';
export { IModelStatus, RpcInterfaceStatus } from './wire/error.table.js';
export { Exposed } from './wire/error.members.js';
export { Activity } from './call/call.activity.js';
export type { ActivityProps } from './call/call.activity.js';
export type { Idempotency } from './call/call.idempotency.js';
export { ipcChannel } from './ipc/ipc.definition.js';
export type {
  AsyncMethodsOf,
  IpcChannelDefinition,
  IpcChannelLike,
  IpcChannelWith,
  IpcMethodPolicy,
  PromiseReturnType,
} from './ipc/ipc.definition.js';
export { IpcSession } from './ipc/ipc.session.js';
export type { IpcEvent, IpcIdentity, IpcListener } from './ipc/ipc.session.js';
export type {
  IpcCall,
  IpcChannelHandler,
  IpcChannels,
  IpcMethodHandler,
  IpcRawHandler,
  IpcTarget,
} from './ipc/ipc.channels.js';
export type { IpcListeners } from './ipc/ipc.listeners.js';
export type { IpcNotifier, IpcProxy } from './ipc/ipc.proxy.js';
export { IpcClosedError } from './ipc/ipc.message.js';
export type { IpcClosure } from './ipc/ipc.message.js';
export { defaultIpcLimits, defaultWireLimits } from './wire/wire.limits.js';
export type { IpcLimits, WireLimits } from './wire/wire.limits.js';

// What clients of RPC are made of.
export { createRpcClient, RpcClient } from './rpc/rpc.client.js';
export type { RpcProxy } from './rpc/rpc.client.js';
export {
  BentleyCloudRpcManager,
  RpcConfiguration,
  RpcManager,
  RpcRequestEvent,
  RpcRoutingToken,
  WebRpcManager,
} from './rpc/rpc.manager.js';
export type {
  BentleyCloudRpcParams,
  RpcRequestContext,
  RpcRequestEventHandler,
  WebRpcParams,
} from './rpc/rpc.manager.js';
export type {
  RpcCallOptions,
  RpcClientEvent,
  RpcClientOptions,
  RpcClientStep,
  RpcNotFoundEvent,
  RpcNotFoundHandler,
  RpcRetryPolicy,
  RpcSurroundings,
} from './rpc/rpc.client.options.js';
export type { RpcClientTransport, RpcReply, RpcRequest } from './rpc/rpc.exchange.js';
export { HttpTransport } from './http/http.client.js';
export { inMemoryHttp } from './http/memory.transport.js';
export type { HttpReply, HttpRequest, HttpSend } from './http/http.send.js';

// What frontends of IPC are made of.
export { IpcFrontend } from './ipc/ipc.frontend.js';
export type {
  IpcAddListener,
  IpcFrontendHandler,
  IpcFrontendListener,
  IpcFrontendOptions,
  IpcInvokeOptions,
  IpcNotificationListener,
} from './ipc/ipc.frontend.options.js';
export type { IpcPairingState } from './ipc/ipc.pairing.js';
export type { IpcConnectionEvents, IpcConnector } from './ipc/ipc.connector.js';
export type { IpcTransport } from './ipc/ipc.link.js';
export { memoryIpc } from './ipc/ipc.memory.js';
export type { MemoryIpcOptions } from './ipc/ipc.memory.js';
export type { IpcFrame } from './ipc/ipc.message.js';
export { messagePortIpc, serveMessagePort } from './ipc/ipc.port.js';
export type { UnbrokenSessionProps } from './ipc/ipc.greeter.js';
export type { MessagePortLike } from './ipc/ipc.port.js';
export { rpcOverIpc } from './ipc/ipc.rpc.client.js';

// What servers without Nest are made of.
export { RpcDispatcher } from './rpc/rpc.dispatcher.js';
export type { RpcDispatcherOptions, RpcEndpoint, RpcImplementation } from './rpc/rpc.dispatcher.js';
export type {
  HttpRpcTransport,
  IpcRpcTransport,
  RpcCall,
  RpcHandler,
  RpcOperationTarget,
  RpcOutcome,
  RpcTransport,
} from './rpc/rpc.call.js';
export { HttpRpcHandler } from './http/http.handler.js';
export type { DecodeText } from './http/http.body.js';
export type { HttpHandlerOptions } from './http/http.options.js';
export type { OriginOptions } from './http/http.origin.js';
export type { HttpRequestHead, HttpResponse } from './http/http.message.js';
export type { HttpPlatform } from './http/http.exchange.js';
export type { ErrorPolicy } from './wire/error.codec.js';
export type { ErrorExposure } from './wire/error.members.js';
export type { WireError } from './wire/error.members.js';
export type { CallReport } from './call/call.report.js';
export { IpcServer } from './ipc/ipc.server.js';
export type { IpcConnection, IpcServerOptions } from './ipc/ipc.server.js';
export type { IpcConversationOptions } from './ipc/ipc.conversation.js';
export type { IpcErrorOptions } from './ipc/ipc.error.js';
export type { IpcSessionProps } from './ipc/ipc.session.js';
export { createFetchServer, FetchRpcServer } from './http/fetch.server.js';
export type { CompressBody } from './http/fetch.server.js';
export type { HttpServiceOptions } from './http/http.service.js';
export type { RpcAround, RpcImpl, RpcImplClass, RpcServed } from './rpc/rpc.served.js';

// What wires of one's own are made of.
export { HttpScheme, httpScheme } from './http/http.scheme.js';
export type { HttpSchemeCall, HttpSchemeProps } from './http/http.scheme.js';
