import { CLIENT_HEADER, NOT_BEGUN_HEADER, TIMEOUT_HEADER } from './headers.js';
import type { IModelRpcProps } from '../../rpc/definition/token.js';

/** The call that the path of a request names. */
export interface WireNamingCall {
  /** The name of the interface. */
  readonly interfaceName: string;
  /** The client's version of the interface; `CONTROL` for a question about the server itself. */
  readonly version: string;
  /** The name of an operation of the interface. */
  readonly operation: string;
  /** Routes the call, decoded; what it leaves out is as the token among the arguments has it. */
  readonly token?: IModelRpcProps | undefined;
}

/** Paths, headers and statuses that replace those of iTwin.js. Members that are left out do not change. */
export interface WireNamingProps {
  /** Other paths: both directions, of which one undoes the other. */
  readonly paths?: {
    /** The path of a call, under the client's `uriPrefix`: it begins with `/`, and is percent-encoded. */
    write(call: WireNamingCall): string;
    /**
     * Returns the call that a raw path names, under the server's `path`; `undefined`, or an error, for a path
     * that does not belong to RPC. Paths with dot segments or escaped letters are refused with 400; `%2F` and
     * empty segments are up to this function.
     */
    read(path: string): WireNamingCall | undefined;
  };
  /** Other names of headers, by those of iTwin.js: `{ 'X-Correlation-Id': 'X-Request-Id' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Other statuses of answers, by those of iTwin.js: `{ 202: 299 }`. Each has no other meaning, and may have a body. */
  readonly statuses?: Readonly<Record<number, number>>;
}

/** Headers that mean something to servers, clients, or what is between them. */
const wireHeaders: ReadonlySet<string> = new Set(
  (
    'accept-encoding access-control-allow-headers access-control-allow-methods access-control-allow-origin ' +
    'access-control-expose-headers allow authorization cache-control connection content-encoding content-length ' +
    'content-type cookie host origin retry-after transfer-encoding vary x-application-id x-application-version ' +
    `x-correlation-id x-protocol-version x-session-id ${CLIENT_HEADER} ${TIMEOUT_HEADER} ${NOT_BEGUN_HEADER}`
  ).split(' '),
);
/** Statuses of answers and errors. */
const wireStatuses: ReadonlySet<number> = new Set([
  200, 202, 204, 400, 403, 404, 405, 408, 409, 410, 413, 414, 415, 422, 429, 500, 501, 502, 503, 504,
]);

/**
 * Makes a naming. Client and server take the same one.
 *
 * ```ts
 * const naming = wireNaming({ headers: { 'X-Correlation-Id': 'X-Request-Id' } });
 * ```
 *
 * @throws Error if two headers or two statuses become the same, or a name or status is not possible for an answer with a
 * body
 */
export function wireNaming(props: WireNamingProps): WireNaming {
  return new WireNaming(props);
}

/** Translates between the wire of iTwin.js, which is all that handlers and transports know, and another one. */
export class WireNaming {
  /** As they were given; `undefined`: those of iTwin.js. */
  readonly paths: WireNamingProps['paths'];
  readonly #headers: Renaming<string>;
  readonly #statuses: Renaming<number>;

  constructor({ paths, headers = {}, statuses = {} }: WireNamingProps) {
    this.paths = paths;
    for (const name of Object.values(headers))
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new Error(`A naming cannot call a header "${name}".`);
    for (const status of Object.values(statuses))
      // Other statuses are interim, redirect the caller, or forbid a body.
      if (!/^(2(?!0[45])|[45])\d\d$/.test(String(status)))
        throw new Error(`A naming cannot answer with status ${status}.`);
    this.#headers = new Renaming(Object.entries(headers), (name) => name.toLowerCase(), wireHeaders);
    const ofStatuses = Object.entries(statuses).map(([status, own]) => [Number(status), own] as const);
    this.#statuses = new Renaming(ofStatuses, (status) => status, wireStatuses);
  }

  /** The name that a header of iTwin.js has here. */
  ownHeader(name: string): string {
    return this.#headers.own.get(name.toLowerCase()) ?? name;
  }

  /** The name that a header has in iTwin.js; `undefined` for one that has another name here: it means nothing. */
  wireHeader(own: string): string | undefined {
    return this.#headers.wire.get(own) ?? (this.#headers.own.has(own) ? undefined : own);
  }

  /** The status that one of iTwin.js has here. */
  ownStatus(status: number): number {
    return this.#statuses.own.get(status) ?? status;
  }

  /** The status that one has in iTwin.js. */
  wireStatus(own: number): number {
    return this.#statuses.wire.get(own) ?? own;
  }
}

/** Names that stand for others, and back; each is found by its key. */
class Renaming<T extends string | number> {
  readonly own = new Map<T, T>();
  readonly wire = new Map<T, T>();

  /** @param taken keys that mean something already, unless they are renamed themselves */
  constructor(pairs: readonly (readonly [wire: T, own: T])[], keyOf: (name: T) => T, taken: ReadonlySet<T>) {
    for (const [name, own] of pairs) {
      if (this.own.has(keyOf(name))) throw new Error(`A naming renames ${name} twice.`);
      if (this.wire.has(keyOf(own))) throw new Error(`A naming gives two meanings to ${own}.`);
      this.own.set(keyOf(name), own);
      this.wire.set(keyOf(own), keyOf(name));
    }
    for (const [, own] of pairs)
      if (taken.has(keyOf(own)) && !this.own.has(keyOf(own)))
        throw new Error(`A naming gives two meanings to ${own}.`);
  }
}
