import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext, InjectableOptions } from '@nestjs/common';
import type { IpcChannelDefinition, IpcChannelLike, IpcSession } from '@linnet/common';
import { CallContext } from '../../nest/context/call.context.js';
import { decorateHandler } from '../../nest/explorer/handler.decorator.js';

export const IPC_HANDLER = Symbol('linnet:ipc-handler');
const IPC_METHOD = Symbol('linnet:ipc-method');

/** How a handler answers its channel; beside that what `@Injectable()` takes. */
export interface IpcChannelOptions extends InjectableOptions {
  /**
   * The calls of a session run one after the other, in the order in which they were sent. A call whose result is a stream runs
   * until the stream has ended. Default: at once.
   */
  sequential?: boolean;
}

/** The metadata of `@IpcChannel` on a class. */
export interface IpcHandlerMetadata {
  /** Absent where the class says it by itself (`get channelName()`). */
  readonly channel: IpcChannelLike | undefined;
  readonly sequential: boolean;
}

/**
 * Decorates the provider that answers a channel. A handler that depends on the {@link IpcSession}, or on
 * anything request-scoped, has an instance for each session.
 *
 * @param channel its name, or what `ipcChannel` made; none for a class with `get channelName()`
 */
export function IpcChannel(channel?: string, options?: IpcChannelOptions): ClassDecorator;
/**
 * The same for a channel with its types.
 *
 * @param channel what `ipcChannel` made: the compiler checks that the class has its methods
 */
export function IpcChannel<Functions extends object>(
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever it is notified of
  channel: IpcChannelDefinition<Functions, any>,
  options?: IpcChannelOptions,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a class with any constructor
): (target: new (...args: any[]) => Functions) => void;
export function IpcChannel(channel?: IpcChannelLike, options: IpcChannelOptions = {}): ClassDecorator {
  const { sequential = false, ...injectable } = options;
  return (target) => {
    const metadata: IpcHandlerMetadata = { channel, sequential };
    decorateHandler(target, IPC_HANDLER, metadata, injectable);
  };
}

/**
 * Decorates a method that can be called; where one method of a class has it, the others cannot. It makes the
 * compiler record the parameters' types, which class-based validation needs.
 */
export function IpcMethod(): MethodDecorator {
  return (_target, key, descriptor) => {
    const method: unknown = descriptor.value;
    if (typeof method !== 'function')
      throw new TypeError(`@IpcMethod() decorates methods; "${String(key)}" is not a method.`);
    Object.defineProperty(method, IPC_METHOD, { value: true });
  };
}

/** Whether a method bears `@IpcMethod()`. */
export function isIpcMethod(method: object): boolean {
  return IPC_METHOD in method;
}

/** Parameter decorator: the {@link IpcSession} that the call came through; `undefined` over HTTP. */
export const CurrentSession = createParamDecorator(
  (_data: unknown, context: ExecutionContext): IpcSession | undefined => CallContext.from(context)?.session,
);
