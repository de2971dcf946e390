// For the other libraries, and for libraries that bring Linnet to another platform: @linnet/common/internal.
// Nothing here follows semantic versioning; any release may change it.

// RPC calls on every transport.
export { ALREADY_ANSWERED } from './rpc/server/call.js';
export { operationsOf } from './rpc/definition/definition.js';
export { outcomeOf } from './rpc/server/dispatcher.js';
export { StoredAnswer } from './rpc/server/once.calls.js';
export { joinOnce, OnceLog } from './ipc/node/once.log.js';
export { onceCaller, volatileClaims } from './rpc/server/once.caller.js';
export { ImplementationRegistry } from './rpc/server/implementation.registry.js';
export { methodOf } from './rpc/server/implementation.js';
export { isFault, reporter, reportToConsole } from './call/call.report.js';
export { isVersionCompatible } from './rpc/definition/version.js';
export { settle } from './base/settle.js';
export { observe, observer } from './base/observer.js';
export type * from './base/observer.js';
export { reportUnhandled, messageOf, oneLine, textOf } from './base/text.js';
export { MIN_UNSENT_BYTES } from './http/call/unsent.answers.js';
export type { UnsentAnswers, UnsentBytes } from './http/call/unsent.answers.js';
export { ByteBudget } from './bytes/byte.budget.js';
export type { BudgetShare } from './bytes/byte.budget.js';
export { mergeOptions } from './base/merge.options.js';
export { ownMember } from './base/own.member.js';
export { mergeCallOptions } from './rpc/client/client.options.js';
export { OpenCalls } from './call/open.calls.js';
export { later, within } from './base/timer.js';
export { GENERAL_ERROR } from './error/imodel.error.js';
export { encodeError } from './error/error.codec.js';
export { exposureOf, hiddenError, withoutOrigin } from './error/error.members.js';
export { isMemory, uncarriedKind } from './value/value.kinds.js';
export { wireNameOf } from './base/error.name.js';
export { ByteCollector, isBytes, joinBytes } from './bytes/bytes.js';
export { decodeValue, isCount } from './value/value.codec.js';
export { checkMessage } from './ipc/message/message.check.js';
export { limitsFrom } from './base/limits.js';

// Streams.
export { ItemQueue } from './stream/item.queue.js';
export { declaredItems } from './call/stream.result.js';
export { afterCheck, checksOf } from './call/call.checks.js';
export type { CheckArguments } from './call/call.checks.js';
export { endingWith, leaveItems, readerItems } from './stream/reading.js';
export { streamEnd, StreamResult } from './stream/stream.js';
export type { StreamItems } from './stream/stream.js';
export type { BindItems } from './call/stream.result.js';

// HTTP, between a platform and the handler.
export { HttpCall } from './http/call/http.call.js';
export { isStreamType, STREAM_TYPE } from './http/protocol/stream.frames.js';
export type { UploadedStream } from './http/protocol/uploaded.stream.js';
export { decoderFor } from './http/protocol/content.encoding.js';
export { observedBody } from './http/call/observed.body.js';
export { HttpError, partsOf, refusal, shuttingDown, UNCOPIED_BYTES } from './http/protocol/message.js';
export { NOT_BEGUN_HEADER } from './http/protocol/headers.js';
export { receiveBody } from './http/call/upload.pump.js';
export { OriginPolicy } from './http/call/origin.policy.js';
export { normalizePath, pathOf } from './http/protocol/url.reader.js';
export { createRpcService, HttpRpcService } from './http/server/rpc.service.js';
export { jsonFile } from './http/server/builtin.endpoints.js';
export type { BuiltinFile } from './http/server/builtin.endpoints.js';
export { chooseEncoding } from './http/protocol/cache.policy.js';

// IPC, between a transport and the session.
export {
  channelName,
  checkChannelName,
  isStreaming,
  methodSchemas,
  RPC_CHANNEL,
  wireChannel,
} from './ipc/channel/channel.js';
export { SERIALIZED_RPC_CHANNEL } from './ipc/channel/channel.js';
export { preparePush } from './ipc/message/outgoing.message.js';
export { makeProxy } from './ipc/channel/proxy.js';
export { makeNotifier } from './ipc/channel/notifier.js';
export { checkArgumentsOf } from './ipc/channel/handler.checks.js';
export { RpcOverIpc } from './rpc-over-ipc/server.js';
export type { RpcOverIpcOptions } from './rpc-over-ipc/server.js';
export { encodeParts, refusedReply, SerializedRpc } from './rpc-over-ipc/serialized.server.js';
export type { SerializedReply } from './rpc-over-ipc/serialized.server.js';
export { copyOf, copyReceived } from './ipc/wire/durable/structured.encoding.js';
export { COMPATIBLE_PROTOCOL, DURABLE_PROTOCOL } from './ipc/wire/durable/handshake.js';
export { OCCUPIED } from './ipc/server/session.door.js';
export { isFaultyEnd } from './ipc/channel/closure.js';
export { IpcMessageType, IpcProtocolError, SessionNotFound } from './ipc/message/message.js';
export type { IpcMessage } from './ipc/message/message.js';
export type { OutgoingMessage } from './ipc/message/outgoing.message.js';
export { callableNames } from './ipc/dispatcher/callable.names.js';
export type { IpcChannelWatcher } from './ipc/dispatcher/channel.registry.js';
export type { KeptBytes } from './ipc/message/session.bytes.js';
export type { IpcLinkEvents, IpcServerLink } from './ipc/message/link.js';
export type { SessionRecord } from './ipc/server/session.record.js';
export { ServerSession } from './ipc/dispatcher/server.session.js';
export { closeFrame } from './ipc/transport/message.port.js';
export { HIGH_WATER, sent, unwatched } from './ipc/message/link.js';
