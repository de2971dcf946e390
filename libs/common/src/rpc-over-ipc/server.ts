import { streamRefusal } from '../call/stream.result.js';
import { StreamResult } from '../stream/stream.js';
import { Activity, isActivityId } from '../call/activity.js';
import { isCount } from '../value/value.codec.js';
import { GENERAL_ERROR, IModelError } from '../error/imodel.error.js';
import type { RpcCall, RpcOutcome } from '../rpc/server/call.js';
import { outcomeOf } from '../rpc/server/dispatcher.js';
import type { RpcDispatcher } from '../rpc/server/dispatcher.js';
import { IpcAnswer, methodNotFound } from '../ipc/dispatcher/channel.registry.js';
import type { ChannelRegistry, IpcRawEvent, IpcRawHandler } from '../ipc/dispatcher/channel.registry.js';
import { fromWireChannel, RPC_CHANNEL } from '../ipc/channel/channel.js';
import { encodeError } from '../error/error.codec.js';
import type { ErrorPolicy } from '../error/error.codec.js';
import { answerFailure, encodeIpcError } from '../ipc/dispatcher/error.codec.js';
import type { IpcErrorOptions } from '../ipc/dispatcher/error.codec.js';
import type { IpcSession } from '../ipc/channel/session.js';

/** How a server answers RPC over IPC. */
export interface RpcOverIpcOptions extends IpcErrorOptions {
  /** Most arguments of one call. */
  readonly maxArguments: number;
}

/** A call as it was read from a message. */
export interface RpcRequest {
  readonly interfaceName: string;
  readonly interfaceVersion: string;
  readonly operation: string;
  readonly parameters: unknown[];
  readonly context: Readonly<Record<string, unknown>>;
  /** Credentials of this call alone, on the wires that carry them. Default: those of the session. */
  readonly accessToken?: string;
}

/** Receives the outcome of a call, the version of the protocol that its client speaks, and what the call was part of. */
export type RpcSettled = (outcome: RpcOutcome, protocolVersion: number, activity: Activity) => void;

/** The arguments of the operation in the message of a call over the channel of RPC. */
function parametersOf([request]: unknown[]): unknown[] {
  const { parameters } = record(request);
  return Array.isArray(parameters) ? parameters : [];
}

/** Answers calls of RPC interfaces that arrive over an IPC session (docs/wire.md#38-rpc-over-ipc). */
export class RpcOverIpc {
  constructor(
    private readonly dispatcher: RpcDispatcher,
    private readonly options: RpcOverIpcOptions,
  ) {}

  /** Answers the channel of RPC calls. */
  serve(channels: ChannelRegistry): void {
    const answer: IpcRawHandler = (event, method, request: unknown) => this.answer(event, method, request);
    channels.handle(RPC_CHANNEL, answer, true, parametersOf);
  }

  /**
   * @param method `request`: the channel has no other
   * @param request the one argument of the call
   * @returns never rejects
   */
  answer(event: IpcRawEvent, method: string, request: unknown): Promise<IpcAnswer> {
    return new Promise((resolve) => {
      if (method !== 'request') {
        const error = methodNotFound('RpcOverIpc', method, fromWireChannel(RPC_CHANNEL));
        resolve(new IpcAnswer('error', encodeIpcError(error, encodeError(error, '')), event.activity));
        return;
      }
      this.run(event, readRequest(request), (outcome, protocolVersion, activity) => {
        try {
          resolve(this.#answer(outcome, protocolVersion, activity));
        } catch (failure) {
          // An option of the application has failed.
          resolve(this.#error(failure, activity));
        }
      });
    });
  }

  /**
   * Runs a call. Never throws.
   *
   * @param settled is called once
   */
  run(
    { session, activity: outer, acceptsStream }: IpcRawEvent,
    { context, ...rest }: RpcRequest,
    settled: RpcSettled,
  ): void {
    const activity = activityOf(session, outer, context, rest);
    const protocolVersion = versionOf(context['protocolVersion']);
    const settle = (outcome: RpcOutcome) => {
      if (outcome.kind !== 'stream') activity.answered();
      settled(outcome, protocolVersion, activity);
    };
    let call: RpcCall;
    try {
      const { interfaceName, interfaceVersion, operation, parameters } = rest;
      if (parameters.length > this.options.maxArguments)
        throw new IModelError(GENERAL_ERROR, `Invalid request: ${parameters.length} arguments are too many.`);
      const target = this.dispatcher.lookup(interfaceName, interfaceVersion, operation);
      if (target.policy.stream && !acceptsStream) throw streamRefusal(`${interfaceName}.${operation}`);
      const transport = { kind: 'ipc', session, protocolVersion } as const;
      call = { target, arguments: parameters, activity, transport };
    } catch (error) {
      settle(outcomeOf(error));
      return;
    }
    this.dispatcher.dispatch(call, settle);
  }

  #answer(outcome: RpcOutcome, protocolVersion: number, activity: Activity): IpcAnswer {
    const result = (value: unknown) => new IpcAnswer('result', value, activity);
    switch (outcome.kind) {
      case 'result':
        return result(outcome.value);
      case 'stream':
        return result(new StreamResult(outcome.items));
      case 'pending':
        return result(managed('pending', { message: outcome.message }, protocolVersion));
      case 'notFound':
        return result(managed('notFound', outcome.response, protocolVersion));
      case 'noContent':
        if (protocolVersion < 1) return this.#error(outcome.error, activity);
        return result(managed('noContent', noContentMembers(outcome.error, this.options), protocolVersion));
      case 'answered':
        return this.#error(new Error('The call was answered by other means.'), activity);
      default:
        return this.#error(outcome.error, activity);
    }
  }

  #error(thrown: unknown, activity: Activity): IpcAnswer {
    return new IpcAnswer('error', answerFailure(thrown, activity, this.options), activity);
  }
}

/** The members of the error by the rules of errors, without those that all errors of its kind have. */
function noContentMembers(error: unknown, policy: ErrorPolicy): object {
  const {
    message: _message,
    iTwinErrorId: _id,
    ...members
  } = encodeIpcError(error, encodeError(error, '', policy), { ...policy, developmentMode: false }) as Record<
    string,
    unknown
  >;
  return members;
}

/** Wraps an answer that is neither a result nor an error, for clients that have a protocol for it. */
function managed(managedStatus: string, responseValue: object, protocolVersion: number): object {
  if (protocolVersion < 2) return responseValue;
  return { iTwinRpcCoreResponse: true, managedStatus, responseValue };
}

/** Reads the members of a request. A member of the wrong kind becomes empty, and the lookup reports it. */
function readRequest(value: unknown): RpcRequest {
  const { definition, operation, parameters, context } = record(value);
  const { interfaceName, interfaceVersion } = record(definition);
  return {
    interfaceName: text(interfaceName),
    interfaceVersion: text(interfaceVersion),
    operation: text(operation),
    parameters: Array.isArray(parameters) ? parameters : [],
    context: record(context),
  };
}

function activityOf(
  session: IpcSession,
  outer: Activity,
  context: RpcRequest['context'],
  { operation, accessToken = session.accessToken }: Pick<RpcRequest, 'operation' | 'accessToken'>,
): Activity {
  const { id, lastEventId } = context;
  const activity = new Activity(
    {
      activityId: isActivityId(id) ? id : outer.activityId,
      sessionId: text(context['sessionId']),
      applicationId: text(context['applicationId']),
      applicationVersion: text(context['applicationVersion']),
      accessToken,
      rpcMethod: operation,
      deadline: outer.deadline,
      lastEventId: isCount(lastEventId) ? lastEventId : undefined,
      trace: outer.trace,
    },
    session,
    outer,
  );
  activity.identifyBy(session);
  activity.reportTo((value) => outer.report(value));
  return activity;
}

/** A protocol's version, as text or number; its leading digits count, as over HTTP. */
function versionOf(value: unknown): number {
  return parseInt(typeof value === 'number' ? String(value) : text(value), 10) || 0;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
