import type { ExternalContextCreator } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/internal';
import type { RpcCall, RpcHandler } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import type { HttpFramework } from '../http/http.framework.js';
import { readParams } from '../nest/call.params.js';
import { checkEnhancers } from '../nest/enhancer.check.js';
import { HandlerPipeline, settle } from '../nest/handler.pipeline.js';
import type { HandlerCall, HandlerMethod } from '../nest/handler.pipeline.js';
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
    const method = { wrapper, name };
    checkEnhancers(
      wrapper,
      wrapper.instance as object,
      name,
      readParams(parts, wrapper.instance as object, name),
    );
    if (!wrapper.isDependencyTreeStatic())
      return (call) => ClientRequestContext.run(call.activity, () => this.#runScoped(call, method));
    const instance = wrapper.instance as Methods;
    const pipeline = new HandlerPipeline(parts, instance, method);
    // Most methods have nothing around them, and pay for nothing.
    if (pipeline.isPlain)
      return (call) =>
        ClientRequestContext.run(call.activity, () => settle(instance[name]!(...call.arguments)));
    return (call) => ClientRequestContext.run(call.activity, () => pipeline.run(this.#handlerCall(call)));
  }

  async #runScoped(call: RpcCall, method: HandlerMethod): Promise<unknown> {
    const { wrapper } = method;
    const parts = nestParts(this.creator);
    const handlerCall = this.#handlerCall(call);
    const contextId = contextIdOf(
      this.creator,
      call.transport.request as object,
      wrapper.isDependencyTreeDurable(),
    );
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
    this.framework?.prepare(call.transport.request, call.transport.response);
    return new RpcHandlerCall(call, this.framework);
  }
}

class RpcHandlerCall implements HandlerCall {
  readonly contextType = 'http';
  readonly contextArguments: unknown[];
  readonly arguments: unknown[];

  constructor(
    private readonly call: RpcCall,
    private readonly framework: HttpFramework | undefined,
  ) {
    this.arguments = call.arguments;
    this.contextArguments = [call.transport.request, call.transport.response, next, call];
  }

  beforeFilter(): void {
    const { transport } = this.call;
    this.framework?.beforeFilter(transport.response, transport.commonHeaders());
  }

  isAnswered(): boolean {
    return this.framework?.isAnswered(this.call.transport.response) ?? false;
  }
}
