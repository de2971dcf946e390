import type { Logger } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { pathOf } from '@linnet/common/internal';
import {
  adapterSources,
  handlesMethod,
  hasRequestHooks,
  layersOf,
  matchesPath,
  onLayersAdded,
} from '../nest/internals/express.internals.js';
import type {
  AdapterSources,
  ExpressApplication,
  ExpressHandle,
  ExpressLayer,
} from '../nest/internals/express.internals.js';

/** Paths whose middleware is remembered; emptied when a client asks for more different ones. */
const REMEMBERED = 2000;
/** Characters at which Express parses a target in another way than by its first question mark. */
// eslint-disable-next-line no-control-regex -- these are the ones it looks for
const oddTarget = /[\t\n\f\r #\u00a0\ufeff]/;

/** Knows which requests would meet middleware or routes of the application before they reach RPC. */
export class MiddlewareMap {
  /** Nest's own body parsers; they do not read the content types of RPC. */
  readonly #parsers = new WeakSet<ExpressHandle>();
  /** Static files; they answer GET and HEAD and let everything else pass. */
  readonly #statics = new WeakSet<ExpressHandle>();
  readonly #met = new Map<string, boolean>();
  readonly #reported = new Set<string>();
  /** Nest's middleware for CORS, by the function that it is. */
  readonly #cors = new WeakSet<ExpressHandle>();
  readonly #sources: AdapterSources;
  #end: ExpressHandle | undefined;
  #stackLength = -1;
  #layers: ExpressLayer[] = [];
  /** The layers that handle POST, the method of nearly all calls. */
  #posts: ExpressLayer[] = [];

  constructor(
    private readonly adapter: AbstractHttpAdapter,
    private readonly app: ExpressApplication,
    private readonly logger: Logger,
  ) {
    this.#sources = adapterSources(adapter);
    const addTo = (known: WeakSet<ExpressHandle>) => (handles: readonly ExpressHandle[]) =>
      handles.forEach((handle) => known.add(handle));
    onLayersAdded(adapter, 'enableCors', addTo(this.#cors));
    onLayersAdded(adapter, 'registerParserMiddleware', addTo(this.#parsers));
    onLayersAdded(adapter, 'useStaticAssets', (handles, [, options]) => {
      // Without fall-through a static layer answers every method.
      if ((options as { fallthrough?: boolean } | undefined)?.fallthrough !== false)
        addTo(this.#statics)(handles);
    });
  }

  /** The layer behind which nothing is met any more. */
  endsAt(handle: ExpressHandle): void {
    this.#end = handle;
  }

  /**
   * Whether the application answers for CORS itself where RPC is, by the middleware that Express and Nest have for
   * it: added by Nest, or a function of the same source. Names do not count: a minifier changes them. Where that
   * middleware is hidden inside another, the stricter of both policies counts.
   */
  hasCors(prefix: string): boolean {
    const isCors = (handle: ExpressHandle) =>
      this.#cors.has(handle) || handle.toString() === this.#sources.cors;
    return this.#before().some(
      (layer) => isCors(layer.handle) && matchesPath(layer, `${prefix}/mode/imodel`),
    );
  }

  /** Whether a request would run code of the application. Answers `true` in doubt. */
  meetsMiddleware(method: string, target: string): boolean {
    if (hasRequestHooks(this.adapter)) {
      this.#report('a hook of the adapter');
      return true;
    }
    if (layersOf(this.app).length !== this.#stackLength) this.#read();
    if ((method === 'POST' ? this.#posts : this.#layers).length === 0) return false;
    const path = pathOf(target);
    // Express looks for these in the query as well, and then reads the path in another way.
    if (path.length !== target.length && oddTarget.test(target)) return true;
    const key = method === 'POST' ? path : `${method} ${path}`;
    let met = this.#met.get(key);
    if (met === undefined) {
      met = this.#findMiddleware(method, path);
      if (this.#met.size >= REMEMBERED) this.#met.clear();
      this.#met.set(key, met);
    }
    return met;
  }

  #findMiddleware(method: string, path: string): boolean {
    if (!path.startsWith('/') || oddTarget.test(path)) return true;
    for (const layer of this.#layers) {
      const { handle, route } = layer;
      if (this.#statics.has(handle) && method !== 'GET' && method !== 'HEAD') continue;
      if (!handlesMethod(layer, method)) continue;
      if (!matchesPath(layer, path)) continue;
      this.#report(route ? 'a route' : `middleware "${layer.name}"`);
      return true;
    }
    return false;
  }

  /** Reads the stack again: it has changed. */
  #read(): void {
    this.#met.clear();
    this.#layers = this.#before();
    this.#posts = this.#layers.filter((layer) => handlesMethod(layer, 'POST'));
    this.#stackLength = layersOf(this.app).length;
  }

  /** The layers before ours that count. */
  #before(): ExpressLayer[] {
    const stack = layersOf(this.app);
    const end = stack.findIndex(({ handle }) => handle === this.#end);
    const layers = stack.slice(0, end < 0 ? stack.length : end);
    return layers.filter(
      ({ handle }, index) =>
        !this.#parsers.has(handle) && !(index === 0 && handle.toString() === this.#sources.hooks),
    );
  }

  #report(label: string): void {
    if (this.#reported.has(label)) return;
    this.#reported.add(label);
    this.logger.log(`RPC that reaches ${label} goes through Express, which is slower.`);
  }
}
