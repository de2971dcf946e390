import type { IncomingMessage } from 'node:http';
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

  isLoopback(): boolean {
    return isLoopback(this.request.socket.localAddress);
  }

  /** Whether it comes from this computer, over loopback or a pipe. */
  isNative(): boolean {
    return this.isLoopback() && isLoopback(this.request.socket.remoteAddress);
  }
}

function isLoopback(address: string | undefined): boolean {
  // Without an address it is a pipe or a Unix socket, which nobody reaches from elsewhere.
  return address === undefined || /^(::ffff:)?127\.|^::1$/.test(address);
}
