import { CLIENT_HEADER, NOT_BEGUN_HEADER, TIMEOUT_HEADER } from './headers.js';
import type { IModelRpcProps } from '../../rpc/definition/token.js';

/** The call that the path of a request names. */
export interface WireNamingCall {
  /** The name of the interface. */
  readonly interfaceName: string;
  /** The client's version of the interface; `CONTROL` for a request about the server. */
  readonly version: string;
  /** The name of an operation of the interface. */
  readonly operation: string;
  /** Routes the call, decoded. Missing members come from the token among the arguments. */
  readonly token?: IModelRpcProps | undefined;
}

/** Paths, headers and statuses that replace those of iTwin.js. Members that are left out do not change. */
export interface WireNamingProps {
  /** Other paths, in both directions. Each function is the inverse of the other. */
  readonly paths?: {
    /** The path of a call, under the client's `uriPrefix`: it begins with `/` and is percent-encoded. */
    write(call: WireNamingCall): string;
    /**
     * Returns the call that a raw path names, under the server's `path`; `undefined`, or an error, for a path
     * that does not belong to RPC. Paths with dot segments or escaped letters are refused with 400; `%2F` and
     * empty segments are up to this function.
     */
    read(path: string): WireNamingCall | undefined;
  };
  /** Other header names, by their iTwin.js names: `{ 'X-Correlation-Id': 'X-Request-Id' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Other statuses, by the statuses of iTwin.js: `{ 202: 299 }`. Each must be unused and allow a body. */
  readonly statuses?: Readonly<Record<number, number>>;
}

/** Headers with a meaning for servers, clients or proxies. */
const wireHeaders: ReadonlySet<string> = new Set(
  (
    'accept accept-encoding access-control-allow-headers access-control-allow-methods access-control-allow-origin ' +
    'access-control-expose-headers allow authorization cache-control connection content-encoding content-length ' +
    'content-type cookie host origin retry-after last-event-id transfer-encoding vary x-application-id x-application-version ' +
    `x-correlation-id x-protocol-version x-session-id ${CLIENT_HEADER} ${TIMEOUT_HEADER} ${NOT_BEGUN_HEADER}`
  ).split(' '),
);
/** Statuses of answers and errors. */
const wireStatuses: ReadonlySet<number> = new Set([
  200, 202, 204, 400, 403, 404, 405, 408, 409, 410, 413, 414, 415, 422, 429, 500, 501, 502, 503, 504,
]);

/**
 * Creates a naming. Client and server need the same one.
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

/** Translates between the iTwin.js wire, which handlers and transports use, and another wire. */
export class WireNaming {
  /** The given paths; `undefined` for the paths of iTwin.js. */
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

  /** The name of an iTwin.js header in this naming. */
  ownHeader(name: string): string {
    return this.#headers.own.get(name.toLowerCase()) ?? name;
  }

  /** The iTwin.js name of a header; `undefined` if this naming gives that name to no header. */
  wireHeader(own: string): string | undefined {
    return this.#headers.wire.get(own) ?? (this.#headers.own.has(own) ? undefined : own);
  }

  /** The status in this naming of an iTwin.js status. */
  ownStatus(status: number): number {
    return this.#statuses.own.get(status) ?? status;
  }

  /** The iTwin.js status of a status in this naming. */
  wireStatus(own: number): number {
    return this.#statuses.wire.get(own) ?? own;
  }
}

/** A table of replaced names, in both directions. Names are found by their keys. */
class Renaming<T extends string | number> {
  readonly own = new Map<T, T>();
  readonly wire = new Map<T, T>();

  /** @param taken keys with a meaning already, unless they are renamed, too */
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
