import type { CallReport } from '../../call/call.report.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import type { WireLimits } from '../../base/limits.js';
import type { DecodeText } from '../protocol/arguments.reader.js';
import type { OriginOptions } from './origin.policy.js';
import type { WireNaming } from '../protocol/wire.naming.js';

/** Options for serving RPC over HTTP. */
export interface HttpHandlerOptions extends OriginOptions, ErrorPolicy {
  /** Limits of reading and decoding a request; see {@link defaultWireLimits}. */
  limits: WireLimits;
  /** The path of RPC. Requests outside of it belong to the application. Default: every path. */
  path?: string;
  /** Treats every POST, and every GET with `/imodel/`, as RPC. For servers that serve nothing else. */
  catchAll?: boolean;
  /** Accepts GET also for operations that do not allow caching, as the reference does. */
  anyGet?: boolean;
  /**
   * `wire` (default): errors have the status of their category.
   * `readable`: iTwin.js clients get 500 instead of a status whose body they do not read, or after which they would repeat
   * the call.
   */
  errorStatus?: 'wire' | 'readable';
  /** Refuses a call whose token argument differs from the path, instead of correcting the argument. */
  throwOnTokenMismatch?: boolean;
  /** Further request headers that pages may send, for instance the header of a CSRF token. */
  allowedHeaders?: readonly string[];
  /** Your own paths, header names and statuses, made by `wireNaming`. The client needs the same naming. */
  naming?: WireNaming;
  /**
   * Accepts arguments as `application/json` beside `text/plain`, and answers such calls in the same way, as clients expect that are
   * generated from a document. Default `false`: a server of iTwin.js does not.
   */
  json?: boolean;
  /** The fastest UTF-8 decoder of the platform. Default: `TextDecoder`. */
  decodeText?: DecodeText;
  /** Receives errors that callers did not see, and warnings for developers. */
  report?: (report: CallReport) => void;
}
