// What applications use.
export { RpcInterface } from './rpc/rpc.definition.js';
export type {
  RpcInterfaceDefinition,
  RpcOperationName,
  RpcOperationPolicy,
  RpcOperations,
} from './rpc/rpc.definition.js';
export { RpcOperation } from './rpc/rpc.decorator.js';
export { RpcControlResponse, RpcNotFoundResponse, RpcPendingResponse } from './rpc/rpc.response.js';
export type { IModelRpcProps } from './rpc/rpc.token.js';
export { GENERAL_ERROR, IModelError, NoContentError, TransientError } from './call/call.error.js';
export { IModelStatus, RpcInterfaceStatus } from './wire/error.table.js';
export { Exposed } from './wire/error.members.js';
export { Activity } from './call/call.activity.js';
export type { ActivityProps } from './call/call.activity.js';
export { ipcChannel } from './ipc/ipc.definition.js';
export type {
  AsyncMethodsOf,
  IpcChannelDefinition,
  IpcChannelLike,
  PromiseReturnType,
} from './ipc/ipc.definition.js';
export { IpcSession } from './ipc/ipc.session.js';
export type { IpcEvent, IpcIdentity, IpcListener } from './ipc/ipc.session.js';
export type { IpcNotifier, IpcProxy } from './ipc/ipc.proxy.js';
export { IpcClosedError } from './ipc/ipc.message.js';
export type { IpcClosure } from './ipc/ipc.message.js';
export { defaultIpcLimits, defaultWireLimits, limitsFrom } from './wire/wire.limits.js';
export type { IpcLimits, WireLimits } from './wire/wire.limits.js';

// What servers on other platforms are made of.
export { isVersionCompatible } from './rpc/rpc.version.js';
export { RpcDispatcher } from './rpc/rpc.dispatcher.js';
export type { RpcDispatcherOptions, RpcEndpoint, RpcImplementation } from './rpc/rpc.dispatcher.js';
export { ALREADY_ANSWERED } from './rpc/rpc.call.js';
export type {
  HttpRpcTransport,
  IpcRpcTransport,
  RpcCall,
  RpcHandler,
  RpcOperationTarget,
  RpcOutcome,
  RpcTransport,
} from './rpc/rpc.call.js';
export { operationsOf } from './rpc/rpc.definition.js';
export { outcomeOf } from './rpc/rpc.dispatcher.js';
export { encodeError } from './wire/error.codec.js';
export { hiddenError } from './wire/error.members.js';
export type { ErrorPolicy } from './wire/error.codec.js';
export type { WireError } from './wire/error.members.js';
export { settle } from './call/call.settle.js';
export { reservedNames } from './call/call.names.js';
export { channelName, checkChannelName, RPC_CHANNEL, wireChannel } from './ipc/ipc.definition.js';
export type { IpcCall, IpcChannelHandler, IpcMethodHandler, IpcRawHandler } from './ipc/ipc.channels.js';
export type { IpcTransport } from './ipc/ipc.link.js';
export { preparePush } from './ipc/ipc.codec.js';
export { makeProxy } from './ipc/ipc.proxy.js';
export { RpcOverIpc } from './ipc/ipc.rpc.js';
export { IpcServer } from './ipc/ipc.server.js';
export type { IpcConnection, IpcServerOptions } from './ipc/ipc.server.js';
export type { IpcSessionProps } from './ipc/ipc.session.js';
export { HttpRpcHandler } from './http/http.handler.js';
export { HttpExchange } from './http/http.exchange.js';
export type { HttpPlatform } from './http/http.exchange.js';
export { HttpError } from './http/http.message.js';
export type { HttpRequestHead, HttpResponse } from './http/http.message.js';
export type { HttpHandlerOptions } from './http/http.options.js';
export type { CallReport } from './call/call.report.js';
export { OriginPolicy } from './http/http.origin.js';
export type { OriginOptions } from './http/http.origin.js';
export { openApiDocument } from './http/http.openapi.js';
export { isUnder, pathOf } from './http/http.route.js';
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
export type { BentleyCloudRpcParams, RpcRequestEventHandler, WebRpcParams } from './rpc/rpc.manager.js';
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
export { NumberedError } from './call/numbered.error.js';
export { BackendError, DeadlineError, rebuildError, ServerError } from './call/backend.error.js';
export { IpcFrontend } from './ipc/ipc.frontend.js';
export type {
  IpcFrontendHandler,
  IpcFrontendListener,
  IpcFrontendOptions,
  IpcInvokeOptions,
} from './ipc/ipc.frontend.js';
export type { IpcPairingState } from './ipc/ipc.pairing.js';
export type { IpcConnectionEvents, IpcConnector } from './ipc/ipc.connector.js';
export { memoryIpc } from './ipc/ipc.memory.js';
export type { MemoryIpcOptions } from './ipc/ipc.memory.js';
export { COMPATIBLE_PROTOCOL, DURABLE_PROTOCOL, greetingFrame, parseHello } from './ipc/ipc.durable.codec.js';
export { DurableLink, INTERRUPTED } from './ipc/ipc.durable.link.js';
export { IpcProtocolError } from './ipc/ipc.message.js';

// Servers without Nest, and wires of one's own.
export { createFetchServer, FetchRpcServer } from './http/fetch.server.js';
export type { CompressBody } from './http/fetch.server.js';
export { HttpService } from './http/http.service.js';
export type { HttpServiceOptions } from './http/http.service.js';
export { HttpScheme, httpScheme } from './http/http.scheme.js';
export type { HttpSchemeCall, HttpSchemeProps } from './http/http.scheme.js';
export { httpHandler } from './http/scheme.handler.js';
export { serviceAnswer } from './http/http.services.js';
export type { ServiceAnswer, ServiceEndpoints } from './http/http.services.js';
export { normalizePath } from './http/http.route.js';
export { methodOf, RpcImpls } from './rpc/rpc.impls.js';
export type { RpcAround, RpcImpl, RpcImplClass, RpcServed } from './rpc/rpc.impls.js';
export { isFault, reportToConsole } from './call/call.report.js';
