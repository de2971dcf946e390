import type { ExternalContextCreator } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/internal';
import type { HttpRpcTransport, RpcCall, RpcHandler } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import type { HttpFramework } from '../http/http.framework.js';
import { HandlerPipeline, handlerMethod, lastValueOf } from '../nest/handler.pipeline.js';
import type { HandlerCall, HandlerMethod } from '../nest/handler.pipeline.js';
import { MessageCall } from '../nest/message.call.js';
import { contextIdOf, instanceInContext, nestParts } from '../nest/nest.internals.js';

type Methods = Record<string, (...args: unknown[]) => unknown>;

const next = () => undefined;

/** Makes the handlers of implementations: the context around each call, and Nest's pipeline where it has a part. */
export class RpcHandlerFactory {
  constructor(
    private readonly creator: ExternalContextCreator,
    private readonly framework: HttpFramework | undefined,
  ) {}

  /** @throws Error naming class and method, for a method that cannot be called as it is declared */
  create(wrapper: InstanceWrapper, name: string): RpcHandler {
    const parts = nestParts(this.creator);
    const method = handlerMethod(parts, wrapper, name);
    if (!wrapper.isDependencyTreeStatic())
      return (call) => ClientRequestContext.run(call.activity, () => this.#runScoped(call, method));
    const instance = wrapper.instance as Methods;
    const pipeline = new HandlerPipeline(parts, instance, method);
    // Most methods have nothing around them, and pay for nothing.
    if (pipeline.isPlain)
      return (call) =>
        ClientRequestContext.run(call.activity, () => lastValueOf(instance[name]!(...call.arguments)));
    return (call) => ClientRequestContext.run(call.activity, () => pipeline.run(this.#handlerCall(call)));
  }

  async #runScoped(call: RpcCall, method: HandlerMethod): Promise<unknown> {
    const { wrapper } = method;
    const parts = nestParts(this.creator);
    const handlerCall = this.#handlerCall(call);
    // Where there is no request, the call is what request-scoped instances may ask for.
    const request = call.transport.kind === 'http' ? call.transport.request : call;
    const contextId = contextIdOf(this.creator, request as object, wrapper.isDependencyTreeDurable());
    let instance: object;
    try {
      instance = await instanceInContext(wrapper, contextId);
    } catch (error) {
      // What fails while the instance is made goes to the filters that need no request.
      return new HandlerPipeline(parts, wrapper.instance as object, method).filter(error, handlerCall);
    }
    return new HandlerPipeline(parts, instance, method, contextId).run(handlerCall);
  }

  #handlerCall(call: RpcCall): HandlerCall {
    const { transport } = call;
    // Without request and response: Nest's context for messages, with the session as theirs.
    if (transport.kind === 'ipc')
      return new MessageCall('rpc', call, [call.arguments, transport.session, next, call]);
    this.framework?.prepare(transport.request, transport.response);
    return new HttpHandlerCall(call, transport, this.framework);
  }
}

class HttpHandlerCall implements HandlerCall {
  readonly contextType = 'http';
  readonly contextArguments: unknown[];
  readonly arguments: unknown[];

  constructor(
    call: RpcCall,
    private readonly transport: HttpRpcTransport,
    private readonly framework: HttpFramework | undefined,
  ) {
    this.arguments = call.arguments;
    this.contextArguments = [transport.request, transport.response, next, call];
  }

  beforeFilter(): void {
    this.framework?.beforeFilter(this.transport.response, this.transport.commonHeaders());
  }

  isAnswered(): boolean {
    return this.framework?.isAnswered(this.transport.response) ?? false;
  }
}
