import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { hasHttpParser, responseOn } from '../node/http/node.internals.js';
import { messageClasses } from '../nest/internals/express.internals.js';
import type { ExpressApplication } from '../nest/internals/express.internals.js';

/** How long a request may take to be sent once the server ends; as long as calls have by default to be answered. */
const UNFINISHED_MS = 10_000;

/**
 * Nest's Express adapter, on a server that makes its messages with Express's own prototypes. Express swaps the
 * prototypes of every request and response, which costs more than all else it does; here there is nothing left
 * to swap. Everything behaves as with the stock adapter.
 *
 * ```ts
 * const app = await NestFactory.create(AppModule, new LinnetExpressAdapter());
 * ```
 */
export class LinnetExpressAdapter extends ExpressAdapter {
  #forceClose = false;
  readonly #connections = new Set<Socket>();

  /** Makes the server; Nest calls it. */
  override initHttpServer(options: NestApplicationOptions): void {
    const { forceCloseConnections = false } = options;
    // All else that Nest does with the options stays; connections are closed below, by the server's own means.
    super.initHttpServer({ ...options, forceCloseConnections: false });
    this.#forceClose = forceCloseConnections;
    const app = this.getInstance<ExpressApplication>();
    const messages = messageClasses(app);
    const server = options.httpsOptions
      ? createTlsServer({ ...options.httpsOptions, ...messages }, app)
      : createServer(messages, app);
    server.on(options.httpsOptions ? 'secureConnection' : 'connection', (socket: Socket) => {
      // A connection on which another protocol was offered comes again.
      if (this.#connections.has(socket)) return;
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.setHttpServer(server);
  }

  /** Ends the server; Nest calls it. */
  override close(): Promise<unknown> | undefined {
    const closed = super.close();
    if (this.#forceClose) (this.getHttpServer() as Server).closeAllConnections();
    // A server that ends does not look for requests that take too long any more.
    else setTimeout(() => this.#cutUnfinished(), UNFINISHED_MS).unref();
    return closed;
  }

  /** Closes connections that have not sent a whole request. Running calls go on. */
  #cutUnfinished(): void {
    for (const socket of this.#connections) {
      if (hasHttpParser(socket) && !responseOn(socket)?.req.complete) socket.destroy();
    }
  }
}
