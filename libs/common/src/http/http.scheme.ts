import type { IModelRpcProps } from '../rpc/rpc.token.js';

/** What the path of a request names. */
export interface HttpSchemeCall {
  /** Of the definition. */
  readonly interfaceName: string;
  /** The client's version of the interface; `CONTROL` for a question about the server itself. */
  readonly version: string;
  /** The name of an operation of the interface. */
  readonly operation: string;
  /** Routes the call, decoded; what it leaves out is as the token among the arguments has it. */
  readonly token?: IModelRpcProps | undefined;
}

/** How calls are written as HTTP, where it is to be otherwise than iTwin.js has it. What is left out stays as it is. */
export interface HttpSchemeProps {
  /** Other paths: both directions, of which one undoes the other. */
  readonly paths?: {
    /** The path of a call, under the client's `uriPrefix`: it begins with `/`, and is percent-encoded. */
    write(call: HttpSchemeCall): string;
    /** What a raw path names, under the server's `path`; `undefined`, or an error, for one that is none of RPC. */
    read(path: string): HttpSchemeCall | undefined;
  };
  /** Other names of headers, by those of iTwin.js: `{ 'X-Correlation-Id': 'X-Request-Id' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Other statuses of answers, by those of iTwin.js: `{ 202: 299 }`. Each is to be one that has no other meaning. */
  readonly statuses?: Readonly<Record<number, number>>;
}

/**
 * Makes a web RPC configuration of one's own. Client and server take the same one.
 *
 * ```ts
 * const scheme = httpScheme({ headers: { 'X-Correlation-Id': 'X-Request-Id' } });
 * ```
 *
 * @throws Error where two headers or two statuses could not be told apart
 */
export function httpScheme(props: HttpSchemeProps): HttpScheme {
  return new HttpScheme(props);
}

/** Translates between the wire of iTwin.js, which is all that handlers and transports know, and another one. */
export class HttpScheme {
  /** As they were given; `undefined`: those of iTwin.js. */
  readonly paths: HttpSchemeProps['paths'];
  readonly #headers: Renaming<string>;
  readonly #statuses: Renaming<number>;

  constructor({ paths, headers = {}, statuses = {} }: HttpSchemeProps) {
    this.paths = paths;
    this.#headers = new Renaming(Object.entries(headers), (name) => name.toLowerCase());
    this.#statuses = new Renaming(
      Object.entries(statuses).map(([status, own]) => [Number(status), own]),
      (status) => status,
    );
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
class Renaming<T> {
  readonly own: ReadonlyMap<T, T>;
  readonly wire: ReadonlyMap<T, T>;

  constructor(pairs: readonly (readonly [wire: T, own: T])[], keyOf: (name: T) => T) {
    this.own = new Map(pairs.map(([wire, own]) => [keyOf(wire), own]));
    this.wire = new Map(pairs.map(([wire, own]) => [keyOf(own), keyOf(wire)]));
    if (this.wire.size < pairs.length)
      throw new Error(`A scheme gives two meanings to one of ${[...this.own.values()].join(', ')}.`);
  }
}
