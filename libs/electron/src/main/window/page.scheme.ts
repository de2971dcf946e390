import type { ElectronModule } from '../electron/electron.types.js';
import { pageFiles } from './page.files.js';

/** The address by which windows see `webResourcesPath`, as in iTwin.js. */
export const FRONTEND = 'electron://frontend/';

/**
 * Makes `electron:` a scheme with origins. Electron accepts schemes once, before it is ready: an application that registers
 * other schemes registers this one with them, and sets `schemeIsRegistered`.
 */
export const electronScheme = {
  scheme: 'electron',
  privileges: { standard: true, secure: true, supportFetchAPI: true },
};

const registered = new WeakSet<ElectronModule['app']>();

/** @returns whether pages of the scheme have an origin: it is too late for that once Electron is ready */
export function registerScheme({ app, protocol }: ElectronModule): boolean {
  if (!registered.has(app) && !app.isReady()) {
    protocol.registerSchemesAsPrivileged([electronScheme]);
    registered.add(app);
  }
  return registered.has(app);
}

/** Serves the files of a folder to windows when Electron is ready. @returns a function that stops it */
export function serveScheme(
  { protocol, net }: ElectronModule,
  folder: string,
  policy: string | undefined,
): () => void {
  const files = pageFiles(folder, (url) => net.fetch(url), policy);
  protocol.handle(electronScheme.scheme, ({ url }) => files(url));
  return () => protocol.unhandle(electronScheme.scheme);
}
