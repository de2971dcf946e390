import { createHash } from 'node:crypto';
import type { ErrorPolicy, IpcBackplane, OnceOptions, RpcCall } from '@linnet/common';
import { joinOnce, onceCaller } from '@linnet/common/internal';

/** How calls of operations with `idempotency: 'once'` are remembered. */
export interface RpcOnceOptions extends Omit<OnceOptions, 'errors' | 'callerOf'> {
  /** Remembers calls for all nodes that share it. `store` goes first. */
  readonly backplane?: IpcBackplane;
  /**
   * Names a user: two users with one name get each other's answers. Default: that of `IpcModule` if its backplane remembers the calls, or
   * else the user as JSON, without the claims in which the tokens of one subject (`sub`) differ.
   */
  readonly userKey?: (user: unknown) => string;
}

/**
 * Completes the options.
 *
 * @param errors which part of an error callers see
 * @param sharedKey returns what names a user if the options have no `userKey`
 * @throws Error if the backplane has no logs
 */
export function onceOptions(
  once: RpcOnceOptions | undefined,
  errors: ErrorPolicy,
  sharedKey: () => RpcOnceOptions['userKey'] = () => undefined,
): OnceOptions {
  const { backplane, userKey, store, ...others } = once ?? {};
  return {
    ...others,
    errors,
    store: store ?? (backplane && joinOnce(backplane)),
    // The hash: names are kept, and may be long or a token.
    callerOf: (call: RpcCall) =>
      createHash('sha256')
        .update(onceCaller(call, userKey ?? sharedKey()))
        .digest('base64url'),
  };
}
