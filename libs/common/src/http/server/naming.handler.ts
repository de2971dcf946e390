import type { RpcDispatcher } from '../../rpc/server/dispatcher.js';
import type { HttpCall } from '../call/http.call.js';
import { HttpRpcHandler } from './handler.js';
import { badRequest } from '../protocol/message.js';
import type { HttpRequestHead, HttpResponse } from '../protocol/message.js';
import type { HttpHandlerOptions } from '../call/options.js';
import { checkPath, isUnder, pathOf } from '../protocol/url.reader.js';
import type { HttpRoute } from '../protocol/url.reader.js';
import type { WireNaming, WireNamingCall } from '../protocol/wire.naming.js';

/** Creates the handler for a dispatcher, with the naming of the options. */
export function httpHandler(dispatcher: RpcDispatcher, options: HttpHandlerOptions): HttpRpcHandler {
  const { naming } = options;
  return naming ? new NamingHandler(dispatcher, options, naming) : new HttpRpcHandler(dispatcher, options);
}

const methods = new Set(['POST', 'OPTIONS', 'GET', 'HEAD']);

/** A call as a path names it. */
interface PathCall {
  /** The target that a client of iTwin.js would send without a token. */
  readonly target: string;
  readonly token: WireNamingCall['token'];
}

/** Serves a naming: requests are translated before they are checked, and answers before they are sent. */
class NamingHandler extends HttpRpcHandler {
  constructor(
    dispatcher: RpcDispatcher,
    options: HttpHandlerOptions,
    private readonly naming: WireNaming,
  ) {
    super(dispatcher, options);
  }

  override owns(method: string, target: string): boolean {
    const call = this.#read(target);
    if (!call) return Boolean(this.options.catchAll) && super.owns(method, target);
    // As with `/mode/…/imodel/`, a path with a model always belongs to RPC.
    return call.token ? methods.has(method) : super.owns(method, call.target);
  }

  override open(head: HttpRequestHead): HttpCall | HttpResponse {
    const { method, target, address } = head;
    const headers: Record<string, string | string[] | undefined> = {};
    for (const [own, value] of Object.entries(head.headers)) {
      const name = this.naming.wireHeader(own);
      if (name !== undefined) headers[name] = value;
    }
    return super.open({ method, target, headers, address, isLoopback: () => head.isLoopback() });
  }

  protected override parse(target: string): HttpRoute {
    if (!this.naming.paths) return super.parse(target);
    // The naming decides about an encoded slash.
    checkPath(pathOf(target), true);
    const call = this.#read(target);
    if (!call) throw badRequest('The path names no operation.');
    return { ...super.parse(call.target), token: call.token ?? {} };
  }

  /** The call that the path names; `undefined` if the path does not belong to RPC. */
  #read(target: string): PathCall | undefined {
    const { paths } = this.naming;
    if (!paths) return { target, token: undefined };
    const { path: prefix = '' } = this.options;
    const path = pathOf(target);
    if (!isUnder(path, prefix)) return undefined;
    let call: WireNamingCall | undefined;
    try {
      call = paths.read(path.slice(prefix.length));
    } catch {
      // The path is not valid text.
    }
    if (!call || !isRoutable(call)) return undefined;
    const { interfaceName, version, operation, token } = call;
    return {
      target: `${prefix}/${interfaceName}-${version}-${operation}${target.slice(path.length)}`,
      token,
    };
  }
}

/** Whether the names stay whole in a path of iTwin.js, so that they are read back unchanged. */
function isRoutable({ interfaceName, version, operation }: WireNamingCall): boolean {
  return !/[-/?#]/.test(interfaceName + operation) && !/[/?#]/.test(version);
}
