import { createParamDecorator } from '@nestjs/common';
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type {
  Activity,
  IpcCall,
  IpcSession,
  RpcCall,
  RpcInterfaceDefinition,
  RpcTransport,
} from '@linnet/common';
import { ClientRequestContext } from '../../call/request.context.js';

/** A call as guards, interceptors and filters see it, on every transport. */
export class CallContext {
  private constructor(private readonly call: RpcCall | IpcCall) {}

  /** The call of an execution context; `undefined` in an ordinary controller. */
  static from(context: ArgumentsHost): CallContext | undefined {
    const call = context.getArgByIndex<unknown>(3);
    return isCall(call) ? new CallContext(call) : undefined;
  }

  /** The activity of the call: ids, deadline, user, end. */
  get activity(): Activity {
    return this.call.activity;
  }

  /** The definition whose operation is called; `undefined` for a method of an IPC handler. */
  get definition(): RpcInterfaceDefinition | undefined {
    return 'target' in this.call ? this.call.target.definition : undefined;
  }

  /** The IPC channel whose handler is called; `undefined` for RPC. */
  get channel(): string | undefined {
    return 'target' in this.call ? undefined : this.call.channel;
  }

  /** The operation or method that is called. */
  get operation(): string {
    return 'target' in this.call ? this.call.target.operation : this.call.method;
  }

  /** The caller's arguments, before pipes. */
  get arguments(): readonly unknown[] {
    return this.call.arguments;
  }

  /** The credentials as sent, for instance `Bearer …`; over IPC those of the session; empty without credentials. */
  get authorization(): string {
    return this.call.activity.accessToken;
  }

  /** How a call of RPC arrived; `undefined` for a method of an IPC handler. */
  get transport(): RpcTransport | undefined {
    return 'target' in this.call ? this.call.transport : undefined;
  }

  /** The session that the call came through; `undefined` over HTTP and NATS. */
  get session(): IpcSession | undefined {
    if (!('target' in this.call)) return this.call.session;
    return this.call.transport.kind === 'ipc' ? this.call.transport.session : undefined;
  }

  /** Aborted when the caller is gone before it has its answer. */
  get signal(): AbortSignal {
    return this.call.activity.signal;
  }
}

function isCall(value: unknown): value is RpcCall | IpcCall {
  return typeof value === 'object' && value !== null && 'activity' in value && 'arguments' in value;
}

/**
 * Parameter decorator: the {@link Activity} of the call, or of the request where a controller has the
 * correlation middleware.
 */
export const CurrentActivity = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Activity =>
    CallContext.from(context)?.activity ?? ClientRequestContext.current,
);
