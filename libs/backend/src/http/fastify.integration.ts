import type { Readable } from 'node:stream';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HttpResponse, StreamBody } from '@linnet/common';
import { pathOf } from '@linnet/common/internal';
import { bytesOf, mergedVary } from '../node/http/response.writer.js';
import { beforeNotFound, onMiddlewarePath, onReply } from '../nest/internals/fastify.internals.js';
import { readableOf } from '../node/http/stream.compression.js';
import type { HttpGuard, HttpIntegration, HttpMount } from './http.integration.js';

const answered = Symbol('linnet:answered');

/**
 * RPC in a Fastify application: an encapsulated plugin, with a content type parser of its own that leaves the
 * body to be read under RPC's limits. Hooks and middleware of the application run as for every route.
 */
export class FastifyIntegration implements HttpIntegration {
  readonly #fastify: FastifyInstance;
  /** Where the application has middleware. */
  readonly #middlewarePaths = new Set<string>();

  constructor(private readonly adapter: AbstractHttpAdapter) {
    this.#fastify = adapter.getInstance() as FastifyInstance;
    onMiddlewarePath(adapter, (path) => this.#middlewarePaths.add(path));
  }

  attach(mount: HttpMount): void {
    // Where all plugins are loaded, those of `app.enableCors()` and of the application with them: it is the mark of theirs.
    this.#fastify.addHook('onReady', (done) => {
      if (this.#fastify.hasRequestDecorator('corsPreflightEnabled')) mount.server.handler.cors = false;
      this.#warnOfMiddleware(mount);
      done();
    });
    servePathless(this.adapter, mount);
    const url = `${mount.service.prefix}/*`;
    void this.#fastify.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
      for (const method of ['POST', 'GET', 'OPTIONS'] as const) {
        // A wildcard of the application's wins; what it does not name is not there for RPC either.
        if (scope.hasRoute({ method, url }))
          mount.logger.warn(
            `The application has a route ${method} ${url}, so that RPC does not answer ${method}.`,
          );
        else
          scope.route({
            method,
            url,
            exposeHeadRoute: method === 'GET',
            handler: (request, reply) => serve(mount, request, reply),
          });
      }
      done();
    });
  }

  /** A path of Nest's middleware is exact on Fastify, where on Express it covers what lies below. */
  #warnOfMiddleware({ logger, service: { prefix } }: HttpMount): void {
    if (prefix === '' || ![prefix, `${prefix}/`].some((path) => this.#middlewarePaths.has(path))) return;
    logger.warn(
      `The middleware for "${prefix}" does not run for RPC, whose paths begin with it: a path in forRoutes is exact on ` +
        'Fastify. See "Middleware" in docs/security.md.',
    );
  }

  /** Fastify's own handlers see the same request and reply. */
  prepare(): void {}

  isAnswered(response: unknown): boolean {
    const reply = response as FastifyReply & { [answered]?: boolean };
    return reply.sent || reply.raw.headersSent || reply[answered] === true;
  }

  beforeFilter(response: unknown, headers: readonly string[]): void {
    const reply = response as FastifyReply & { [answered]?: boolean };
    setHeaders(reply, headers);
    onReply(reply, () => (reply[answered] = true));
  }
}

/**
 * Serves a target that is not a path, as that of `OPTIONS *`: Fastify matches it only with a route for
 * everything, which would take the place of the one from the application.
 */
function servePathless(adapter: AbstractHttpAdapter, mount: HttpMount): void {
  beforeNotFound(adapter, (request, reply) =>
    request.raw.url === '*' && mount.server.owns(request.raw) ? serve(mount, request, reply) : undefined,
  );
}

function serve(
  mount: HttpMount,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const { server, guards } = mount;
  const message = request.raw;
  if (!server.owns(message)) {
    const guard = guards?.get(pathOf(message.url!));
    return guard ? serveGuarded(guard, mount, request, reply) : serveBuiltin(mount, request, reply);
  }
  server.serve(message, reply.raw, {
    request,
    response: reply,
    body: (request.body as Readable | undefined) ?? message,
    write: (answer) => write(reply, answer),
    writeStream: (answer, stream) => writeStream(reply, answer, stream),
    takeOver: () => takeOver(reply),
  });
  return reply;
}

function serveBuiltin({ server, service }: HttpMount, request: FastifyRequest, reply: FastifyReply) {
  const message = request.raw;
  const accepted = message.headers['accept-encoding'];
  const answer = server.trustsHost(message) && service.answer(request.method, pathOf(message.url!), accepted);
  if (!answer) {
    reply.callNotFound();
    return reply;
  }
  setHeaders(reply, answer.headers);
  return reply.send(answer.body);
}

/** @param headers names and values in turn */
function setHeaders(reply: FastifyReply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) reply.header(headers[i]!, headers[i + 1]!);
}

async function serveGuarded(
  guard: HttpGuard,
  mount: HttpMount,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.header('Cache-Control', 'no-store');
  try {
    await guard.admit(request, reply);
  } catch (error) {
    if (!reply.sent) throw error;
  }
  // A guard may have answered by itself, whatever its verdict.
  return reply.sent ? reply : serveBuiltin(mount, request, reply);
}

function writeHead(reply: FastifyReply, { status, headers }: HttpResponse): void {
  reply.code(status);
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    reply.header(name, name === 'Vary' ? mergedVary(reply.getHeader('Vary'), value) : value);
  }
}

/** Sends a stream through Fastify, which destroys it if the client disconnects. */
function writeStream(reply: FastifyReply, answer: HttpResponse, stream: StreamBody): void {
  if (reply.sent) {
    void stream.return();
    return;
  }
  writeHead(reply, answer);
  reply.send(readableOf(stream));
}

/** Sends an answer through Fastify, so that its hooks see it. */
function write(reply: FastifyReply, answer: HttpResponse): void {
  // An interceptor may have answered by itself.
  if (reply.sent) return;
  const { status, body } = answer;
  writeHead(reply, answer);
  const payload = bytesOf(body);
  reply.send(
    status === 204 ? undefined : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
  );
}

/** Headers that hooks of the application have set stay. */
function takeOver(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
}
