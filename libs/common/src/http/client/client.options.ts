import type { RpcClientBaseOptions } from '../../rpc/client/client.options.js';
import type { RpcClientTransport } from '../../rpc/client/transport.js';
import type { WireNaming } from '../protocol/wire.naming.js';
import type { HttpRequest, HttpSend } from './send.js';

/** Options of a client, its calls and its HTTP requests. */
export interface RpcClientOptions extends RpcClientBaseOptions {
  /** The address of the server, for instance `https://rpc.example.com/api`. Default: the origin of the page. */
  readonly uriPrefix?: string;
  /** Part of every path, for gateways and logs. */
  readonly info?: { readonly title: string; readonly version: string };
  /** The transport of calls. Default: HTTP. */
  readonly transport?: RpcClientTransport;
  /** Sends HTTP requests. Default: `fetch`. */
  readonly send?: HttpSend;
  /** Your own paths, header names and statuses, made by `wireNaming`. The server needs the same naming. */
  readonly naming?: WireNaming;
  /**
   * Whether `fetch` sends cookies and keeps the cookies of the answer. Default: `same-origin`, as in `fetch`. A server of
   * another origin must allow `include`.
   */
  readonly credentials?: HttpRequest['credentials'];
  /**
   * Bytes of an answer, after decompression. Past it reading ends, and the call rejects with a {@link ServerError} that
   * names this option. Default 64 MiB, the limit of servers for arguments: a value that can be sent can also be returned,
   * and a faulty server cannot fill the memory of its clients.
   */
  readonly maxResponseBytes?: number;
  /**
   * Bytes of JSON text in an answer, or beside the bytes in one. Past it the text is not parsed, because parsing may take
   * twenty times its memory, and the call rejects with a {@link ServerError} that names this option. Default 32 MiB.
   */
  readonly maxResponseText?: number;
  /**
   * Whether requests have the headers `X-Linnet-Client`, which lets the server send every status, and `X-Linnet-Timeout`,
   * the deadline. Default `true`, except in pages that call another origin, whose server may not allow these headers.
   * Servers of Linnet allow them.
   */
  readonly ownHeaders?: boolean;
}
