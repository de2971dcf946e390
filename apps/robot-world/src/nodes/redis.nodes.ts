import type { IpcBackplane } from '@linnet/common';
import { redisBackplane } from '@linnet/redis';

/** A file of its own, so that only nodes that use Redis load its client. */
export function redisNodes(url: string): IpcBackplane {
  return redisBackplane({ url, prefix: 'robot-world' });
}
