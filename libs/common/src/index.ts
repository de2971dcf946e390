// For applications.
export { RpcInterface } from './rpc/definition/interface.js';
export type {
  RpcInterfaceDefinition,
  RpcOperationName,
  RpcOperationPolicy,
  RpcOperationPolicyProps,
  RpcOperations,
  RpcRoutedRequest,
} from './rpc/definition/definition.js';
export { rpcOperations } from './rpc/definition/definition.js';
export { isRpcError, rpcError } from './rpc/definition/rpc.error.js';
export type { RpcErrorOf } from './rpc/definition/rpc.error.js';
export { isIpcError, ipcError } from './ipc/channel/ipc.error.js';
export type { IpcErrorOf } from './ipc/channel/ipc.error.js';
export type { DeclaredError, DeclaredErrorLike, DeclaredErrorOptions } from './schema/declared.error.js';
export type { CallSchemas, ErrorSchemas, ItemsSchema, ParameterSchema } from './schema/call.schemas.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema/standard.schema.js';
export { RpcOperation } from './rpc/definition/decorator.js';
export type { RpcOperationDecorator } from './rpc/definition/decorator.js';
export { RpcControlResponse, RpcNotFoundResponse, RpcPendingResponse } from './error/control.response.js';
export type { IModelRpcProps } from './rpc/definition/token.js';
export { IModelError, NoContentError, TransientError } from './error/imodel.error.js';
export { NumberedError } from './base/numbered.error.js';
export type { ErrorMetaData } from './base/numbered.error.js';
export { itwinErrors } from './error/itwin.errors.js';
export type { ItwinErrorClasses } from './error/itwin.errors.js';
export { BackendError, DeadlineError, ServerError } from './error/backend.error.js';
export { IModelStatus, RpcInterfaceStatus } from './error/status.table.js';
export { Exposed } from './error/error.members.js';
export { Activity } from './call/activity.js';
export type { ActivityProps } from './call/activity.js';
export type { TraceFields } from './base/observer.js';
export type { Idempotency } from './call/idempotency.js';
export { MemoryOnceStore } from './call/once.store.js';
export type { OnceClaim, OnceState, OnceStore } from './call/once.store.js';
export { ipcChannel } from './ipc/channel/channel.js';
export type {
  AsyncMethodsOf,
  IpcChannelDefinition,
  IpcChannelLike,
  IpcChannelWith,
  IpcMethodPolicy,
  PromiseReturnType,
} from './ipc/channel/channel.js';
export { IpcSession } from './ipc/channel/session.js';
export { BackplaneError } from './ipc/node/backplane.js';
export type {
  AppendOptions,
  BackplaneEntry,
  BackplaneEvents,
  BackplaneFailure,
  BackplaneLog,
  BackplaneLogs,
  BackplaneNode,
  IpcBackplane,
  MissedFrame,
} from './ipc/node/backplane.js';
export { memoryBackplane } from './ipc/node/memory.backplane.js';
export type { RemoteCallOptions } from './ipc/node/node.requests.js';
export type { RoomChange, RoomMember } from './ipc/node/presence.js';
export type { IpcRoomTarget } from './ipc/rooms/room.target.js';
export { IpcRooms } from './ipc/rooms/rooms.js';
export type { IpcRoomsOptions, RoomPolicy } from './ipc/rooms/rooms.options.js';
export type { IpcRemoteSession } from './ipc/rooms/session.handle.js';
export type { IpcEvent, IpcIdentity, IpcListener, IpcSessionRequest } from './ipc/channel/session.js';
export type {
  IpcCall,
  IpcChannelHandler,
  ChannelRegistry,
  IpcMethodHandler,
  IpcRawHandler,
  IpcServedChannel,
  IpcTarget,
} from './ipc/dispatcher/channel.registry.js';
export type { IpcListeners } from './ipc/channel/listeners.js';
export type { IpcNotifier, IpcProxy } from './ipc/channel/proxy.js';
export { IpcClosedError } from './ipc/channel/closure.js';
export type { IpcClosure } from './ipc/channel/closure.js';
export { defaultIpcLimits, defaultWireLimits } from './base/limits.js';
export type { IpcLimits, WireLimits } from './base/limits.js';

export type { RpcStream, RpcStreamSource } from './stream/stream.js';

// Clients of RPC.
export { RpcClient } from './rpc/client/client.js';
export { createRpcClient } from './http/client/create.rpc.client.js';
export type { RpcProxy } from './rpc/client/client.js';
export {
  BentleyCloudRpcManager,
  RpcConfiguration,
  RpcManager,
  RpcRequestEvent,
  RpcRoutingToken,
  WebRpcManager,
} from './http/client/rpc.manager.js';
export type {
  BentleyCloudRpcParams,
  RpcRequestContext,
  RpcRequestEventHandler,
  WebRpcParams,
} from './http/client/rpc.manager.js';
export type {
  RpcCallOptions,
  RpcClientEvent,
  RpcClientStep,
  RpcNotFoundEvent,
  RpcNotFoundHandler,
  RpcRetryPolicy,
  RpcCallContext,
} from './rpc/client/client.options.js';
export type { RpcClientOptions } from './http/client/client.options.js';
export type { RpcClientBaseOptions } from './rpc/client/client.options.js';
export type { RpcClientTransport, RpcReply, RpcRequest } from './rpc/client/transport.js';
export { HttpTransport } from './http/client/http.transport.js';
export { inMemoryHttp } from './http/memory/memory.send.js';
export type { HttpReply, HttpRequest, HttpSend } from './http/client/send.js';

// Frontends of IPC.
export { IpcFrontend } from './ipc/client/frontend.js';
export type {
  IpcAddListener,
  IpcFrontendHandler,
  IpcFrontendListener,
  IpcFrontendOptions,
  IpcInvokeOptions,
  IpcNotificationListener,
} from './ipc/client/frontend.options.js';
export type { IpcConnectionState } from './ipc/client/connection.state.js';
export type {
  IpcConnectionEvents,
  IpcConnector,
  IpcFrameEvents,
  IpcPeerEvents,
} from './ipc/wire/connector.js';
export { compatibleWire, durableCloneWire, durableTextWire } from './ipc/wire/wire.js';
export type { ConnectionWire, DurableWire, IpcServerWire, IpcWire } from './ipc/wire/wire.js';
export type { IpcServerTransport, IpcTransport } from './ipc/message/transport.js';
export { memoryIpc } from './ipc/transport/memory.js';
export type { MemoryIpcOptions } from './ipc/transport/memory.js';
export type { IpcFrame } from './ipc/message/message.js';
export { messagePortIpc, serveMessagePort } from './ipc/transport/message.port.js';
export { acceptLocal } from './ipc/server/local.session.js';
export type { LocalSessionProps } from './ipc/server/local.session.js';
export type { MessagePortLike } from './ipc/transport/message.port.js';
export { rpcOverIpc } from './rpc-over-ipc/client.js';

// Servers without Nest.
export { RpcDispatcher } from './rpc/server/dispatcher.js';
export type { RpcDispatcherOptions, RpcImplementation } from './rpc/server/dispatcher.js';
export { OnceCalls } from './rpc/server/once.calls.js';
export type { OnceOptions } from './rpc/server/once.calls.js';
export type { OnceEntrance } from './rpc/server/once.entrance.js';
export type { RpcEndpoint } from './rpc/definition/endpoint.js';
export type {
  HttpRpcTransport,
  IpcRpcTransport,
  MessageRpcTransport,
  RpcCall,
  RpcHandler,
  RpcOperationTarget,
  RpcOutcome,
  RpcTransport,
} from './rpc/server/call.js';
export { HttpRpcHandler } from './http/server/handler.js';
export type { RpcListener, RpcListening } from './http/server/listener.js';
export type { DecodeText } from './http/protocol/arguments.reader.js';
export type { HttpHandlerOptions } from './http/call/options.js';
export type { OriginOptions } from './http/call/origin.policy.js';
export type { AnswerClient, HttpRequestHead, HttpResponse, StreamBody } from './http/protocol/message.js';
export type { HttpPlatform } from './http/call/call.transport.js';
export type { ErrorPolicy } from './error/error.codec.js';
export type { ErrorExposure } from './error/error.members.js';
export type { WireError } from './error/error.members.js';
export type { CallReport } from './call/call.report.js';
export { IpcServer } from './ipc/server/server.js';
export type { IpcServerOptions } from './ipc/server/server.options.js';
export type { IpcSessionChange, IpcSessionHooks } from './ipc/server/session.hooks.js';
export type { LocalPeer, NetworkPeer } from './ipc/server/peer.js';
export type { ResumptionOptions } from './ipc/server/session.resumption.js';
export type { IpcCallDispatcherOptions } from './ipc/dispatcher/dispatcher.options.js';
export type { IpcErrorOptions } from './ipc/dispatcher/error.codec.js';
export type { IpcPeer } from './ipc/dispatcher/server.session.js';
export { createFetchServer, FetchRpcServer } from './http/server/fetch.server.js';
export type { CompressBody } from './http/server/fetch.server.js';
export type { HttpRpcServiceOptions } from './http/server/rpc.service.js';
export type {
  RpcAround,
  RpcImpl,
  RpcImplClass,
  RpcImplementationEntry,
} from './rpc/server/implementation.js';

// For libraries with another wire.
export { WireNaming, wireNaming } from './http/protocol/wire.naming.js';
export type { WireNamingCall, WireNamingProps } from './http/protocol/wire.naming.js';
