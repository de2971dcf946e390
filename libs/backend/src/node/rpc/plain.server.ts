import type { IncomingMessage, ServerResponse } from 'node:http';
import { FetchRpcServer } from '@linnet/common';
import type {
  HttpRpcServiceOptions,
  RpcAround,
  RpcEndpoint,
  RpcListener,
  RpcListening,
} from '@linnet/common';
import { createRpcService, HttpRpcService, pathOf, reportToConsole } from '@linnet/common/internal';
import { ClientRequestContext, runWithin } from '../../call/request.context.js';
import { bindItems } from '../../call/stream.context.js';
import { NodeRpcServer } from '../http/node.server.js';
import { checkPath } from '../http/path.check.js';
import { compressBody, writeResponse } from '../http/response.writer.js';
import { onSocketEnd } from '../http/socket.end.js';
import { onceOptions } from './once.options.js';
import type { RpcOnceOptions } from './once.options.js';
import { checkDefinition, versionRule } from './version.rules.js';
import type { VersionCheck } from './version.rules.js';

/** Options of {@link createRpcServer}. */
export interface RpcServerOptions<T extends readonly object[] = readonly object[]> extends Omit<
  HttpRpcServiceOptions<T>,
  'isCompatible' | 'decodeText' | 'run' | 'bindItems' | 'once'
> {
  /** How calls of operations with `idempotency: 'once'` are remembered. Default: in the memory of this process. */
  readonly once?: RpcOnceOptions;
  /** Which versions of clients are served. Default: `compatible`, the rule of iTwin.js. */
  readonly versionCheck?: VersionCheck;
}

/** A request as Express and its body parsers leave it. */
type ParsedRequest = IncomingMessage & { readonly rawBody?: unknown; readonly body?: unknown };

/**
 * Makes a server of RPC for `node:http`, Express and whatever has requests of the fetch standard.
 *
 * ```ts
 * const rpc = createRpcServer({ interfaces: [[RobotWorldReadRpcInterface, RobotWorldReadRpcImpl]] });
 * createServer(rpc.handler).listen(3001, '127.0.0.1');
 * ```
 *
 * @throws Error if an interface cannot be served, or the path is a pattern
 */
export function createRpcServer<T extends readonly object[]>(options: RpcServerOptions<T>): PlainRpcServer {
  for (const [definition] of options.interfaces as HttpRpcServiceOptions['interfaces'])
    checkDefinition(definition, definition.name);
  return new PlainRpcServer(options);
}

/** A server without a framework. Holds nothing that another one sees. */
export class PlainRpcServer {
  /** @internal */
  readonly service: HttpRpcService;
  readonly #node: NodeRpcServer;
  readonly #fetch: FetchRpcServer;
  readonly #options: HttpRpcServiceOptions;
  readonly #listening = new Set<RpcListening>();

  constructor(options: RpcServerOptions) {
    checkPath(options.path ?? '', 'The path of the RPC server', 'mount its handler under a router instead.');
    this.#options = inContext(options);
    this.service = createRpcService(this.#options);
    this.#node = new NodeRpcServer(this.service.handler);
    this.#fetch = new FetchRpcServer(this.service, compressBody);
  }

  /** The interfaces served here, with their operations. */
  get endpoints(): RpcEndpoint[] {
    return this.service.dispatcher.describeEndpoints();
  }

  /**
   * The listener of a `node:http` server, and a middleware for Express and similar frameworks. A request that does not
   * belong to RPC goes to `next`, or gets 404 without `next`.
   */
  readonly handler = (request: IncomingMessage, response: ServerResponse, next?: () => void): void => {
    if (this.#node.owns(request)) return this.#serve(request, response);
    const answer =
      this.#node.trustsHost(request) && this.service.answer(request.method!, pathOf(request.url!));
    if (!answer && next) return next();
    const notFound = { headers: ['Content-Type', 'text/plain; charset=utf-8'], body: 'Not Found' };
    writeResponse(response, { status: answer ? 200 : 404, ...(answer || notFound) });
  };

  /** Answers requests of the fetch standard; 404 if the request does not belong to RPC. */
  get fetch(): (request: Request) => Promise<Response> {
    return this.#fetch.fetch;
  }

  /**
   * Takes any request for one of RPC and answers it.
   *
   * @returns when the answer is sent, or nobody is there to have it; never rejects
   */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      // A response that waits behind another on its connection is not told when that ends.
      const forget = response.socket ? undefined : onSocketEnd(request.socket, resolve);
      response.once('close', () => {
        forget?.();
        resolve();
      });
      this.#serve(request, response);
      if (response.closed) resolve();
    });
  }

  /**
   * Serves the interfaces in another way than HTTP as well, until {@link close}.
   *
   * ```ts
   * await rpc.listen(natsServer({ servers: 'nats://127.0.0.1:4222', service: 'stock' }));
   * ```
   *
   * @throws Error (rejection) if the listener cannot be reached by anyone
   */
  async listen(listener: RpcListener): Promise<void> {
    const { handler } = new HttpRpcService(this.service.dispatcher, this.#options);
    this.#listening.add(await listener.listen(handler));
  }

  /**
   * Ends the service, not the HTTP server: new calls get 503, calls in flight finish, and their answers are sent.
   *
   * @param timeoutMs how long to wait for that; then what is left is cut off
   * @returns how many calls were left
   */
  async close(timeoutMs = 10_000): Promise<number> {
    const services = [this.#node, this.#fetch, ...this.#listening];
    this.#listening.clear();
    const left = await Promise.all(services.map((each) => each.close(timeoutMs)));
    await this.service.dispatcher.once.close();
    return left.reduce((sum, each) => sum + each, 0);
  }

  #serve(request: ParsedRequest, response: ServerResponse): void {
    this.#node.serve(request, response, { parsedBody: request.rawBody ?? request.body });
  }
}

/** Runs calls of implementations within their activity, and `around` within it as well. */
export function inCallContext(around?: RpcAround): RpcAround {
  return (call, next) => ClientRequestContext.run(call.activity, around ? () => around(call, next) : next);
}

/** Runs calls, and reports about them, within the activity of the call. */
function inContext({ versionCheck, once, ...options }: RpcServerOptions): HttpRpcServiceOptions {
  const { around, report = reportToConsole } = options;
  return {
    ...options,
    isCompatible: versionRule(versionCheck),
    once: onceOptions(once, options),
    run: ClientRequestContext.run.bind(ClientRequestContext),
    bindItems,
    decodeText: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
    around: inCallContext(around),
    report: (each) => runWithin(each.activity, () => report(each)),
  };
}
