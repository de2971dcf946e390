import cluster from 'node:cluster';
import type { IpcBackplane } from '@linnet/common';
import { clusterBackplane } from '@linnet/backend/node';

/** The backplane of this node: Redis if `REDIS_URL` names one, or else the primary process of several nodes on one computer. */
export async function nodeBackplane(): Promise<IpcBackplane | undefined> {
  const url = process.env['REDIS_URL'];
  if (url) return (await import('./redis.nodes.js')).redisNodes(url);
  return cluster.isWorker ? clusterBackplane() : undefined;
}
