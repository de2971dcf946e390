import { createParamDecorator } from '@nestjs/common';
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type { Activity, RpcCall, RpcInterfaceDefinition, RpcTransport } from '@linnet/common';
import { ClientRequestContext } from './request.context.js';

/** A call as guards, interceptors and filters see it, on every transport. */
export class CallContext {
  private constructor(private readonly call: RpcCall) {}

  /** The call of an execution context; `undefined` in an ordinary controller. */
  static from(context: ArgumentsHost): CallContext | undefined {
    const call = context.getArgByIndex<unknown>(3);
    return isCall(call) ? new CallContext(call) : undefined;
  }

  get activity(): Activity {
    return this.call.activity;
  }

  /** The definition whose operation is called. */
  get definition(): RpcInterfaceDefinition {
    return this.call.target.definition;
  }

  get operation(): string {
    return this.call.target.operation;
  }

  /** The caller's arguments, before pipes. */
  get arguments(): readonly unknown[] {
    return this.call.arguments;
  }

  /** The credentials as sent, for instance `Bearer …`; empty if there are none. */
  get authorization(): string {
    return this.call.activity.accessToken;
  }

  get transport(): RpcTransport {
    return this.call.transport;
  }

  /** Aborted when the caller is gone before it has its answer. */
  get signal(): AbortSignal {
    return this.call.activity.signal;
  }
}

function isCall(value: unknown): value is RpcCall {
  return typeof value === 'object' && value !== null && 'target' in value && 'activity' in value;
}

/**
 * Parameter decorator: the {@link Activity} of the call, or of the request where a controller has the
 * correlation middleware.
 */
export const CurrentActivity = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Activity =>
    CallContext.from(context)?.activity ?? ClientRequestContext.current,
);
