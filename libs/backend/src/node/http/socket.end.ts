import type { Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when a connection is over. It has one listener for all who wait: a connection outlives thousands of requests.
 *
 * @returns forgets it
 */
export function onSocketEnd(socket: Socket, ended: () => void): () => void {
  if (socket.destroyed) {
    queueMicrotask(ended);
    return () => undefined;
  }
  let all = waiting.get(socket);
  if (!all) {
    const added = new Set<() => void>();
    waiting.set(socket, (all = added));
    socket.once('close', () => {
      for (const each of added) each();
    });
  }
  all.add(ended);
  return () => void all.delete(ended);
}
