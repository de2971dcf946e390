import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type {
  ElectronContents,
  ElectronMainWindow,
  ElectronModule,
  ElectronWindow,
} from './electron.types.js';
import { FRONTEND, frontendUrl } from './host.options.js';
import type { ElectronHostOptions } from './host.options.js';
import { pageFiles } from './page.files.js';

/** Options of `BrowserWindow`, of which some are decided here. */
export interface PageWindowOptions {
  /** Those of the page; isolation, sandbox and preload script are not theirs to decide. */
  readonly webPreferences?: object;
  /** As `BrowserWindow` takes it. */
  readonly [option: string]: unknown;
}

/** What the preload script and its page may never be without. */
const isolated = {
  preload: fileURLToPath(new URL('../preload/preload.cjs', import.meta.url)),
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  experimentalFeatures: false,
};

/** Opens windows with the page of an application, and gives them its files. */
export class PageWindows {
  main: ElectronMainWindow | undefined;
  readonly #url: string;
  /** Whether pages of `electron://` have an origin. */
  readonly #hasScheme: boolean;
  #isPrepared = false;

  /** @param isPage whether a window may show what is at a URL */
  constructor(
    private readonly electron: ElectronModule,
    private readonly options: ElectronHostOptions,
    private readonly isPage: (url: string) => boolean,
  ) {
    this.#url = frontendUrl(options);
    this.#hasScheme = !electron.app.isReady();
    const privileges = { standard: true, secure: true, supportFetchAPI: true };
    if (this.#hasScheme) electron.protocol.registerSchemesAsPrivileged([{ scheme: 'electron', privileges }]);
  }

  /** @param opened is told of each window before it shows anything */
  async open(options: PageWindowOptions, opened: (window: ElectronWindow) => void): Promise<void> {
    if (this.#url.startsWith(FRONTEND) && !this.#hasScheme)
      throw new Error(
        `ElectronHost has to be started before Electron is ready, to have pages at ${FRONTEND}.`,
      );
    await this.electron.app.whenReady();
    if (!this.#isPrepared) this.#prepare(options, opened);
    this.#isPrepared = true;
    await this.#open(options, opened);
  }

  #prepare(options: PageWindowOptions, opened: (window: ElectronWindow) => void): void {
    const { app, protocol, net } = this.electron;
    const { webResourcesPath = '.', contentSecurityPolicy } = this.options;
    const files = pageFiles(webResourcesPath, (url) => net.fetch(url), contentSecurityPolicy);
    protocol.handle(new URL(FRONTEND).protocol.slice(0, -1), ({ url }) => files(url));
    app.on('window-all-closed', () => {
      if (process.platform !== 'darwin') app.quit();
    });
    // On macOS, an application without a window is one whose icon is clicked for one.
    app.on('activate', () => {
      if (!this.main) void this.#open(options, opened);
    });
  }

  async #open(options: PageWindowOptions, opened: (window: ElectronWindow) => void): Promise<void> {
    const { iconName, webResourcesPath = '.' } = this.options;
    const window = new this.electron.BrowserWindow({
      autoHideMenuBar: true,
      ...(iconName && { icon: join(webResourcesPath, iconName) }),
      ...options,
      webPreferences: { ...options.webPreferences, ...isolated },
    });
    this.main = window;
    window.on('closed', () => {
      if (this.main === window) this.main = undefined;
    });
    this.#keepToPages(window.webContents);
    opened(window);
    await window.loadURL(this.#url);
  }

  /** A page that leads elsewhere would take the window's rights to look like the application with it. */
  #keepToPages(contents: ElectronContents): void {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-navigate', (event: { readonly url: string; preventDefault(): void }) => {
      if (!this.isPage(event.url)) event.preventDefault();
    });
  }
}
