import { setDefaultPolicy, setOperationPolicy } from './definition.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy, RpcOperationPolicyProps } from './definition.js';

const decorate =
  (policy: RpcOperationPolicyProps = {}): MethodDecorator =>
  (_target, key, descriptor) => {
    const method: unknown = descriptor.value;
    if (typeof method !== 'function')
      throw new TypeError(`@RpcOperation() decorates methods; "${String(key)}" is none.`);
    setOperationPolicy(method, policy);
  };

/**
 * Decorates an operation, in a definition or in an implementation. Without options it says that the method is
 * an operation, which makes the compiler record its parameter types: class-based validation needs them.
 *
 * ```ts
 * @RpcOperation({ allowResponseCaching: true })
 * async floorPlan(token: IModelRpcProps): Promise<Uint8Array> { … }
 * ```
 */
export const RpcOperation = Object.assign(decorate, {
  /** Sets the policy of one operation; another name of the decorator itself, as iTwin.js has it. */
  setPolicy: (policy: RpcOperationPolicyProps): MethodDecorator => decorate(policy),

  /** Lets caches keep the operation's answer. */
  allowResponseCaching: (): MethodDecorator => decorate({ allowResponseCaching: true }),

  /** Says what clients route the operation by, where that is not the first argument that names a model. */
  setRoutingProps: (token: NonNullable<RpcOperationPolicy['token']>): MethodDecorator => decorate({ token }),

  /** Class decorator of a definition: the policy of all operations that have none of their own. */
  setDefaultPolicy:
    (policy: RpcOperationPolicyProps) =>
    (definition: RpcInterfaceDefinition): void =>
      setDefaultPolicy(definition, policy),
});
