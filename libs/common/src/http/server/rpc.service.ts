import { reportToConsole } from '../../call/call.report.js';
import type { CallReport } from '../../call/call.report.js';
import { reportUnheard } from '../../base/text.js';
import { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import type { RpcDispatcherOptions } from '../../rpc/server/dispatcher.js';
import { implementationOf } from '../../rpc/server/implementation.js';
import type { RpcAround, RpcImplementationEntry } from '../../rpc/server/implementation.js';
import { defaultWireLimits, limitsFrom } from '../../base/limits.js';
import type { WireLimits } from '../../base/limits.js';
import type { HttpRpcHandler } from './handler.js';
import { openApiDocument } from './openapi.js';
import type { HttpHandlerOptions } from './options.js';
import { normalizePath } from '../protocol/url.reader.js';
import { builtinAnswer, builtinEndpoints } from './builtin.endpoints.js';
import type { BuiltinAnswer, BuiltinEndpoints } from './builtin.endpoints.js';
import { httpHandler } from './naming.handler.js';

/** Options for serving RPC without a framework. `T` are the operations of the definitions, in the order of `interfaces`. */
export interface HttpRpcServiceOptions<T extends readonly object[] = readonly object[]>
  extends Omit<HttpHandlerOptions, 'limits'>, Pick<RpcDispatcherOptions, 'isCompatible' | 'run'> {
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
}

/** The RPC interfaces of a server, on any platform. Two services share nothing. */
export class HttpRpcService {
  readonly dispatcher: RpcDispatcher;
  readonly handler: HttpRpcHandler;
  /** Runs around the calls of this service. */
  readonly around: RpcAround;
  readonly #services: BuiltinEndpoints;

  /** @throws Error if an interface cannot be served */
  constructor(readonly options: HttpRpcServiceOptions) {
    const limits = limitsFrom(defaultWireLimits, options.limits);
    const { isCompatible, run, around = (_call, next) => next() } = options;
    this.around = around;
    this.dispatcher = new RpcDispatcher({ waitingCalls: limits.waitingCalls, isCompatible, run });
    for (const served of options.interfaces)
      this.dispatcher.register(served[0], implementationOf(served, around));
    const path = normalizePath(options.path ?? '');
    const report = reporter(options.report ?? reportToConsole);
    this.handler = httpHandler(this.dispatcher, { ...options, path, limits, report });
    this.#services = builtinEndpoints(options, path, () => this.openApi());
  }

  /** The operations served here as OpenAPI. */
  openApi(): object {
    return openApiDocument(this.#services.prefix, this.dispatcher.describeEndpoints(), this.options.info);
  }

  /** The answer to a request that does not call an operation; `undefined` if it belongs to the application. */
  answer(method: string, path: string): BuiltinAnswer | undefined {
    return builtinAnswer(this.#services, method, path);
  }
}

/** Ignores a failing log, so that it does not change the outcome of a call. */
function reporter(report: (report: CallReport) => void): (report: CallReport) => void {
  return (each) => {
    try {
      report(each);
    } catch (error) {
      reportToConsole(each);
      reportUnheard('The report of an RPC server has failed:', error);
    }
  };
}
