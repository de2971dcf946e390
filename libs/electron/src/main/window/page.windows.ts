import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { mergeOptions } from '@linnet/common/internal';
import type { ITwinArgument } from '../../bridge.js';
import { quitWithWindows } from './quit.policy.js';
import type {
  ElectronContents,
  ElectronMainWindow,
  ElectronModule,
  ElectronWindow,
} from '../electron/electron.types.js';
import { frontendUrl } from './host.options.js';
import type { ElectronHostOptions, ElectronHostWindowOptions } from './host.options.js';
import { electronScheme, registerScheme, serveScheme } from './page.scheme.js';
import { WindowSettings } from './window.settings.js';

const preload = fileURLToPath(new URL('../../preload/preload.cjs', import.meta.url));

/** Tells the preload script that pages are to have `window.itwinjs`. */
const ITWIN_ARGUMENT: ITwinArgument = '--linnet-itwinjs';

/** Settings that the preload script and its page always need. */
const isolated = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  experimentalFeatures: false,
};

/** Settings that would let other pages into a window, or act as ours. They are rejected, not ignored. */
const refused = { webSecurity: false, webviewTag: true, allowRunningInsecureContent: true };

/** How long to wait for a development server before it is tried again. */
const SERVER_MS = 100;
/** The error of Chromium if no server listens. */
const ERR_CONNECTION_REFUSED = -102;

/** Opens windows with the page of an application. */
export class PageWindows {
  main: ElectronMainWindow | undefined;
  readonly settings: WindowSettings;
  readonly #url: string;
  /** Whether the page is one of `webResourcesPath`. */
  readonly #isFile: boolean;
  /** Whether pages of `electron:` have an origin. */
  readonly #hasScheme: boolean;
  /** Functions that end this object's work; `undefined` before the first window. */
  #ends: (() => void)[] | undefined;
  #isClosed = false;

  /**
   * @param isPage whether a window may show what is at a URL
   * @param opened receives each window before it shows anything
   */
  constructor(
    private readonly electron: ElectronModule,
    private readonly options: ElectronHostOptions,
    private readonly isPage: (url: string) => boolean,
    private readonly opened: (window: ElectronWindow) => void,
  ) {
    this.settings = new WindowSettings(electron.app);
    this.#url = frontendUrl(options);
    this.#isFile = new URL(this.#url).protocol === `${electronScheme.scheme}:`;
    this.#hasScheme = this.#isFile && (options.schemeIsRegistered || registerScheme(electron));
  }

  async open(asked: ElectronHostWindowOptions | object): Promise<void> {
    const { storeWindowName, ...options } = asked as ElectronHostWindowOptions;
    if (this.#isFile && !this.#hasScheme)
      throw new Error(`Start ElectronHost before Electron is ready, so that it can register ${this.#url}.`);
    const preferences = preferencesOf(options, this.options);
    const folder = this.#isFile || this.options.iconName ? this.#folder() : undefined;
    await this.electron.app.whenReady();
    if (this.#isClosed) throw new Error('ElectronHost was shut down before there was a window.');
    const open = async () => {
      const { iconName } = this.options;
      const icon = iconName && join(folder!, iconName);
      const defaults = { autoHideMenuBar: true, icon };
      const window = new this.electron.BrowserWindow(
        mergeOptions<object>(defaults, options, { webPreferences: preferences }),
      );
      if (storeWindowName !== undefined) this.settings.follow(window, storeWindowName);
      await this.#show(window);
    };
    this.#ends ??= this.#prepare(folder, () => void open());
    await open();
  }

  /** Gives windows nothing any more, and leaves the application's end to itself. */
  close(): void {
    this.#isClosed = true;
    for (const end of this.#ends?.splice(0) ?? []) end();
  }

  #prepare(folder: string | undefined, open: () => void): (() => void)[] {
    const { electron, options } = this;
    return [
      ...(this.#isFile ? [serveScheme(electron, folder!, options.contentSecurityPolicy)] : []),
      quitWithWindows(electron.app, () => {
        if (!this.main) open();
      }),
    ];
  }

  /** Where the application is started from is nowhere to take files from: all that lies there would be read. */
  #folder(): string {
    const { webResourcesPath } = this.options;
    if (!webResourcesPath)
      throw new Error('ElectronHost needs webResourcesPath, the folder of its page and of its icon.');
    return webResourcesPath;
  }

  async #show(window: ElectronMainWindow): Promise<void> {
    this.main = window;
    window.on('closed', () => {
      if (this.main === window) this.main = undefined;
    });
    this.#keepToPages(window.webContents);
    this.opened(window);
    if (this.options.developmentServer) this.#awaitServer(window);
    await window.loadURL(this.#url);
  }

  /** A development server may be started at the same time: its page is loaded as soon as it is there. */
  #awaitServer(window: ElectronMainWindow): void {
    const again = () => {
      if (!window.isDestroyed() && !this.#isClosed) window.loadURL(this.#url).catch(() => undefined);
    };
    const failed = (_event: unknown, error: number, _text: string, _url: string, isMainFrame: boolean) => {
      if (isMainFrame && error === ERR_CONNECTION_REFUSED) setTimeout(again, SERVER_MS);
    };
    window.webContents.on('did-fail-load', failed);
  }

  /** A page that leads elsewhere would take the window's rights to look like the application with it. */
  #keepToPages(contents: ElectronContents): void {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    const keep = (event: NavigationEvent) => {
      if (event.isMainFrame && !this.isPage(event.url)) event.preventDefault();
    };
    // A server may lead from a page of the application to another.
    for (const name of ['will-navigate', 'will-redirect']) contents.on(name, keep);
  }
}

interface NavigationEvent {
  readonly url: string;
  readonly isMainFrame: boolean;
  preventDefault(): void;
}

function preferencesOf(
  { webPreferences }: { readonly webPreferences?: object },
  { itwinjs = false }: ElectronHostOptions,
): object {
  const asked: Readonly<Record<string, unknown>> = { ...webPreferences };
  for (const [name, value] of Object.entries(refused))
    if (asked[name] === value)
      throw new Error(
        `ElectronHost does not open windows with ${name}: ${value} for pages of the application.`,
      );
  const { additionalArguments = [] } = asked as { readonly additionalArguments?: readonly string[] };
  const itwinArgument = itwinjs ? { additionalArguments: [...additionalArguments, ITWIN_ARGUMENT] } : {};
  return mergeOptions<object>({ preload }, asked, itwinArgument, isolated);
}
