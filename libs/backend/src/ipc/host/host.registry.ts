import { ClientRequestContext } from '../../call/request.context.js';

/** A host, for handlers that are registered by hand. */
export interface RegisteredHost {
  register(handler: object): () => void;
  /** Whether a session belongs to this host. */
  owns(session: object): boolean;
}

/** The hosts of applications that are alive: most processes have one. */
const live = new Set<RegisteredHost>();

/** Registers a host. @returns a function that removes it */
export function registerHost(host: RegisteredHost): () => void {
  live.add(host);
  return () => live.delete(host);
}

/** Whether a host exists for the static members of `IpcHost`. */
export function hasHost(): boolean {
  return live.size > 0;
}

/**
 * The host of static members: that of the call being served, or else the only one.
 *
 * @throws Error if no host exists, or several do
 */
export function currentHost(): RegisteredHost {
  const session = ClientRequestContext.current.owner;
  if (session) for (const host of live) if (host.owns(session)) return host;
  const [host, another] = live;
  if (!host) throw new Error('There is no IpcHost: no application with IpcModule has been started.');
  if (another)
    throw new Error('There are several applications with IpcModule: inject the IpcHost of one of them.');
  return host;
}
