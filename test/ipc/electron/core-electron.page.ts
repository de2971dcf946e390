import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isContext } from 'node:vm';
import type { ITwinPage } from '../../harness/itwin.shelves.js';
import { PageModules, pageTimers } from './page.modules.js';
import type { PageStandIn } from './page.stand-in.js';

/** Where the package of iTwin.js is installed. */
export const folder = fileURLToPath(new URL('core-electron/', import.meta.url));
/** Its preload script. */
export const itwinPreload = join(
  folder,
  'node_modules/@itwin/core-electron/lib/cjs/backend/ElectronPreload.js',
);

/** Runs the page of core-electron in a page that has a realm of its own. */
export function loadITwinPage(page: PageStandIn): ITwinPage {
  if (!isContext(page.window)) throw new Error('The stand-in is to be made with realms.');
  Object.assign(page.window, globalsOf(page));
  return new PageModules(page.window).load(join(folder, 'page.cjs')) as ITwinPage;
}

/** Globals that scripts of core-frontend expect of a page of Electron. With a `document` they would draw. */
function globalsOf(page: PageStandIn): object {
  const { window } = page;
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Electron/39.0.0 Safari/537.36';
  const navigator = { userAgent, onLine: true, hardwareConcurrency: 1, language: 'en' };
  return {
    window,
    self: window,
    navigator,
    location: { hash: '', href: page.url },
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    console,
    ...pageTimers,
    queueMicrotask,
    performance,
    crypto,
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    AbortController,
    Event,
    EventTarget,
    Blob,
    Headers,
    Request,
    Response,
    atob,
    btoa,
    WebGLRenderingContext: class {},
    WebGL2RenderingContext: class {},
  };
}
