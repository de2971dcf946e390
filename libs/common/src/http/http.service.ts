import { reportToConsole } from '../call/call.report.js';
import type { CallReport } from '../call/call.report.js';
import { complain } from '../call/call.text.js';
import { RpcDispatcher } from '../rpc/rpc.dispatcher.js';
import type { RpcDispatcherOptions } from '../rpc/rpc.dispatcher.js';
import { implementationOf } from '../rpc/rpc.served.js';
import type { RpcAround, RpcServed } from '../rpc/rpc.served.js';
import { defaultWireLimits, limitsFrom } from '../wire/wire.limits.js';
import type { WireLimits } from '../wire/wire.limits.js';
import type { HttpRpcHandler } from './http.handler.js';
import { openApiDocument } from './http.openapi.js';
import type { HttpHandlerOptions } from './http.options.js';
import { normalizePath } from './http.route.js';
import { serviceAnswer, serviceEndpoints } from './http.services.js';
import type { ServiceAnswer, ServiceEndpoints } from './http.services.js';
import { httpHandler } from './scheme.handler.js';

/** How RPC is served without a framework. `T` are the operations of the definitions, in the order of `interfaces`. */
export interface HttpServiceOptions<T extends readonly object[] = readonly object[]>
  extends Omit<HttpHandlerOptions, 'limits'>, Pick<RpcDispatcherOptions, 'isCompatible' | 'run'> {
  /** Names the server in its OpenAPI document. */
  readonly info?: { readonly title: string; readonly version: string };
  /** What is served: definitions, each with what answers it. */
  readonly interfaces: readonly [...{ [K in keyof T]: RpcServed<T[K]> }];
  /** How much of a request is read and decoded; what is left out stays at `defaultWireLimits`. */
  readonly limits?: Partial<WireLimits>;
  /** Stands around every call of an implementation, for instance to find out who is calling. */
  readonly around?: RpcAround;
  /** Answers `GET /ping`. Default `true`. */
  readonly ping?: boolean;
  /** Answers `GET /v3/swagger.json`. Default `true`. */
  readonly openApi?: boolean;
  /** Answers every other GET with the greeting of the reference server. Default `false`. */
  readonly greeting?: boolean;
}

/** What is served over HTTP, on any platform. Holds nothing that another service sees. */
export class HttpService {
  readonly dispatcher: RpcDispatcher;
  readonly handler: HttpRpcHandler;
  /** Stands around the calls of whatever is served here. */
  readonly around: RpcAround;
  readonly #services: ServiceEndpoints;

  /** @throws Error with a sentence, for what cannot be served */
  constructor(readonly options: HttpServiceOptions) {
    const limits = limitsFrom(defaultWireLimits, options.limits);
    const { isCompatible, run, around = (_call, next) => next() } = options;
    this.around = around;
    this.dispatcher = new RpcDispatcher({ waitingCalls: limits.waitingCalls, isCompatible, run });
    for (const served of options.interfaces)
      this.dispatcher.register(served[0], implementationOf(served, around));
    const path = normalizePath(options.path ?? '');
    const report = reporter(options.report ?? reportToConsole);
    this.handler = httpHandler(this.dispatcher, { ...options, path, limits, report });
    this.#services = serviceEndpoints(options, path, () => this.openApi());
  }

  /** The operations served here as OpenAPI. */
  openApi(): object {
    return openApiDocument(this.#services.prefix, this.dispatcher.describeEndpoints(), this.options.info);
  }

  /** The answer to a request that is none of RPC, if there is one. */
  answer(method: string, path: string): ServiceAnswer | undefined {
    return serviceAnswer(this.#services, method, path);
  }
}

/** A log that fails does not decide what comes of a call. */
function reporter(report: (report: CallReport) => void): (report: CallReport) => void {
  return (each) => {
    try {
      report(each);
    } catch (error) {
      reportToConsole(each);
      complain('The report of an RPC server has failed:', error);
    }
  };
}
