// For the other libraries, and for libraries that bring Linnet to another platform: @linnet/common/internal.
// Nothing here follows semantic versioning; any release may change it.

// Calls of RPC, whatever they travel by.
export { ALREADY_ANSWERED } from './rpc/rpc.call.js';
export { operationsOf } from './rpc/rpc.definition.js';
export { outcomeOf } from './rpc/rpc.dispatcher.js';
export { RpcImpls } from './rpc/rpc.impls.js';
export { methodOf } from './rpc/rpc.served.js';
export { isFault, reportToConsole } from './call/call.report.js';
export { isVersionCompatible } from './rpc/rpc.version.js';
export { settle } from './call/call.settle.js';
export { complain, messageOf, oneLine, textOf } from './call/call.text.js';
export { ByteBudget } from './call/byte.budget.js';
export type { BudgetShare } from './call/byte.budget.js';
export { mergeOptions } from './call/merge.options.js';
export { mergeCallOptions } from './rpc/rpc.client.options.js';
export { OpenCalls } from './call/open.calls.js';
export { later } from './call/call.timer.js';
export { reservedNames } from './call/call.names.js';
export { GENERAL_ERROR } from './call/call.error.js';
export { encodeError } from './wire/error.codec.js';
export { exposureOf, hiddenError, withoutOrigin } from './wire/error.members.js';
export { isMemory, uncarriedKind } from './wire/value.kinds.js';
export { isBytes } from './wire/bytes.js';
export { decodeValue, isCount } from './wire/value.codec.js';
export { checkMessage } from './ipc/ipc.codec.js';
export { limitsFrom } from './wire/wire.limits.js';

// HTTP, between a platform and the handler.
export { HttpExchange } from './http/http.exchange.js';
export { decoderFor } from './http/http.decoding.js';
export { HttpError, shuttingDown } from './http/http.message.js';
export { OriginPolicy } from './http/http.origin.js';
export { openApiDocument } from './http/http.openapi.js';
export { normalizePath, pathOf } from './http/http.route.js';
export { HttpService } from './http/http.service.js';
export { serviceAnswer, serviceEndpoints } from './http/http.services.js';
export type { ServiceAnswer, ServiceEndpoints } from './http/http.services.js';
export { httpHandler } from './http/scheme.handler.js';

// IPC, between a transport and the session.
export {
  channelMethods,
  channelName,
  checkChannelName,
  RPC_CHANNEL,
  wireChannel,
} from './ipc/ipc.definition.js';
export { preparePush } from './ipc/ipc.outgoing.js';
export { makeProxy } from './ipc/ipc.proxy.js';
export { RpcOverIpc } from './ipc/ipc.rpc.js';
export type { RpcOverIpcOptions } from './ipc/ipc.rpc.js';
export {
  encodeParts,
  refusedReply,
  SERIALIZED_RPC_CHANNEL,
  SerializedRpc,
} from './ipc/ipc.rpc.serialized.js';
export type { SerializedReply } from './ipc/ipc.rpc.serialized.js';
export { copyOf, copyReceived } from './ipc/ipc.cloned.form.js';
export {
  COMPATIBLE_PROTOCOL,
  DURABLE_PROTOCOL,
  greetingLimits,
  greetingOf,
  readHello,
} from './ipc/ipc.durable.codec.js';
export type { Hello } from './ipc/ipc.durable.codec.js';
export { textForm } from './ipc/ipc.durable.form.js';
export { DurableLink, INTERRUPTED } from './ipc/ipc.durable.link.js';
export { IpcMessageType, IpcProtocolError, SessionLost } from './ipc/ipc.message.js';
export type { IpcMessage } from './ipc/ipc.message.js';
export type { OutgoingMessage } from './ipc/ipc.outgoing.js';
export type { IpcChannelWatcher } from './ipc/ipc.channels.js';
export type { KeptBytes } from './ipc/ipc.bytes.js';
export type { IpcServerLink } from './ipc/ipc.server.js';
export { closeFrame } from './ipc/ipc.port.js';
export { HIGH_WATER, sent, unwatched } from './ipc/ipc.link.js';
