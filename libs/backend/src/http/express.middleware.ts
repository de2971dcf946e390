import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import { pathOf } from '@linnet/common/internal';

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
  type(type: string): ExpressResponse;
  send(body: string): void;
};

/** The part of Express that is looked at: its stack of layers, as the `router` package makes it. */
export interface ExpressApplication {
  (request: IncomingMessage, response: ServerResponse): void;
  readonly request: object;
  readonly response: object;
  readonly router: { readonly stack: ExpressLayer[] };
}

interface ExpressLayer {
  readonly handle: (...args: never[]) => unknown;
  readonly name: string;
  readonly route?: { _handlesMethod(method: string): boolean } | undefined;
  match(path: string): unknown;
}

type Handle = ExpressLayer['handle'];

/** Paths whose middleware is remembered; emptied when a client asks for more different ones. */
const REMEMBERED = 2000;
/** Characters at which Express parses a target in another way than by its first question mark. */
// eslint-disable-next-line no-control-regex -- these are the ones it looks for
const oddTarget = /[\t\n\f\r #\u00a0\ufeff]/;

/** Knows which requests would meet middleware or routes of the application before they reach RPC. */
export class MiddlewareMap {
  /** Nest's own body parsers; they do not read the content types of RPC. */
  readonly #parsers = new WeakSet<Handle>();
  /** Static files; they answer GET and HEAD and let everything else pass. */
  readonly #statics = new WeakSet<Handle>();
  readonly #met = new Map<string, boolean>();
  readonly #reported = new Set<string>();
  /** Nest's middleware for CORS, by the function that it is. */
  readonly #cors = new WeakSet<Handle>();
  readonly #hookLayer: string | undefined;
  readonly #corsSource: string | undefined;
  #end: Handle | undefined;
  #stackLength = -1;
  #layers: ExpressLayer[] = [];

  constructor(
    private readonly adapter: AbstractHttpAdapter,
    private readonly app: ExpressApplication,
    private readonly logger: Logger,
  ) {
    const fresh = freshAdapter(adapter);
    this.#hookLayer = fresh && layersOf(fresh)[0]?.handle.toString();
    fresh?.enableCors({});
    this.#corsSource = fresh && layersOf(fresh).at(-1)?.handle.toString();
    this.#record('enableCors', () => this.#cors);
    this.#record('registerParserMiddleware', () => this.#parsers);
    this.#record('useStaticAssets', (_path, options) =>
      // Without fall-through a static layer answers every method.
      (options as { fallthrough?: boolean } | undefined)?.fallthrough === false ? undefined : this.#statics,
    );
  }

  /** The layer behind which nothing is met any more. */
  endsAt(handle: Handle): void {
    this.#end = handle;
  }

  /**
   * Whether the application answers for CORS itself where RPC is, by the middleware that Express and Nest have for
   * it: added by Nest, or a function of the same source. Names do not count: a minifier changes them. Where that
   * middleware is hidden inside another, the stricter of both policies counts.
   */
  hasCors(prefix: string): boolean {
    const isCors = (handle: Handle) => this.#cors.has(handle) || handle.toString() === this.#corsSource;
    return this.#before().some((layer) => isCors(layer.handle) && matches(layer, `${prefix}/mode/imodel`));
  }

  /** Whether a request would run code of the application. Answers `true` in doubt. */
  isMet(method: string, target: string): boolean {
    const { onRequestHook, onResponseHook } = this.adapter as unknown as Record<string, unknown>;
    if (onRequestHook || onResponseHook) {
      this.#report('a hook of the adapter');
      return true;
    }
    if (this.app.router.stack.length !== this.#stackLength) this.#read();
    if (this.#layers.length === 0) return false;
    const path = pathOf(target);
    // Express looks for these in the query as well, and then reads the path in another way.
    if (path.length !== target.length && oddTarget.test(target)) return true;
    const key = method === 'POST' ? path : `${method} ${path}`;
    let met = this.#met.get(key);
    if (met === undefined) {
      met = this.#isMet(method, path);
      if (this.#met.size >= REMEMBERED) this.#met.clear();
      this.#met.set(key, met);
    }
    return met;
  }

  #isMet(method: string, path: string): boolean {
    if (!path.startsWith('/') || oddTarget.test(path)) return true;
    for (const layer of this.#layers) {
      const { handle, route } = layer;
      if (this.#statics.has(handle) && method !== 'GET' && method !== 'HEAD') continue;
      // Express gives HEAD to routes for GET.
      if (route && method !== 'HEAD' && !route._handlesMethod(method)) continue;
      if (!matches(layer, path)) continue;
      this.#report(route ? 'a route' : `middleware "${layer.name}"`);
      return true;
    }
    return false;
  }

  /** Reads the stack again: it has changed. */
  #read(): void {
    this.#met.clear();
    this.#layers = this.#before();
    this.#stackLength = this.app.router.stack.length;
  }

  /** The layers before ours that count. */
  #before(): ExpressLayer[] {
    const { stack } = this.app.router;
    const end = stack.findIndex(({ handle }) => handle === this.#end);
    const layers = stack.slice(0, end < 0 ? stack.length : end);
    return layers.filter(
      ({ handle }, index) =>
        !this.#parsers.has(handle) && !(index === 0 && handle.toString() === this.#hookLayer),
    );
  }

  #report(label: string): void {
    if (this.#reported.has(label)) return;
    this.#reported.add(label);
    this.logger.log(`RPC that meets ${label} goes through Express, which is slower.`);
  }

  /** Remembers the layers that a method of the adapter adds. */
  #record(method: string, kind: (...args: unknown[]) => WeakSet<Handle> | undefined): void {
    const adapter = this.adapter as unknown as Record<string, (...args: unknown[]) => unknown>;
    const original = adapter[method]!.bind(adapter);
    adapter[method] = (...args) => {
      const { stack } = this.app.router;
      const length = stack.length;
      const result = original(...args);
      for (const { handle } of stack.slice(length)) kind(...args)?.add(handle);
      return result;
    };
  }
}

function matches(layer: ExpressLayer, path: string): boolean {
  try {
    return Boolean(layer.match(path));
  } catch {
    // A malformed escape: Express has an answer of its own for it.
    return true;
  }
}

/** Another adapter of the same kind, whose layers are known: first the one that Nest puts there itself. */
function freshAdapter(adapter: object): AbstractHttpAdapter | undefined {
  // The package is an optional one, so the class comes from the adapter that is there.
  for (let owner = adapter; owner !== Object.prototype;) {
    const parent = Object.getPrototypeOf(owner) as object | null;
    if (parent === AbstractHttpAdapter.prototype)
      return new (owner.constructor as new () => AbstractHttpAdapter)();
    if (!parent) return undefined;
    owner = parent;
  }
  return undefined;
}

function layersOf(adapter: AbstractHttpAdapter): readonly ExpressLayer[] {
  return adapter.getInstance<ExpressApplication>().router.stack;
}
