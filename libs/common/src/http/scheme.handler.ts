import type { RpcDispatcher } from '../rpc/rpc.dispatcher.js';
import { HttpExchange } from './http.exchange.js';
import { HttpRpcHandler } from './http.handler.js';
import { badRequest } from './http.message.js';
import type { HttpRequestHead, HttpResponse } from './http.message.js';
import type { HttpHandlerOptions } from './http.options.js';
import { isUnder, pathOf } from './http.route.js';
import type { HttpScheme, HttpSchemeCall } from './http.scheme.js';

/** The handler of a dispatcher's calls, in the scheme of the options. */
export function httpHandler(dispatcher: RpcDispatcher, options: HttpHandlerOptions): HttpRpcHandler {
  const { scheme } = options;
  return scheme ? new SchemeHandler(dispatcher, options, scheme) : new HttpRpcHandler(dispatcher, options);
}

/** Headers whose value is a list of names of headers. */
const listsOfHeaders = new Set(['Vary', 'Access-Control-Allow-Headers', 'Access-Control-Expose-Headers']);

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
    const translated = this.#target(target);
    return translated === undefined
      ? Boolean(this.options.catchAll) && super.owns(method, target)
      : super.owns(method, translated);
  }

  override open(head: HttpRequestHead): HttpExchange | HttpResponse {
    const { method } = head;
    const target = this.#target(head.target);
    if (target === undefined) return this.refuse(badRequest('The path names no operation.'), undefined);
    const headers: Record<string, string | string[] | undefined> = {};
    for (const [own, value] of Object.entries(head.headers)) {
      const name = this.scheme.wireHeader(own);
      if (name !== undefined) headers[name] = value;
    }
    return super.open({ method, target, headers, isLoopback: () => head.isLoopback() });
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

  /** The target that a client of iTwin.js would have asked for; `undefined` where the path is none of RPC. */
  #target(target: string): string | undefined {
    const { paths } = this.scheme;
    if (!paths) return target;
    const { path: prefix = '' } = this.options;
    const path = pathOf(target);
    if (!isUnder(path, prefix)) return undefined;
    let call: HttpSchemeCall | undefined;
    try {
      call = paths.read(path.slice(prefix.length));
    } catch {
      // Decoding fails for what is no text.
    }
    return call && isRoutable(call) ? prefix + wirePath(call) + target.slice(path.length) : undefined;
  }
}

/** Names that would be taken apart otherwise than the scheme has read them are none. */
function isRoutable({ interfaceName, version, operation }: HttpSchemeCall): boolean {
  return !/[-/?#]/.test(interfaceName + operation) && !/[/?#]/.test(version);
}

function wirePath({ interfaceName, version, operation, token }: HttpSchemeCall): string {
  const segment = `/${interfaceName}-${version}-${operation}`;
  if (!token) return segment;
  const { iTwinId = '', iModelId = '', changeset } = token;
  const whole = (id: string) => id.replace(/[/?#]/g, encodeURIComponent);
  return `/mode/1/context/${whole(iTwinId)}/imodel/${whole(iModelId)}/changeset/${whole(changeset?.id || '0')}${segment}`;
}
