import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { HttpIntegration, HttpMount } from './http.integration.js';
import { prepareMessages } from '../nest/internals/express.internals.js';
import type {
  ExpressApplication,
  ExpressRequest,
  ExpressResponse,
} from '../nest/internals/express.internals.js';
import { MiddlewareMap } from './express.middleware.js';

/**
 * RPC in an Express application, two ways. A request that would meet no middleware is answered from the
 * server's `request` event; all others pass through Express to a layer of ours behind the application's
 * middleware and routes. Which way a request takes changes its cost, not its answer (Express's `X-Powered-By`
 * apart).
 */
export class ExpressIntegration implements HttpIntegration {
  readonly #app: ExpressApplication;
  readonly #middleware: MiddlewareMap;

  constructor(
    private readonly adapter: AbstractHttpAdapter,
    logger: Logger,
  ) {
    this.#app = adapter.getInstance() as ExpressApplication;
    this.#middleware = new MiddlewareMap(adapter, this.#app, logger);
  }

  attach(mount: HttpMount): void {
    // The name of the function is visible in the stack of layers.
    const rpc = (request: ExpressRequest, response: ExpressResponse, next: () => void) =>
      this.#serve(mount, request, response, next);
    this.adapter.use(rpc);
    this.#middleware.endsAt(rpc);
    if (this.#middleware.hasCors(mount.service.prefix)) mount.server.handler.cors = false;
    const server = this.adapter.getHttpServer() as Server;
    const listeners = server.listeners('request');
    if (listeners.length !== 1 || listeners[0] !== this.#app) {
      mount.logger.log('RPC goes through Express: the HTTP server has a request listener of its own.');
      return;
    }
    server.removeListener('request', this.#app);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (this.#isDirect(mount, request)) mount.server.serve(request, response);
      else this.#app(request, response);
    });
  }

  #isDirect({ server }: HttpMount, request: IncomingMessage): boolean {
    return server.owns(request) && !this.#middleware.meetsMiddleware(request.method!, request.url!);
  }

  /** For requests that do not go through Express: does what `app.handle` and the router do. */
  prepare(request: unknown, response: unknown): void {
    prepareMessages(this.#app, request as ExpressRequest, response as ExpressResponse);
  }

  isAnswered(answer: unknown): boolean {
    const response = answer as ServerResponse;
    return response.headersSent || response.writableEnded;
  }

  beforeFilter(answer: unknown, headers: readonly string[]): void {
    setHeaders(answer as ServerResponse, headers);
  }

  /** The layer behind the application's own. */
  #serve(
    { server, service, guards }: HttpMount,
    request: ExpressRequest,
    response: ExpressResponse,
    next: (error?: unknown) => void,
  ): void {
    if (server.owns(request)) {
      server.serve(request, response, { parsedBody: request.rawBody ?? request.body });
      return;
    }
    const send = () => {
      const accepted = request.headers['accept-encoding'];
      const answer = server.trustsHost(request) && service.answer(request.method!, request.path, accepted);
      if (!answer) return next();
      setHeaders(response, answer.headers);
      response.status(200).send(answer.body);
    };
    const guard = guards?.get(request.path);
    if (!guard) return send();
    // A guard may have answered by itself, whatever its verdict.
    const unlessAnswered = (go: (error?: unknown) => void) => (error?: unknown) =>
      this.isAnswered(response) ? undefined : go(error);
    response.setHeader('Cache-Control', 'no-store');
    guard.admit(request, response).then(unlessAnswered(send)).catch(unlessAnswered(next));
  }
}

/** @param headers names and values in turn */
function setHeaders(response: ServerResponse, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) response.setHeader(headers[i]!, headers[i + 1]!);
}
