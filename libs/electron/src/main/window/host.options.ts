import type { INestApplicationContext } from '@nestjs/common';
import type { IpcHandler } from '@linnet/backend';
import type { ErrorExposure, RpcInterfaceDefinition } from '@linnet/common';
import type { ElectronModule, ElectronSender } from '../electron/electron.types.js';
import { FRONTEND } from './page.scheme.js';

/**
 * The pages that the windows of an application show, and what answers them. These options decide which errors
 * pages see where `application` is left out; one that is given has modules with these options.
 */
export interface ElectronHostOptions extends ErrorExposure {
  /** The interfaces that pages call: those without a provider in `application` are answered by what `RpcManager` knows. */
  readonly rpcInterfaces?: readonly RpcInterfaceDefinition[];
  /** Classes of handlers, each of which is registered as by its method `register`. */
  readonly ipcHandlers?: readonly (new () => IpcHandler)[];
  /** The folder of the page, which windows see as `electron://frontend/`, files that begin with a dot aside. */
  readonly webResourcesPath?: string;
  /** The page. Default `electron://frontend/index.html`, or that of the development server. */
  readonly frontendURL?: string;
  /** Whether the page comes from a development server on this computer. Default `false`. */
  readonly developmentServer?: boolean;
  /** The port of the development server. Default 3000. */
  readonly frontendPort?: number;
  /** A file in `webResourcesPath`, the icon of windows. */
  readonly iconName?: string;
  /** The `Content-Security-Policy` of what comes from `webResourcesPath`. Default: none but the page's own. */
  readonly contentSecurityPolicy?: string;
  /** Whether the application has registered `electronScheme`, with schemes of its own. Default `false`. */
  readonly schemeIsRegistered?: boolean;
  /** Further pages that may call: files, or folders that end in `/`, by URL. Always: the folder of `frontendURL`. */
  readonly pages?: readonly string[];
  /**
   * Lets pages of the application call from elsewhere than the main frames of windows that were added. Default: nobody.
   */
  readonly allow?: (sender: ElectronSender) => boolean;
  /**
   * Whether windows of `openMainWindow` have `window.itwinjs`, for pages of core-electron. Default: they have not, and such
   * pages are answered where another preload script gives it to them; `false`: they are not.
   */
  readonly itwinjs?: boolean;
  /** Whether pages may open dialogs of the system (`ElectronApp.dialogIpc`). Default: where `itwinjs` is not `false`. */
  readonly dialogs?: boolean;
  /** The module `electron`. Default: what `require('electron')` finds. */
  readonly electron?: ElectronModule;
}

/** The options of `ElectronHost.startup`. */
export interface ElectronHostOpts {
  /** As in iTwin.js: what is served, and to whom. */
  readonly electronHost?: ElectronHostOptions;
  /**
   * Its providers answer, those that `@RpcInterface` and `@IpcChannel` mark. Default: one without providers. Where it cannot
   * be awaited before Electron is ready, as in a CommonJS module, it is given as the promise that it is.
   */
  readonly application?: INestApplicationContext | Promise<INestApplicationContext>;
  /** From iTwin.js, and ignored: the application starts `IModelHost` and `NativeHost` where it needs them. */
  readonly iModelHost?: object;
  /** As {@link ElectronHostOpts.iModelHost}. */
  readonly nativeHost?: object;
  /** As {@link ElectronHostOpts.iModelHost}. */
  readonly ipcHost?: object;
}

/** The options that `openMainWindow` understands besides the options of `BrowserWindow`. */
export interface ElectronHostWindowOptions {
  /** A name by which size and place of the window are remembered. Default: they are not. */
  readonly storeWindowName?: string | undefined;
  /** An option of `BrowserWindow`: how the bar with the title looks. */
  readonly titleBarStyle?: string | undefined;
  /** An option of `BrowserWindow`: what the page may do, and its `preload` script. */
  readonly webPreferences?: object | undefined;
}

/** Where the page is. */
export function frontendUrl({
  frontendURL,
  developmentServer,
  frontendPort = 3000,
}: ElectronHostOptions): string {
  return frontendURL ?? (developmentServer ? `http://localhost:${frontendPort}/` : `${FRONTEND}index.html`);
}
