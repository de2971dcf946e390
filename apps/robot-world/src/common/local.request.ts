import type { IncomingMessage } from 'node:http';

/** Whether a request comes from this computer: the inspectors of the example are for nobody else. */
export function isOnThisComputer({ socket }: IncomingMessage): boolean {
  return /^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
}
