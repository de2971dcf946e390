import type { RpcInterfaceDefinition } from './definition.js';
import { isVersionCompatible } from './version.js';

/**
 * Base class of definitions, and of implementations that like to extend it. A definition's methods are all
 * the same line, `return this.forward(arguments)`; it runs on a client only.
 */
export abstract class RpcInterface {
  /** Whether a backend of version `backend` serves a frontend of version `frontend`, by the rule of iTwin.js. */
  static isVersionCompatible(backend: string, frontend: string): boolean {
    return isVersionCompatible(backend, frontend);
  }

  /**
   * Sends the call to the server that the client of this interface is configured for, with the arguments of
   * the calling method. Optional in its type, so that a class may implement a definition without extending it.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each operation declares its own result; and an optional `any` can be called
  declare forward?: any;
}

Object.defineProperty(RpcInterface.prototype, 'forward', {
  value(this: object): Promise<never> {
    const { interfaceName } = this.constructor as unknown as RpcInterfaceDefinition;
    return Promise.reject(
      new Error(
        `An instance of RPC interface "${interfaceName}" is no client: call RpcManager.getClientForInterface().`,
      ),
    );
  },
});
