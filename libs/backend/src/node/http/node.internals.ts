// Members of HTTP messages and sockets of Node that are not part of its public interface. Read from Node 20, 22 and 24.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Node's state of HTTP at a connection. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null; readonly parser?: object | null };

/** The response that a connection carries now, or will carry next: it shows whether a request is pipelined. */
export function responseOn(socket: Socket): ServerResponse | undefined {
  return (socket as HttpSocket)._httpMessage ?? undefined;
}

/** Whether HTTP is read from a connection. After an upgrade the connection belongs to another protocol. */
export function hasHttpParser(socket: Socket): boolean {
  return Boolean((socket as HttpSocket).parser);
}

/** Adds to Node's count of bytes that wait for a connection. Above a limit Node reads no further requests from it. */
export function countPending(response: ServerResponse, bytes: number): void {
  (response as { _onPendingData?: (bytes: number) => void })._onPendingData?.(bytes);
}

/** The bytes of the current write that the system has not sent yet, which the timeouts of Node count as well. */
export function writeQueueSize(socket: Socket): number | undefined {
  return (socket as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize;
}
