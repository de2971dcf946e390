import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Server } from 'node:net';
import type { HttpRequestHead } from '@linnet/common';

export class NodeRequestHead implements HttpRequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];

  constructor(private readonly request: IncomingMessage) {
    this.method = request.method!;
    this.target = request.url!;
    this.headers = request.headers;
  }

  get address(): string | undefined {
    return this.request.socket.remoteAddress;
  }

  isLoopback(): boolean {
    return isHere(this.request.socket, 'localAddress');
  }

  /** Whether it comes from this computer, over loopback or a pipe. */
  isNative(): boolean {
    return this.isLoopback() && isHere(this.request.socket, 'remoteAddress');
  }
}

/** Whether an end of a connection is on this computer. */
function isHere(socket: Socket, end: 'localAddress' | 'remoteAddress'): boolean {
  const address = socket[end];
  // A pipe or a Unix socket, which nobody reaches from elsewhere, has no address.
  if (address === undefined) return !isTcp(socket);
  return /^(::ffff:)?127\.|^::1$/.test(address);
}

/** Has to be known apart: a peer that breaks its connection off at once leaves a TCP socket without an address. */
function isTcp(socket: Socket): boolean {
  if (!(socket instanceof Socket)) return false;
  return typeof (socket as { server?: Server }).server?.address() !== 'string';
}
