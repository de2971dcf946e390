import type { Type } from '@nestjs/common';
import type { ExternalContextCreator } from '@nestjs/core';
import { ExecutionContextHost } from '../nest/internals/nest.exports.js';
import type { InstanceWrapper } from '../nest/internals/nest.exports.js';
import type {
  HttpRpcTransport,
  MessageRpcTransport,
  OnceEntrance,
  RpcCall,
  RpcHandler,
  RpcOperationTarget,
} from '@linnet/common';
import { afterCheck } from '@linnet/common/internal';
import type { CheckArguments } from '@linnet/common/internal';
import { ClientRequestContext } from '../call/request.context.js';
import type { HttpIntegration } from '../http/http.integration.js';
import { HandlerPipeline, handlerMethod } from '../nest/pipeline/handler.pipeline.js';
import { OnceEntry } from '../nest/pipeline/handler.call.js';
import type { ErrorOptions, HandlerCall, HandlerMethod } from '../nest/pipeline/handler.call.js';
import { warnOfUnrecordedTypes } from '../nest/params/types.check.js';
import { MessageCall } from '../nest/pipeline/message.call.js';
import type { MessageTarget } from '../nest/pipeline/message.call.js';
import { nestParts } from '../nest/internals/pipeline.parts.js';
import { contextIdOf, instanceInContext } from '../nest/internals/scoped.instances.js';

type Methods = Record<string, (...args: unknown[]) => unknown>;

const next = () => undefined;

/** Makes the handlers of implementations: the context around each call, and Nest's pipeline where it has a part. */
export class RpcHandlerFactory {
  constructor(
    private readonly creator: ExternalContextCreator,
    private readonly integration: HttpIntegration | undefined,
    private readonly errors: ErrorOptions,
  ) {}

  /** @throws Error if a method cannot be called as declared; the message names class and method */
  create(
    wrapper: InstanceWrapper,
    name: string,
    isStream: boolean,
    checkArguments?: CheckArguments,
    once?: OnceEntrance,
  ): RpcHandler {
    const parts = nestParts(this.creator);
    const method = handlerMethod(parts, wrapper, name, this.errors, isStream, checkArguments);
    warnOfUnrecordedTypes(parts, wrapper, name, method.params, '@RpcOperation()');
    if (!wrapper.isDependencyTreeStatic())
      return (call) => ClientRequestContext.run(call.activity, () => this.#runScoped(call, method, once));
    const instance = wrapper.instance as Methods;
    const pipeline = new HandlerPipeline(parts, instance, method);
    // Most methods have nothing around them, and pay for nothing.
    if (pipeline.isPlain)
      return (call) =>
        ClientRequestContext.run(call.activity, () => {
          const run = () =>
            afterCheck(checkArguments, call.arguments, () => instance[name]!(...call.arguments));
          return once ? once.enter(call).then(run) : run();
        });
    return (call) =>
      ClientRequestContext.run(call.activity, () => pipeline.run(this.#handlerCall(call, once)));
  }

  async #runScoped(call: RpcCall, method: HandlerMethod, once?: OnceEntrance): Promise<unknown> {
    const { wrapper } = method;
    const parts = nestParts(this.creator);
    const handlerCall = this.#handlerCall(call, once);
    const contextId = contextIdOf(this.creator, handlerCall.request, wrapper.isDependencyTreeDurable());
    let instance: object;
    try {
      instance = await instanceInContext(wrapper, contextId);
    } catch (error) {
      // An error while the instance is made goes to the filters that need no request.
      return new HandlerPipeline(parts, wrapper.instance as object, method).filter(error, handlerCall);
    }
    return new HandlerPipeline(parts, instance, method, contextId).run(handlerCall);
  }

  #handlerCall(call: RpcCall, once: OnceEntrance | undefined): HandlerCall & { readonly request: object } {
    const handlerCall = this.#callOf(call);
    if (once) handlerCall.once = new OnceEntry(once, call);
    return handlerCall;
  }

  #callOf(call: RpcCall): MessageCall | HttpHandlerCall {
    const { transport } = call;
    if (transport.kind === 'ipc')
      return new MessageCall(messageTargetOf(call.target), transport.session, call);
    if (transport.kind === 'message') return new BrokerCall(call, transport);
    this.integration?.prepare(transport.request, transport.response);
    return new HttpHandlerCall(call, transport, this.integration);
  }
}

/** By operation, as every call names the same. */
const messageTargets = new WeakMap<RpcOperationTarget, MessageTarget>();

function messageTargetOf(target: RpcOperationTarget): MessageTarget {
  let known = messageTargets.get(target);
  if (!known) {
    const { interfaceName, interfaceVersion } = target.definition;
    const url = `/${[interfaceName, interfaceVersion, target.operation].map(encodeURIComponent).join('-')}`;
    known = { contextType: 'rpc', pattern: `${interfaceName}.${target.operation}`, url };
    messageTargets.set(target, known);
  }
  return known;
}

/** A call that came as a message of a broker. */
class BrokerCall extends MessageCall implements HandlerCall {
  constructor(
    call: RpcCall,
    private readonly transport: MessageRpcTransport,
  ) {
    const { headers } = transport;
    super(
      messageTargetOf(call.target),
      { ip: undefined, headers, accessToken: call.activity.accessToken },
      call,
    );
  }

  refused(): void {
    this.transport.isRefused = true;
  }
}

class HttpHandlerCall implements HandlerCall {
  once: OnceEntry | undefined;
  readonly contextType = 'http';
  context: ExecutionContextHost | undefined;
  readonly contextArguments: unknown[];
  readonly arguments: unknown[];

  constructor(
    call: RpcCall,
    private readonly transport: HttpRpcTransport,
    private readonly integration: HttpIntegration | undefined,
  ) {
    this.arguments = call.arguments;
    this.contextArguments = [transport.request, transport.response, next, call];
  }

  get request(): object {
    return this.transport.request as object;
  }

  makeContext(type: Type, callback: (...args: never[]) => unknown): ExecutionContextHost {
    return new ExecutionContextHost(this.contextArguments, type as never, callback);
  }

  failed(): void {}

  done(): void {}

  refused(): void {
    this.transport.isRefused = true;
  }

  beforeFilter(): void {
    this.integration?.beforeFilter(this.transport.response, this.transport.commonHeaders());
  }

  isAnswered(): boolean {
    return this.integration?.isAnswered(this.transport.response) ?? false;
  }
}
