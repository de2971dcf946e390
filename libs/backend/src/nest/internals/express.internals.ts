// Members of Express 5.3.0, its router 2.3.0, and Nest's adapter 12.5.1 that are not part of their public interfaces.

import { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { AbstractHttpAdapter } from '@nestjs/core';

export type ExpressRequest = IncomingMessage & {
  res?: ExpressResponse;
  originalUrl: string;
  baseUrl: string;
  path: string;
  params: object;
  next: () => void;
  body?: unknown;
  rawBody?: unknown;
};

export type ExpressResponse = ServerResponse & {
  req: ExpressRequest;
  locals: Record<string, unknown>;
  status(code: number): ExpressResponse;
  send(body: string | Uint8Array): void;
};

/** An Express application: its prototypes of messages, and the stack of layers of its router. */
export interface ExpressApplication {
  (request: IncomingMessage, response: ServerResponse): void;
  readonly request: object;
  readonly response: object;
  readonly router: { readonly stack: ExpressLayer[] };
}

/** One function in the stack of a router: middleware, or a route. */
export interface ExpressLayer {
  readonly handle: ExpressHandle;
  readonly name: string;
  readonly route?: { _handlesMethod(method: string): boolean } | undefined;
  match(path: string): unknown;
}

export type ExpressHandle = (...args: never[]) => unknown;

/** The layers of an application, in order: the router has no public list of them. */
export function layersOf(app: ExpressApplication): readonly ExpressLayer[] {
  return app.router.stack;
}

/** Whether a layer would run for a path. `match` is what the router itself calls. */
export function matchesPath(layer: ExpressLayer, path: string): boolean {
  try {
    return Boolean(layer.match(path));
  } catch {
    // A malformed escape: Express answers it by itself.
    return true;
  }
}

/** Whether a layer would run for a method; middleware runs for all. `HEAD` is given to routes for `GET`, so that all may. */
export function handlesMethod({ route }: ExpressLayer, method: string): boolean {
  return !route || method === 'HEAD' || route._handlesMethod(method);
}

/** Whether the application has set a hook of the adapter, which runs in its first layer. The hooks are private members. */
export function hasRequestHooks(adapter: AbstractHttpAdapter): boolean {
  const { onRequestHook, onResponseHook } = adapter as unknown as Record<string, unknown>;
  return Boolean(onRequestHook || onResponseHook);
}

/**
 * Runs a function with the layers that a method of the adapter adds, whenever it adds some. Nest has no hook for that, and
 * the layers of body parsers, static files and CORS have no other mark.
 */
export function onLayersAdded(
  adapter: AbstractHttpAdapter,
  method: 'enableCors' | 'registerParserMiddleware' | 'useStaticAssets',
  added: (handles: ExpressHandle[], args: readonly unknown[]) => void,
): void {
  const target = adapter as unknown as Record<string, (...args: unknown[]) => unknown>;
  const app = adapter.getInstance<ExpressApplication>();
  const original = target[method]!.bind(adapter);
  target[method] = (...args) => {
    const { length } = layersOf(app);
    const result = original(...args);
    const handles = layersOf(app).slice(length);
    added(
      handles.map(({ handle }) => handle),
      args,
    );
    return result;
  };
}

/** The source texts of two functions that Nest's adapter adds to the stack; `undefined` for an adapter of another kind. */
export interface AdapterSources {
  /** The first layer, which calls the hooks of the adapter. */
  readonly hooks: string | undefined;
  /** The middleware of `enableCors`, also if the application has added it by itself. */
  readonly cors: string | undefined;
}

/** Reads the source texts from a second adapter of the same class, which has no other layers. */
export function adapterSources(adapter: AbstractHttpAdapter): AdapterSources {
  const fresh = freshAdapter(adapter);
  if (!fresh) return { hooks: undefined, cors: undefined };
  const layers = () => layersOf(fresh.getInstance<ExpressApplication>());
  const hooks = layers()[0]?.handle.toString();
  fresh.enableCors({});
  return { hooks, cors: layers().at(-1)?.handle.toString() };
}

/** The package of the adapter is optional, so that the class comes from the adapter of the application. */
function freshAdapter(adapter: object): AbstractHttpAdapter | undefined {
  for (let owner = adapter; owner !== Object.prototype;) {
    const parent = Object.getPrototypeOf(owner) as object | null;
    if (parent === AbstractHttpAdapter.prototype)
      return new (owner.constructor as new () => AbstractHttpAdapter)();
    if (!parent) return undefined;
    owner = parent;
  }
  return undefined;
}

const noNext = () => undefined;

/** Does to Node's messages what `app.handle` and the router do: handlers of Express then see what they expect. */
export function prepareMessages(
  app: ExpressApplication,
  request: ExpressRequest,
  response: ExpressResponse,
): void {
  if (request.res) return;
  request.res = response;
  response.req = request;
  if (Object.getPrototypeOf(request) !== app.request) Object.setPrototypeOf(request, app.request);
  if (Object.getPrototypeOf(response) !== app.response) Object.setPrototypeOf(response, app.response);
  response.locals ??= Object.create(null) as Record<string, unknown>;
  request.originalUrl ??= request.url!;
  request.baseUrl = '';
  request.params = {};
  request.next = noNext;
}

type MessageClasses = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Constructors whose instances have Express's prototypes from the start, for a server that never swaps prototypes. They are
 * functions, because the `prototype` of a class cannot be set. Each inherits from Node's constructor, as a class would:
 * without that they are slower than the swap.
 */
export function messageClasses(app: ExpressApplication): MessageClasses {
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

/** The client's address of a message that Express has not seen, by its `request.ip`, which knows the trusted proxies. */
export function expressAddress(
  { request }: ExpressApplication,
  { headers, socket }: IncomingMessage,
): string | undefined {
  const message = Object.create(request, { headers: { value: headers }, socket: { value: socket } }) as {
    readonly ip: string | undefined;
  };
  return message.ip;
}
