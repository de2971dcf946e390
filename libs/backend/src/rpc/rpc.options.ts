import type { ErrorObserver } from '../nest/errors/error.observer.js';
import type { RpcDocsOptions } from './rpc.documents.js';
import type { VersionCheck } from '../node/rpc/version.rules.js';
import type { RpcOnceOptions } from '../node/rpc/once.options.js';
import type { HttpHandlerOptions, RpcInterfaceDefinition, RpcListener, WireLimits } from '@linnet/common';

/** Options of `RpcModule`. */
export interface RpcModuleOptions
  extends Omit<HttpHandlerOptions, 'limits' | 'mapError' | 'report' | 'decodeText' | 'json'>, ErrorObserver {
  /** Names the server in its OpenAPI document. */
  info?: { title: string; version: string };
  /** The interfaces to expose; default: all that have an implementation among the providers. */
  interfaces?: readonly RpcInterfaceDefinition[];
  /**
   * Requests outside of this path are the application's. Default: the application's global prefix.
   */
  path?: string;
  /** How much of a request is read and decoded; what is left out stays at `defaultWireLimits`. */
  limits?: Partial<WireLimits>;
  /**
   * `compatible` (default): the rule of iTwin.js, where a differing patch does not matter. `strict`: a client
   * whose version is newer than the server's is refused, whatever part of it is.
   */
  versionCheck?: VersionCheck;
  /** Answers `GET /ping`. Default `true`; a route of the application wins. */
  ping?: boolean;
  /** Answers `GET /v3/swagger.json`. Default `true`; a route of the application wins. */
  openApi?: boolean;
  /**
   * Serves an OpenAPI 3.1 document of the interfaces and an AsyncAPI 3 document of the channels, and accepts calls as
   * `application/json`. Default: neither.
   */
  docs?: RpcDocsOptions;
  /** Answers every other GET with the greeting of the reference server. Default `false`. */
  greeting?: boolean;
  /**
   * Serves the interfaces over NATS as well: `natsServer({ servers, service })` of `@linnet/nats`. Default: over HTTP alone.
   */
  nats?: RpcListener;
  /**
   * How calls of operations with `idempotency: 'once'` are remembered. Default: at the backplane of `IpcModule` if it has one that keeps
   * logs, and otherwise in the memory of this process.
   */
  once?: RpcOnceOptions;
  /** How long calls in flight may take when the application closes, in milliseconds. Default 10,000. */
  shutdownTimeoutMs?: number;
}
