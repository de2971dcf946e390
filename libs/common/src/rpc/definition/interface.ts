import type { RpcInterfaceDefinition } from './definition.js';
import { isVersionCompatible } from './version.js';

/**
 * Base class of definitions. Implementations can extend it, too. Every method of a definition has the body
 * `return this.forward(arguments)`, which runs only on a client.
 */
export abstract class RpcInterface {
  /** Whether a backend of version `backend` serves a frontend of version `frontend`, by the rule of iTwin.js. */
  static isVersionCompatible(backend: string, frontend: string): boolean {
    return isVersionCompatible(backend, frontend);
  }

  /**
   * Sends the call, with the arguments of the calling method, to the server of this interface. The member is optional in
   * its type, so that a class can implement a definition without extending it.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each operation declares its own result; and an optional `any` can be called
  declare forward?: any;
}

Object.defineProperty(RpcInterface.prototype, 'forward', {
  value(this: object): Promise<never> {
    const { interfaceName } = this.constructor as unknown as RpcInterfaceDefinition;
    return Promise.reject(
      new Error(
        `An instance of RPC interface "${interfaceName}" is not a client: call RpcManager.getClientForInterface().`,
      ),
    );
  },
});
