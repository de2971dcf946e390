import { CONTROL_VERSION } from '../../rpc/definition/endpoint.js';
import type { RoutedToken } from '../../rpc/definition/token.js';
import { badRequest } from './message.js';
import type { HttpError } from './message.js';

/** The parts of a request target (docs/wire.md#21-request). */
export interface HttpRoute {
  readonly interfaceName: string;
  readonly version: string;
  readonly operation: string;
  /** The arguments of a cacheable call: base64 of the JSON text's Latin-1 bytes; empty without arguments. */
  readonly parameters: string;
  /** The token that routes the call, if a naming has read it; otherwise it is in the path, as in iTwin.js. */
  readonly token?: RoutedToken;
}

/** The path of a target, raw: percent-encoded, dot segments and repeated slashes as they are. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * Parts that no client writes into a path: dot segments, and escapes that hide letters, slashes or control
 * characters.
 */
const disguised = /[^!-~]|\\|\/\.{1,2}(?:[/;]|$)|%(?:[01]|2[def]|3\d|4[1-9a-f]|5[\dacf]|6[1-9a-f]|7[\daef])/i;
/** Segments whose value is another such segment, empty, or followed by a parameter. */
const unclear = /\/(?:mode|context|imodel|changeset)\/(?:(?:context|imodel|changeset)(?:\/|$)|[^/]*;)|\/\//;

/**
 * Refuses a raw path that a gateway may read otherwise than this server: resolved, decoded, with repeated slashes merged.
 *
 * @param slashes whether `%2F` is accepted as well
 * @throws HttpError 400
 */
export function checkPath(path: string, slashes: boolean): void {
  const written = slashes ? path.replaceAll('%2F', '/') : path;
  if (disguised.test(written)) throw ambiguousPath();
  try {
    decodeURIComponent(path);
  } catch {
    throw ambiguousPath();
  }
}

/**
 * {@link checkPath} for a path of iTwin.js, whose ids stand behind the names of their kinds. Clients leave title, version
 * and the ids of a call without a model empty, and encode a slash in an id.
 *
 * @throws HttpError 400
 */
export function checkRoutedPath(path: string): void {
  const written = path.replace(/\/(?:context|imodel)\/[^/]+/g, (id) => id.replaceAll('%2F', '/'));
  checkPath(written, false);
  const filled = written
    .replace(/\/{2,3}mode\//, '/mode/')
    .replace('/context//imodel/', '/context/-/imodel/')
    .replace('/imodel//changeset/', '/imodel/-/changeset/');
  if (unclear.test(filled)) throw ambiguousPath();
}

/** The refusal of a path that names different things to different readers. */
export function ambiguousPath(): HttpError {
  return badRequest('the path can be read in more than one way.');
}

/** The last segment of a raw path that is not empty; empty if every segment is. */
export function lastSegment(path: string): string {
  let end = path.length;
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

/**
 * Reads a request target.
 *
 * @throws HttpError 400 if the path names no operation, or `parameters` is not base64
 */
export function parseRoute(target: string): HttpRoute {
  const path = pathOf(target);
  const segment = lastSegment(path);
  if (segment === '') throw badRequest('The path names no operation.');
  // Interface and operation have no hyphens, the version may: `ConfPre-1.2.3-dev.7-ping`.
  const first = segment.indexOf('-');
  const last = segment.lastIndexOf('-');
  return {
    interfaceName: segment.slice(0, first),
    version: segment.slice(first + 1, last),
    operation: segment.slice(last + 1),
    parameters: path.length === target.length ? '' : parametersOf(target.slice(path.length)),
  };
}

function parametersOf(query: string): string {
  const parameters = new URLSearchParams(query).get('parameters') ?? '';
  if (/[^a-zA-Z0-9=+/$]/.test(parameters)) throw badRequest('Malformed URL parameters detected.');
  return parameters;
}

/**
 * Reads the arguments out of `parameters`: each byte is the code unit of the same number (`btoa`).
 *
 * @throws HttpError 400 when it is not base64
 */
export function decodeParameters(parameters: string): string {
  try {
    return atob(parameters);
  } catch {
    throw badRequest('Malformed URL parameters detected.');
  }
}

/**
 * Whether a raw path belongs to an RPC request. Every other path belongs to the application. A name alone is not enough:
 * `/cats/my-cool-route` does not call an interface `my`, because a version starts with a digit.
 */
export function isRpcPath(path: string, prefix: string, serves: (interfaceName: string) => boolean): boolean {
  if (!isUnder(path, prefix)) return false;
  const mode = path.indexOf('/mode/');
  if (mode >= 0 && path.indexOf('/imodel/', mode) > 0) return true;
  const segment = lastSegment(path);
  const first = segment.indexOf('-');
  if (first < 0) return false;
  const version = segment.slice(first + 1, segment.lastIndexOf('-'));
  if (version === CONTROL_VERSION) return true;
  const digit = version.charCodeAt(0);
  return digit >= 0x30 && digit <= 0x39 && serves(segment.slice(0, first));
}

/** Whether a raw path lies under a prefix (`/` or empty: everything does), by whole segments. */
export function isUnder(path: string, prefix: string): boolean {
  if (prefix === '' || prefix === '/') return true;
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f;
}

/** The prefix of request paths, in the form for {@link isUnder}: `api/` and `/api` become `/api`, an empty path and `/` become an empty text. */
export function normalizePath(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `/${trimmed}`;
}
