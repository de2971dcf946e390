import { HttpError } from '../protocol/message.js';
import type { HttpRequestHead } from '../protocol/message.js';

/** The web pages that may call a server, and the names of the server on this computer. */
export interface OriginOptions {
  /**
   * Web pages that may call, besides pages of this very host: a list of origins (`https://app.example.com`, or
   * `capacitor://localhost` of a mobile app), a function, or `*` for any page anywhere. Callers other than browsers send no
   * `Origin` and are not checked. By default only pages of this computer may call, if the server is called by a loopback
   * name and reached on loopback.
   */
  origins?: '*' | readonly string[] | ((origin: string, head: HttpRequestHead) => boolean);
  /**
   * Names of a server on a loopback address besides `localhost` and loopback addresses, for instance for a reverse proxy
   * that keeps the `Host`. Other names are refused there, to prevent DNS rebinding.
   */
  hosts?: readonly string[];
}

/** Decides which browser pages may call, for RPC and IPC. */
export class OriginPolicy {
  readonly #hosts: ReadonlySet<string>;
  /** The last accepted host, because most servers have only one. */
  #known: string | undefined;

  constructor(private readonly options: OriginOptions = {}) {
    this.#hosts = new Set(options.hosts?.map(normalHost));
  }

  /** @throws HttpError 403 if the `Host` is not a name of this loopback server */
  checkHost(head: HttpRequestHead): void {
    const host = hostOf(head);
    // DNS rebinding concerns only browsers, which always send a `Host`.
    if (typeof host !== 'string' || host === this.#known) return;
    const name = hostnameOf(host);
    if (isLoopbackName(name) || this.#hosts.has(name) || this.#hosts.has(normalHost(host))) {
      this.#known = host;
      return;
    }
    if (!head.isLoopback()) return;
    throw new HttpError(
      403,
      `Host "${host}" is not served on a loopback address unless it is listed in "hosts".`,
    );
  }

  /**
   * @returns the origin to name in `Access-Control-Allow-Origin`, or `undefined` if none is needed
   * @throws HttpError 403 if the page may not call
   */
  checkOrigin(head: HttpRequestHead): string | undefined {
    const { origins } = this.options;
    if (origins === '*') return '*';
    const origin = head.headers['origin'];
    if (typeof origin !== 'string') return undefined;
    if (this.#allows(origin, head)) return origin;
    throw new HttpError(403, `Origin "${origin}" may not call this server.`);
  }

  /** Whether the page that calls may do so; also `true` if the caller is not a page. */
  allows(head: HttpRequestHead): boolean {
    try {
      this.checkOrigin(head);
      return true;
    } catch {
      return false;
    }
  }

  #allows(origin: string, head: HttpRequestHead): boolean {
    const { origins } = this.options;
    const [, scheme, authority] = /^([a-z][\da-z+.-]*):\/\/([^/,\s]+)$/i.exec(origin) ?? [];
    // "null" is a sandboxed frame or a file, which can come from anybody.
    if (scheme === undefined || authority === undefined) return false;
    // Pages of a mobile app may have their own scheme, which no server has.
    const host = hostOf(head);
    if (/^https?$/i.test(scheme) && typeof host === 'string') {
      if (authority === host || isSameHost(scheme, authority, host)) return true;
      // Under another name, a proxy on this computer was reached, perhaps from a page on the user's computer.
      if (isLoopbackName(hostnameOf(authority)) && isLoopbackName(hostnameOf(host)) && head.isLoopback())
        return true;
    }
    if (typeof origins !== 'function') return origins?.includes(origin) ?? false;
    // Only `true`, because the promise of an asynchronous function would admit every page.
    const verdict: unknown = origins(origin, head);
    return verdict === true;
  }
}

/** The requested host. HTTP/2 has a pseudo-header for it. */
function hostOf({ headers }: HttpRequestHead): string | string[] | undefined {
  return headers['host'] ?? headers[':authority'];
}

/**
 * Whether a page comes from the host that it calls. A proxy may add its port, and upper case does not matter.
 */
function isSameHost(scheme: string, authority: string, host: string): boolean {
  const usualPort = scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/;
  return authority.toLowerCase().replace(usualPort, '') === normalHost(host);
}

/** A host for comparison: in lower case, without a default port. */
function normalHost(host: string): string {
  return host.toLowerCase().replace(/:(80|443)$/, '');
}

/** `localhost:3001` → `localhost`, `[::1]:80` → `[::1]`; empty if the rest is not a port. */
function hostnameOf(authority: string): string {
  const port = authority.endsWith(']') ? -1 : authority.lastIndexOf(':');
  if (port < 0) return authority.toLowerCase();
  return /^\d*$/.test(authority.slice(port + 1)) ? authority.slice(0, port).toLowerCase() : '';
}

/** Names that resolve to this computer and nowhere else. */
function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name === '[::1]' ||
    name.endsWith('.localhost') ||
    /^127(\.\d{1,3}){3}$/.test(name)
  );
}
