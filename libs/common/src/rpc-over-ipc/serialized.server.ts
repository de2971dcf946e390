import { GENERAL_ERROR, IModelError } from '../error/imodel.error.js';
import { inOperation } from '../base/numbered.error.js';
import type { Activity } from '../call/activity.js';
import type { RpcOutcome } from '../rpc/server/call.js';
import { isBytes } from '../bytes/bytes.js';
import { encodeError } from '../error/error.codec.js';
import { hiddenError, primitiveMembers, visibleMembers } from '../error/error.members.js';
import type { ErrorExposure, WireError } from '../error/error.members.js';
import { decodeValue, stringifyValue } from '../value/value.codec.js';
import { describeLosses } from '../value/value.inspector.js';
import type { RpcDispatcher } from '../rpc/server/dispatcher.js';
import { record, RpcOverIpc, text } from './server.js';
import type { RpcOverIpcOptions } from './server.js';
import type { IpcEvent } from '../ipc/channel/session.js';

/** How a server answers serialized requests. */
export interface SerializedRpcOptions extends RpcOverIpcOptions {
  /** Deepest nesting of lists and objects in arguments. */
  readonly maxDepth: number;
}

/** A value as core-electron and core-mobile send it: JSON text, and the byte strings that its markers refer to. */
export interface SerializedValue {
  readonly objects: string;
  readonly data: readonly Uint8Array[];
}

/** The answer to a serialized request: `RpcRequestFulfillment` of iTwin.js. */
export interface SerializedReply {
  readonly interfaceName: string;
  /** The id of the request. */
  readonly id: string;
  readonly result: SerializedValue;
  /** A number of `RpcRequestStatus`. */
  readonly status: number;
}

/** The numbers of `RpcRequestStatus` that answers have. */
const PENDING = 3;
const RESOLVED = 4;
const REJECTED = 5;
const NOT_FOUND = 7;
const NO_CONTENT = 9;

/** Bytes of one piece of data. Electron crashes for larger ones: core-electron breaks them at the same size. */
const CHUNK_BYTES = 48 * 1024 * 1024;

const nothing: SerializedValue = { objects: '', data: [] };

/**
 * Answers calls of RPC interfaces by the messages that `ElectronApp` and `MobileApp` of iTwin.js send: requests as
 * `RpcProtocol.serialize` makes them, with names, ids, credentials and marshalled arguments.
 */
export class SerializedRpc {
  readonly #rpc: RpcOverIpc;

  constructor(
    dispatcher: RpcDispatcher,
    private readonly options: SerializedRpcOptions,
  ) {
    this.#rpc = new RpcOverIpc(dispatcher, options);
  }

  /**
   * @param request as the frontend sent it and unchecked, with its byte strings in `parameters.data`
   * @returns never rejects
   */
  answer(event: IpcEvent, request: unknown): Promise<SerializedReply> {
    const { id, operation, parameters, authorization, protocolVersion, ...context } = record(request);
    const { interfaceDefinition, operationName, interfaceVersion } = record(operation);
    const interfaceName = text(interfaceDefinition);
    return new Promise((resolve) => {
      const reply = (answer: Pick<SerializedReply, 'result' | 'status'>) =>
        resolve({ interfaceName, id: text(id), ...answer });
      let args: unknown[];
      try {
        args = argumentsOf(parameters, this.options.maxDepth);
      } catch (error) {
        // It is a mistake of the frontend, and is not logged.
        reply(rejected(encodeError(error, event.activity.activityId, this.options)));
        return;
      }
      this.#rpc.run(
        event,
        {
          interfaceName,
          interfaceVersion: text(interfaceVersion),
          operation: text(operationName),
          parameters: args,
          context: { ...context, id, protocolVersion },
          // A page may have no credentials of its own: those of its session are the next best.
          ...(text(authorization) !== '' && { accessToken: text(authorization) }),
        },
        (outcome, version, activity) => reply(this.#answerOf(outcome, version, activity)),
      );
    });
  }

  #answerOf(
    outcome: RpcOutcome,
    protocolVersion: number,
    activity: Activity,
  ): Pick<SerializedReply, 'result' | 'status'> {
    try {
      if (outcome.kind === 'pending')
        return { status: PENDING, result: { objects: outcome.message, data: [] } };
      if (outcome.kind === 'notFound')
        return { status: NOT_FOUND, result: encodeParts(outcome.response, this.options) };
      if (outcome.kind === 'noContent' && protocolVersion >= 1)
        return { status: NO_CONTENT, result: nothing };
      if (outcome.kind === 'result') {
        const result = encodeParts(outcome.value, this.options);
        if (this.options.developmentMode) this.#warn(outcome.value, activity);
        return { status: RESOLVED, result };
      }
    } catch (error) {
      // A result that cannot be sent is a fault of the server, whatever its error is.
      return this.#failed(inOperation(error, activity.rpcMethod), activity, true);
    }
    // Streaming operations were refused before they ran.
    const isElsewhere = outcome.kind === 'answered' || outcome.kind === 'stream';
    const thrown = isElsewhere ? new Error('The call was answered by other means.') : outcome.error;
    return this.#failed(thrown, activity);
  }

  #failed(thrown: unknown, activity: Activity, internal = false): Pick<SerializedReply, 'result' | 'status'> {
    const { report } = this.options;
    const reportError = (error: WireError, what: unknown) =>
      report?.({ kind: 'error', thrown: what, error, activity });
    try {
      const error = encodeError(thrown, activity.activityId, this.options);
      reportError(internal ? { ...error, internal } : error, thrown);
      return rejected(error, this.options);
    } catch (failure) {
      // An option of the application has failed. The thrown value is reported as well.
      const hidden = hiddenError(activity.activityId);
      reportError(hidden, thrown);
      reportError(hidden, failure);
      return rejected(hidden);
    }
  }

  #warn(value: unknown, activity: Activity): void {
    for (const loss of describeLosses(value))
      this.options.report?.({ kind: 'warning', message: `The caller will not see it: ${loss}.`, activity });
  }
}

/**
 * The answer to a request that was refused before it was a call.
 *
 * @param members the members of the error, as a session writes them
 */
export function refusedReply(request: unknown, members: unknown): SerializedReply {
  const { id, operation } = record(request);
  const body = { name: 'Error', ...record(members), isError: true };
  const interfaceName = text(record(operation)['interfaceDefinition']);
  return { interfaceName, id: text(id), ...rejected({ ...hiddenError(''), body }) };
}

function rejected(
  { body, whole }: WireError,
  exposure: ErrorExposure = {},
): Pick<SerializedReply, 'result' | 'status'> {
  try {
    const members = whole ? visibleMembers(body as object, exposure) : body;
    return { status: REJECTED, result: encodeParts(members, exposure) };
  } catch {
    // A member of the error cannot be sent. Message and number are worth more than it.
    const members = { isError: true, name: 'Error', ...primitiveMembers(body as object) };
    return { status: REJECTED, result: encodeParts(members) };
  }
}

function argumentsOf(parameters: unknown, maxDepth: number): unknown[] {
  const { objects, data = [] } = record(parameters);
  if (typeof objects !== 'string' || !Array.isArray(data) || !data.every(isBytes)) throw malformed();
  const value = decodeValue(objects, data, maxDepth);
  if (!Array.isArray(value)) throw malformed();
  return value;
}

function malformed(): IModelError {
  return new IModelError(GENERAL_ERROR, 'Invalid request: its arguments are not a marshalled list.');
}

/** Copies of bytes, in pieces: a platform that clones an array would clone all the memory behind it. */
export function encodeParts(value: unknown, exposure?: ErrorExposure): SerializedValue {
  const data: Uint8Array[] = [];
  const mark = (view: ArrayBufferView) => {
    if (!isBytes(view)) return undefined;
    const index = data.length;
    for (let at = 0; at === 0 || at < view.byteLength; at += CHUNK_BYTES)
      data.push(new Uint8Array(view.subarray(at, at + CHUNK_BYTES)));
    return { isBinary: true, index, size: view.byteLength, chunks: data.length - index };
  };
  const objects = stringifyValue(value, mark, undefined, exposure);
  return { objects: objects ?? '', data };
}
