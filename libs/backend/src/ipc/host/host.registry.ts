import { ClientRequestContext } from '../../call/request.context.js';

/** What handlers that are registered by hand need of a host. */
export interface RegisteredHost {
  register(handler: object): () => void;
  /** Whether a session is one of this host's. */
  owns(session: object): boolean;
}

/** The hosts of applications that are alive: most processes have one. */
const live = new Set<RegisteredHost>();

/** @returns ends it */
export function registerHost(host: RegisteredHost): () => void {
  live.add(host);
  return () => live.delete(host);
}

/** Whether there is a host that the static members of `IpcHost` could mean. */
export function hasHost(): boolean {
  return live.size > 0;
}

/**
 * The host that static members mean: that of the call being served, else the only one.
 *
 * @throws Error with a sentence, where there is none or there are several
 */
export function currentHost(): RegisteredHost {
  const session = ClientRequestContext.current.owner;
  if (session) for (const host of live) if (host.owns(session)) return host;
  const [host, another] = live;
  if (!host) throw new Error('There is no IpcHost: no application with IpcModule has been started.');
  if (another)
    throw new Error(
      'There are several applications with IpcModule: inject the IpcHost that is meant, and use that.',
    );
  return host;
}
