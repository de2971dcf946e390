import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { ExpressApplication } from './express.middleware.js';

/** How long a request may take to be sent once the server ends; as long as calls have by default to be answered. */
const UNFINISHED_MS = 10_000;

/** Node's state of HTTP at a connection: the current response, and the parser. */
type HttpSocket = Socket & { readonly _httpMessage?: ServerResponse | null; readonly parser?: object | null };

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
      const { _httpMessage: response, parser } = socket as HttpSocket;
      // One without a parser belongs to another protocol.
      if (parser && !response?.req.complete) socket.destroy();
    }
  }
}

type MessageClasses = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Constructors whose instances have Express's prototypes from the start. Functions, as a class's `prototype`
 * cannot be set; Node's constructors are functions that can be called. Each inherits from Node's, as a class
 * would: without it they are slower than the swap that they save.
 */
function messageClasses(app: ExpressApplication): MessageClasses {
  function Request(this: IncomingMessage, socket: Socket): void {
    callable(IncomingMessage).call(this, socket);
  }
  Object.setPrototypeOf(Request, IncomingMessage);
  Request.prototype = app.request;
  function Response(this: ServerResponse, request: IncomingMessage, options: unknown): void {
    callable(ServerResponse).call(this, request, options);
  }
  Object.setPrototypeOf(Response, ServerResponse);
  Response.prototype = app.response;
  return { IncomingMessage: Request, ServerResponse: Response } as unknown as MessageClasses;
}

/** Node's types know its constructors as classes. */
function callable(constructor: unknown): (this: unknown, ...args: unknown[]) => void {
  return constructor as (this: unknown, ...args: unknown[]) => void;
}
