import type { RpcDispatcher } from '../rpc/rpc.dispatcher.js';
import { HttpExchange } from './http.exchange.js';
import { HttpRpcHandler } from './http.handler.js';
import { badRequest } from './http.message.js';
import type { HttpRequestHead, HttpResponse } from './http.message.js';
import type { HttpHandlerOptions } from './http.options.js';
import { checkPath, isUnder, pathOf } from './http.route.js';
import type { HttpRoute } from './http.route.js';
import type { HttpScheme, HttpSchemeCall } from './http.scheme.js';

/** The handler of a dispatcher's calls, in the scheme of the options. */
export function httpHandler(dispatcher: RpcDispatcher, options: HttpHandlerOptions): HttpRpcHandler {
  const { scheme } = options;
  return scheme ? new SchemeHandler(dispatcher, options, scheme) : new HttpRpcHandler(dispatcher, options);
}

/** Headers whose value is a list of names of headers. */
const listsOfHeaders = new Set(['Vary', 'Access-Control-Allow-Headers', 'Access-Control-Expose-Headers']);

const methods = new Set(['POST', 'OPTIONS', 'GET', 'HEAD']);

/** A call as a path names it. */
interface PathCall {
  /** What a client of iTwin.js would have asked for, if nothing routed the call. */
  readonly target: string;
  readonly token: HttpSchemeCall['token'];
}

/** Serves a scheme: what it is asked is translated before it is judged, and its answers before they are sent. */
class SchemeHandler extends HttpRpcHandler {
  constructor(
    dispatcher: RpcDispatcher,
    options: HttpHandlerOptions,
    private readonly scheme: HttpScheme,
  ) {
    super(dispatcher, options);
  }

  override owns(method: string, target: string): boolean {
    const call = this.#read(target);
    if (!call) return Boolean(this.options.catchAll) && super.owns(method, target);
    // As under `/mode/…/imodel/`: what is routed by a model is a call, whoever answers it.
    return call.token ? methods.has(method) : super.owns(method, call.target);
  }

  override open(head: HttpRequestHead): HttpExchange | HttpResponse {
    const { method, target, address } = head;
    const headers: Record<string, string | string[] | undefined> = {};
    for (const [own, value] of Object.entries(head.headers)) {
      const name = this.scheme.wireHeader(own);
      if (name !== undefined) headers[name] = value;
    }
    return super.open({ method, target, headers, address, isLoopback: () => head.isLoopback() });
  }

  protected override parse(target: string): HttpRoute {
    if (!this.scheme.paths) return super.parse(target);
    // The scheme itself decides on what stands for a slash.
    checkPath(pathOf(target), true);
    const call = this.#read(target);
    if (!call) throw badRequest('The path names no operation.');
    return { ...super.parse(call.target), token: call.token ?? {} };
  }

  override finish({ status, headers, ...rest }: HttpResponse): HttpResponse {
    const own = headers.map((text, i) => {
      if (i % 2 === 0) return this.scheme.ownHeader(text);
      if (!listsOfHeaders.has(headers[i - 1]!)) return text;
      return text
        .split(', ')
        .map((name) => this.scheme.ownHeader(name))
        .join(', ');
    });
    return { ...rest, status: this.scheme.ownStatus(status), headers: own };
  }

  /** What the path names; `undefined` where it is none of RPC. */
  #read(target: string): PathCall | undefined {
    const { paths } = this.scheme;
    if (!paths) return { target, token: undefined };
    const { path: prefix = '' } = this.options;
    const path = pathOf(target);
    if (!isUnder(path, prefix)) return undefined;
    let call: HttpSchemeCall | undefined;
    try {
      call = paths.read(path.slice(prefix.length));
    } catch {
      // Decoding fails for what is no text.
    }
    if (!call || !isRoutable(call)) return undefined;
    const { interfaceName, version, operation, token } = call;
    return {
      target: `${prefix}/${interfaceName}-${version}-${operation}${target.slice(path.length)}`,
      token,
    };
  }
}

/** Names that would be taken apart otherwise than the scheme has read them are none. */
function isRoutable({ interfaceName, version, operation }: HttpSchemeCall): boolean {
  return !/[-/?#]/.test(interfaceName + operation) && !/[/?#]/.test(version);
}
