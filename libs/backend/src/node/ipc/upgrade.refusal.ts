import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { observer } from '@linnet/common/internal';
import { responseOn } from '../http/node.internals.js';

/**
 * Answers an upgrade request with a status and a sentence, and ends its connection.
 *
 * @param reason for the person who reads it; nothing of the inside
 */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  observer?.refused?.(`upgrade ${status}`);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${reason}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  if (status === 401) head.push('WWW-Authenticate: Bearer');
  if (status === 426) head.push('Upgrade: websocket');
  if (status === 503) head.push('Retry-After: 1');
  // A peer that does not take it is not waited for.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Where requests that came before on the same connection are not answered yet: resolves when they are, or when the
 * connection is over.
 */
export function earlierAnswers(socket: Duplex): Promise<void> | undefined {
  const response = responseOn(socket as Socket);
  if (!response) return undefined;
  return new Promise((resolve) => {
    // Node does not pass it on any more, as the connection was to be another's.
    const drain = () => response.emit('drain');
    const done = () => {
      socket.off('drain', drain).off('close', done);
      resolve(earlierAnswers(socket));
    };
    socket.on('drain', drain).on('close', done);
    response.once('finish', done);
  });
}
