import { reporter, reportToConsole } from '../../call/call.report.js';
import { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import type { RpcDispatcherOptions } from '../../rpc/server/dispatcher.js';
import { implementationOf } from '../../rpc/server/implementation.js';
import type { RpcAround, RpcImplementationEntry } from '../../rpc/server/implementation.js';
import { defaultWireLimits, limitsFrom } from '../../base/limits.js';
import type { WireLimits } from '../../base/limits.js';
import type { HttpRpcHandler } from './handler.js';
import { openApiDocument } from './openapi.js';
import type { HttpHandlerOptions } from '../call/options.js';
import { normalizePath } from '../protocol/url.reader.js';
import { builtinAnswer, builtinEndpoints } from './builtin.endpoints.js';
import type { BuiltinAnswer, BuiltinEndpoints, ServiceOptions } from './builtin.endpoints.js';
import { httpHandler } from './naming.handler.js';

/** Options for serving RPC without a framework. `T` are the operations of the definitions, in the order of `interfaces`. */
export interface HttpRpcServiceOptions<T extends readonly object[] = readonly object[]>
  extends
    Omit<HttpHandlerOptions, 'limits'>,
    Pick<RpcDispatcherOptions, 'isCompatible' | 'run' | 'bindItems' | 'once'> {
  /** The title and version of the server in its OpenAPI document. */
  readonly info?: { readonly title: string; readonly version: string };
  /** The served definitions, each with its implementation. */
  readonly interfaces: readonly [...{ [K in keyof T]: RpcImplementationEntry<T[K]> }];
  /** Limits of reading and decoding a request. Missing members have the value of `defaultWireLimits`. */
  readonly limits?: Partial<WireLimits>;
  /** Runs around every call of an implementation, for instance to authenticate the caller. */
  readonly around?: RpcAround;
  /** Answers `GET /ping`. Default `true`. */
  readonly ping?: boolean;
  /** Answers `GET /v3/swagger.json`. Default `true`. */
  readonly openApi?: boolean;
  /** Answers every other GET with the greeting of the reference server. Default `false`. */
  readonly greeting?: boolean;
  /** Further documents that `GET` answers with, by their paths: `/v3/openapi.json`. Each function is called once per request. */
  readonly documents?: ReadonlyMap<string, () => object>;
}

/** Makes the service of definitions and their implementations. @throws Error if an interface cannot be served */
export function createRpcService(options: HttpRpcServiceOptions): HttpRpcService {
  const { isCompatible, run, bindItems, once, around = (_call, next) => next() } = options;
  const { waitingCalls } = limitsFrom(defaultWireLimits, options.limits);
  const dispatcher = new RpcDispatcher({
    waitingCalls,
    isCompatible,
    run,
    bindItems,
    once: { errors: options, ...once },
  });
  for (const served of options.interfaces) dispatcher.register(served[0], implementationOf(served, around));
  return new HttpRpcService(dispatcher, options);
}

/** The RPC interfaces of a server, on any platform. Two services share nothing. */
export class HttpRpcService {
  readonly handler: HttpRpcHandler;
  readonly #info: HttpRpcServiceOptions['info'];
  readonly #endpoints: BuiltinEndpoints;

  /** @param dispatcher finds and runs the operations of the service */
  constructor(
    readonly dispatcher: RpcDispatcher,
    options: Omit<
      HttpRpcServiceOptions,
      'interfaces' | 'around' | 'isCompatible' | 'run' | 'bindItems' | 'once'
    > &
      Pick<ServiceOptions, 'files'>,
  ) {
    const limits = limitsFrom(defaultWireLimits, options.limits);
    const path = normalizePath(options.path ?? '');
    const report = reporter(options.report ?? reportToConsole, 'an RPC server');
    this.handler = httpHandler(dispatcher, { ...options, path, limits, report });
    this.#info = options.info;
    this.#endpoints = builtinEndpoints(options, path, () => this.openApi());
  }

  /** The prefix of request paths: empty, or `/api`. */
  get prefix(): string {
    return this.#endpoints.prefix;
  }

  /** The operations served here as OpenAPI. */
  openApi(): object {
    return openApiDocument(this.prefix, this.dispatcher.describeEndpoints(), this.#info);
  }

  /** The answer to a request that does not call an operation; `undefined` if it belongs to the application. */
  answer(method: string, path: string, acceptEncoding = ''): BuiltinAnswer | undefined {
    return builtinAnswer(this.#endpoints, method, path, acceptEncoding);
  }
}
