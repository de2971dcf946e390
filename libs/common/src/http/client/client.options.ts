import type { RpcClientBaseOptions } from '../../rpc/client/client.options.js';
import type { RpcClientTransport } from '../../rpc/client/transport.js';
import type { WireNaming } from '../protocol/wire.naming.js';
import type { HttpRequest, HttpSend } from './send.js';

/** Options of a client: those of calls, and those of its HTTP requests. */
export interface RpcClientOptions extends RpcClientBaseOptions {
  /** Where the server is, for instance `https://rpc.example.com/api`. Default: the origin of the page. */
  readonly uriPrefix?: string;
  /** Part of every path, for gateways and logs. */
  readonly info?: { readonly title: string; readonly version: string };
  /** How calls travel. Default: HTTP. */
  readonly transport?: RpcClientTransport;
  /** How requests of HTTP are sent. Default: by `fetch`. */
  readonly send?: HttpSend;
  /** Paths, header names and statuses of one's own, made by `wireNaming`; the server takes the same. */
  readonly naming?: WireNaming;
  /**
   * Whether requests of `fetch` carry cookies, and keep those of the answer. Default: that of `fetch`, `same-origin`. A
   * server of another origin has to allow `include`.
   */
  readonly credentials?: HttpRequest['credentials'];
  /**
   * Bytes of an answer, after decompression. Past it reading ends, and the call rejects with a {@link ServerError} that
   * names this option. Default 64 MiB, what servers take of arguments: a value that could be sent can be had back, and
   * a server that has gone wrong cannot fill the memory of its clients.
   */
  readonly maxResponseBytes?: number;
  /**
   * Bytes of JSON text in an answer, or beside the bytes in one. Past it the text is not parsed, which may take twenty times
   * its memory, and the call rejects with a {@link ServerError} that names this option. Default 32 MiB.
   */
  readonly maxResponseText?: number;
  /**
   * Whether requests bear `X-Linnet-Client`, which lets the server send every status, and `X-Linnet-Timeout`, which
   * tells it the deadline. Default: yes, but for pages that call another origin, whose server may not allow them;
   * servers of Linnet do.
   */
  readonly ownHeaders?: boolean;
}
