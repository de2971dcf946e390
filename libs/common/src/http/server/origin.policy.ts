import { HttpError } from '../protocol/message.js';
import type { HttpRequestHead } from '../protocol/message.js';

/** Which web pages may call a server, and by which names it is reached on this computer. */
export interface OriginOptions {
  /**
   * Web pages that may call, besides pages of this very host: a list of origins (`https://app.example.com`, or
   * `capacitor://localhost` of a mobile app), a function, or `*` for any page anywhere. Callers other than browsers send no
   * `Origin` and are not checked. By default only pages of this computer may call, if the server is called by a loopback
   * name and reached on loopback.
   */
  origins?: '*' | readonly string[] | ((origin: string, head: HttpRequestHead) => boolean);
  /**
   * Names by which a server on a loopback address may be reached beside `localhost` and loopback addresses,
   * for instance by a reverse proxy that keeps the `Host`. Others are refused there (DNS rebinding).
   */
  hosts?: readonly string[];
}

/** The one rule of who may call from a browser, for RPC and IPC. */
export class OriginPolicy {
  readonly #hosts: ReadonlySet<string>;
  /** The last host that was found right: most servers have but one. */
  #known: string | undefined;

  constructor(private readonly options: OriginOptions = {}) {
    this.#hosts = new Set(options.hosts?.map(normalHost));
  }

  /** @throws HttpError 403 for a `Host` that a loopback server does not go by */
  checkHost(head: HttpRequestHead): void {
    const host = hostOf(head);
    // Only browsers are led astray by DNS, and they always send it.
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
   * @returns the origin to name in `Access-Control-Allow-Origin`, or `undefined` where none is needed
   * @throws HttpError 403 for a page that may not call
   */
  checkOrigin(head: HttpRequestHead): string | undefined {
    const { origins } = this.options;
    if (origins === '*') return '*';
    const origin = head.headers['origin'];
    if (typeof origin !== 'string') return undefined;
    if (this.#allows(origin, head)) return origin;
    throw new HttpError(403, `Origin "${origin}" may not call this server.`);
  }

  #allows(origin: string, head: HttpRequestHead): boolean {
    const { origins } = this.options;
    const [, scheme, authority] = /^([a-z][\da-z+.-]*):\/\/([^/,\s]+)$/i.exec(origin) ?? [];
    // "null": a sandboxed frame or a file, which is anybody.
    if (scheme === undefined || authority === undefined) return false;
    // The pages of a mobile app may have a scheme of their own, by which no server is known.
    const host = hostOf(head);
    if (/^https?$/i.test(scheme) && typeof host === 'string') {
      if (authority === host || isSameHost(scheme, authority, host)) return true;
      // By another name it is a proxy of this computer that was reached, perhaps by a page of the user's computer.
      if (isLoopbackName(hostnameOf(authority)) && isLoopbackName(hostnameOf(host)) && head.isLoopback())
        return true;
    }
    if (typeof origins !== 'function') return origins?.includes(origin) ?? false;
    // Nothing but `true`: the promise of an asynchronous function would let every page in.
    const verdict: unknown = origins(origin, head);
    return verdict === true;
  }
}

/** The name that is asked for; HTTP/2 has a place of its own for it. */
function hostOf({ headers }: HttpRequestHead): string | string[] | undefined {
  return headers['host'] ?? headers[':authority'];
}

/**
 * Whether a page comes from the host that it asks. A proxy may add the port that it listens on, and names are the same in
 * capitals.
 */
function isSameHost(scheme: string, authority: string, host: string): boolean {
  const usualPort = scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/;
  return authority.toLowerCase().replace(usualPort, '') === normalHost(host);
}

/** A host as it is compared: in small letters, without a port that no client writes. */
function normalHost(host: string): string {
  return host.toLowerCase().replace(/:(80|443)$/, '');
}

/** `localhost:3001` → `localhost`, `[::1]:80` → `[::1]`; empty where there is something else than a port. */
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
