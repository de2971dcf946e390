import type { InjectableOptions } from '@nestjs/common';
import { RpcInterface as RpcInterfaceBase } from '@linnet/common';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { decorateHandler } from '../nest/explorer/handler.decorator.js';

export const RPC_IMPLEMENTATION = Symbol('linnet:rpc-implementation');

/** Options of an implementation, besides those of `@Injectable()`. */
export interface RpcInterfaceOptions extends InjectableOptions {
  /** Lets the class lack declared operations; calling one is an error. Default: refused at start. */
  partial?: boolean;
}

/** The metadata that `@RpcInterface` sets on a class. */
export interface RpcImplementationMetadata {
  readonly definition: RpcInterfaceDefinition;
  readonly partial: boolean;
  /** Whether the class passes calls on to another server. */
  readonly isRelay?: boolean;
}

function decorate(definition: RpcInterfaceDefinition, options: RpcInterfaceOptions = {}): ClassDecorator {
  const { partial = false, ...injectable } = options;
  return (target) => {
    if (typeof definition !== 'function')
      throw new TypeError(`@RpcInterface() on ${target.name}: the first argument is not a definition class.`);
    const metadata: RpcImplementationMetadata = { definition, partial };
    decorateHandler(target, RPC_IMPLEMENTATION, metadata, injectable);
  };
}

/** Decorates an implementation that passes calls on to another server, which checks them. */
export function RpcRelay(definition: RpcInterfaceDefinition): ClassDecorator {
  const metadata: RpcImplementationMetadata = { definition, partial: false, isRelay: true };
  return (target) => decorateHandler(target, RPC_IMPLEMENTATION, metadata, {});
}

/** The two uses of {@link RpcInterface}: decorator and base class. */
export interface RpcInterfaceExport {
  /**
   * Decorates the provider that implements a definition.
   *
   * @param definition the class that client and server share
   */
  (definition: RpcInterfaceDefinition, options?: RpcInterfaceOptions): ClassDecorator;
  /** Base class of definitions, and of implementations in the style of iTwin.js. */
  new (): RpcInterfaceBase;
  /** The prototype of the base class. */
  readonly prototype: RpcInterfaceBase;
  /** Whether a backend of version `backend` serves a frontend of version `frontend`, by the rule of iTwin.js. */
  isVersionCompatible(backend: string, frontend: string): boolean;
}

/**
 * One name for two things that iTwin.js code has in one file: the decorator of an implementation, and the
 * base class that definitions and implementations extend.
 */
export const RpcInterface = function (this: unknown, ...args: unknown[]): unknown {
  if (new.target) return Reflect.construct(RpcInterfaceBase, [], new.target);
  return decorate(...(args as Parameters<typeof decorate>));
} as unknown as RpcInterfaceExport;
Object.setPrototypeOf(RpcInterface, RpcInterfaceBase);
(RpcInterface as { prototype: unknown }).prototype = RpcInterfaceBase.prototype;
