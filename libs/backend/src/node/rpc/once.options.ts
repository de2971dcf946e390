import type { ErrorPolicy, IpcBackplane, OnceOptions, RpcCall } from '@linnet/common';
import { joinOnce } from '@linnet/common/internal';
import { userName } from '../../call/session.owner.js';

/** How calls of operations with `idempotency: 'once'` are remembered. */
export interface RpcOnceOptions extends Omit<OnceOptions, 'errors' | 'callerOf'> {
  /** Remembers calls for all nodes that share it. `store` goes first. */
  readonly backplane?: IpcBackplane;
  /** Names a user, as the option of IPC does. */
  readonly userKey?: (user: unknown) => string;
}

/**
 * Completes the options.
 *
 * @param errors which part of an error callers see
 * @throws Error if the backplane has no logs
 */
export function onceOptions(once: RpcOnceOptions | undefined, errors: ErrorPolicy): OnceOptions {
  const { backplane, userKey, store, ...others } = once ?? {};
  return {
    ...others,
    errors,
    store: store ?? (backplane && joinOnce(backplane)),
    callerOf: ({ activity: { user, accessToken } }: RpcCall) => {
      const name = user === undefined || user === null ? undefined : userName(user, userKey);
      return name ?? `token ${accessToken}`;
    },
  };
}
