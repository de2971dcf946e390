import type { CallReport } from '../../call/call.report.js';
import type { ErrorPolicy } from '../../error/error.codec.js';
import type { WireLimits } from '../../base/limits.js';
import type { DecodeText } from '../protocol/arguments.reader.js';
import type { OriginOptions } from './origin.policy.js';
import type { WireNaming } from '../protocol/wire.naming.js';

/** How RPC is served over HTTP. */
export interface HttpHandlerOptions extends OriginOptions, ErrorPolicy {
  /** How much of a request is read and decoded; see {@link defaultWireLimits}. */
  limits: WireLimits;
  /** Requests outside of this path are the application's. Default: everything is inside. */
  path?: string;
  /** Takes any POST and any GET with `/imodel/` for RPC: for servers that serve nothing else. */
  catchAll?: boolean;
  /** Lets operations be called by GET that do not allow caching, as the reference does. */
  anyGet?: boolean;
  /**
   * `wire` (default): errors have the status of their category, whatever the client makes of it.
   * `readable`: those whose body the iTwin.js client would not read, or which it would repeat, are 500 for it.
   */
  errorStatus?: 'wire' | 'readable';
  /** Refuses a call whose token argument differs from the path, instead of correcting the argument. */
  throwOnTokenMismatch?: boolean;
  /** Further request headers that pages may send, for instance that of a CSRF token. */
  allowedHeaders?: readonly string[];
  /** Paths, header names and statuses of one's own, made by `wireNaming`; the client takes the same. */
  naming?: WireNaming;
  /** How the platform decodes UTF-8 fastest. Default: `TextDecoder`. */
  decodeText?: DecodeText;
  /** Told what callers did not learn of, and what a developer should know. */
  report?: (report: CallReport) => void;
}
