import { setDefaultPolicy, setOperationPolicy } from './definition.js';
import type { RpcInterfaceDefinition, RpcOperationPolicy, RpcOperationPolicyProps } from './definition.js';
import type { CallSchemas, DecoratedMethod } from '../../schema/call.schemas.js';

/** A decorator of methods. With schemas, the compiler compares them with the types of the method. */
export type RpcOperationDecorator<P> =
  Extract<keyof P, keyof CallSchemas> extends never
    ? MethodDecorator
    : <F extends (...args: never[]) => unknown>(
        target: object,
        key: string | symbol,
        descriptor: TypedPropertyDescriptor<F> & DecoratedMethod<P, F>,
      ) => void;

function decorate<const P extends RpcOperationPolicyProps & CallSchemas = object>(
  policy?: P,
): RpcOperationDecorator<P> {
  const decorator: MethodDecorator = (_target, key, descriptor) => {
    const method: unknown = descriptor.value;
    if (typeof method !== 'function')
      throw new TypeError(`@RpcOperation() decorates methods; "${String(key)}" is not a method.`);
    setOperationPolicy(method, policy ?? {});
  };
  return decorator;
}

/**
 * Decorates an operation, in a definition or in an implementation. Even without options it makes the compiler record the
 * parameter types of the method, which class-based validation needs.
 *
 * ```ts
 * @RpcOperation({ allowResponseCaching: true })
 * async floorPlan(token: IModelRpcProps): Promise<Uint8Array> { … }
 * ```
 *
 * It accepts schemas as well: `@RpcOperation({ args: [z.string()], result: z.number() })`.
 */
export const RpcOperation = Object.assign(decorate, {
  /** Sets the policy of one operation, like the decorator itself. iTwin.js has this name. */
  setPolicy: (policy: RpcOperationPolicyProps): MethodDecorator => decorate(policy),

  /** Allows caches to keep the answer of the operation. */
  allowResponseCaching: (): MethodDecorator => decorate({ allowResponseCaching: true }),

  /** Sets the token that clients route the operation by, unless it is the first argument that names a model. */
  setRoutingProps: (token: NonNullable<RpcOperationPolicy['token']>): MethodDecorator => decorate({ token }),

  /** Class decorator of a definition. It sets the policy of all operations without their own. */
  setDefaultPolicy:
    (policy: RpcOperationPolicyProps) =>
    (definition: RpcInterfaceDefinition): void =>
      setDefaultPolicy(definition, policy),
});
