import type { ExternalContextCreator } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/internal';
import type { RpcCall, RpcHandler } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import type { HttpFramework } from '../http/http.framework.js';
import { readParams } from '../nest/call.params.js';
import { HandlerPipeline, settle } from '../nest/handler.pipeline.js';
import type { HandlerCall } from '../nest/handler.pipeline.js';
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
    if (!wrapper.isDependencyTreeStatic()) {
      readParams(parts, wrapper.instance as object, name);
      return (call) => ClientRequestContext.run(call.activity, () => this.#runScoped(call, wrapper, name));
    }
    const instance = wrapper.instance as Methods;
    const pipeline = new HandlerPipeline(parts, instance, method);
    // Most methods have nothing around them, and pay for nothing.
    if (pipeline.isPlain)
      return (call) =>
        ClientRequestContext.run(call.activity, () => settle(instance[name]!(...call.arguments)));
    return (call) => ClientRequestContext.run(call.activity, () => pipeline.run(this.#handlerCall(call)));
  }

  async #runScoped(call: RpcCall, wrapper: InstanceWrapper, name: string): Promise<unknown> {
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
      return new HandlerPipeline(parts, wrapper.instance as object, { wrapper, name }).filter(
        error,
        handlerCall,
      );
    }
    return new HandlerPipeline(parts, instance, { wrapper, name }, contextId).run(handlerCall);
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
    const { response } = this.call.transport;
    const headers = this.call.transport.commonHeaders();
    for (let i = 0; i < headers.length; i += 2)
      this.framework?.setHeader(response, headers[i]!, headers[i + 1]!);
  }

  isAnswered(): boolean {
    return this.framework?.isAnswered(this.call.transport.response) ?? false;
  }
}
