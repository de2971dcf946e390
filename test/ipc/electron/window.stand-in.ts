import { EventEmitter } from 'node:events';
import type { ElectronStandIn } from './electron.stand-in.js';
import { FrameStandIn, PageStandIn } from './page.stand-in.js';

/** As much of the options of `BrowserWindow` as is looked at. */
export interface WindowOptions {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
  readonly webPreferences?: {
    readonly preload?: string;
    /** At the end of `process.argv` of preload scripts. */
    readonly additionalArguments?: readonly string[];
    readonly sandbox?: boolean;
    readonly contextIsolation?: boolean;
    readonly nodeIntegration?: boolean;
    readonly nodeIntegrationInSubFrames?: boolean;
  };
}

let ids = 0;

/** `BrowserWindow`. */
export class WindowStandIn extends EventEmitter {
  readonly #contents: ContentsStandIn;
  readonly #bounds: { x: number; y: number; width: number; height: number };
  #isClosed = false;
  #isMaximized = false;

  constructor(
    private readonly electron: ElectronStandIn,
    readonly options: WindowOptions = {},
  ) {
    super();
    if (!electron.app.isReady()) throw new Error('Cannot create BrowserWindow before app is ready');
    const { sandbox = true, contextIsolation = true, nodeIntegration = false } = options.webPreferences ?? {};
    if (!sandbox || !contextIsolation || nodeIntegration)
      throw new Error('The stand-in has windows with sandbox and isolation only.');
    const { x = 0, y = 0, width = 800, height = 600 } = options;
    this.#bounds = { x, y, width, height };
    this.#contents = new ContentsStandIn(electron, options);
    electron.windows.push(this);
    electron.app.emit('web-contents-created', {}, this.#contents);
  }

  getBounds(): { x: number; y: number; width: number; height: number } {
    this.#alive();
    return { ...this.#bounds };
  }
  setBounds(bounds: { x?: number; y?: number; width?: number; height?: number }): void {
    this.#alive();
    Object.assign(this.#bounds, bounds);
    this.emit('width' in bounds || 'height' in bounds ? 'resize' : 'move', {});
  }
  isMaximized(): boolean {
    this.#alive();
    return this.#isMaximized;
  }
  maximize(): void {
    this.#alive();
    this.#isMaximized = true;
    this.emit('maximize', {});
  }
  unmaximize(): void {
    this.#alive();
    this.#isMaximized = false;
    this.emit('unmaximize', {});
  }
  show(): void {
    this.#alive();
  }
  #alive(): void {
    if (this.#isClosed) throw new TypeError('Object has been destroyed');
  }

  get webContents(): ContentsStandIn {
    if (this.#isClosed) throw new TypeError('Object has been destroyed');
    return this.#contents;
  }
  isDestroyed(): boolean {
    return this.#isClosed;
  }
  async loadURL(url: string): Promise<void> {
    await this.webContents.load(url);
  }
  close(): void {
    if (this.#isClosed) return;
    this.emit('close', {});
    this.#contents.destroy();
    this.#isClosed = true;
    this.electron.windows.splice(this.electron.windows.indexOf(this), 1);
    this.emit('closed');
    const { app, windows } = this.electron;
    if (windows.length === 0 && !app.isQuitting) app.emit('window-all-closed');
  }
}

/** `WebContents`. */
export class ContentsStandIn extends EventEmitter {
  readonly #id = ++ids;
  readonly #frame = new FrameStandIn(null);
  #isDestroyed = false;
  #opens: () => { action: string } = () => ({ action: 'allow' });
  #main: PageStandIn;
  #subframes: PageStandIn[] = [];

  constructor(
    readonly electron: ElectronStandIn,
    readonly options: WindowOptions,
  ) {
    super();
    this.#main = new PageStandIn(this, 'about:blank', 'null', this.#frame);
  }

  get id(): number {
    this.#alive();
    return this.#id;
  }
  get mainFrame(): FrameStandIn {
    this.#alive();
    return this.#frame;
  }
  isDestroyed(): boolean {
    return this.#isDestroyed;
  }
  send(channel: string, ...args: unknown[]): void {
    this.mainFrame.send(channel, ...args);
  }
  toggleDevTools(): void {
    this.#alive();
  }
  setWindowOpenHandler(handler: () => { action: string }): void {
    this.#alive();
    this.#opens = handler;
  }
  reload(): void {
    this.#commit(this.#main.url);
  }

  /** The page that is shown. */
  get page(): PageStandIn {
    return this.#main;
  }

  /** The answer to `window.open` of the page. */
  opens(): string {
    return this.#opens().action;
  }

  /** Loads a page for the main process. A server that is not there makes it an error page. */
  async load(url: string): Promise<void> {
    this.#alive();
    const response = await this.electron.request(url);
    if (this.#isDestroyed) return;
    const redirect = response?.headers.get('Location');
    if (redirect) {
      if (this.#isGoing('will-redirect', redirect)) return this.load(redirect);
      throw new Error(`ERR_ABORTED (-3) loading '${url}'`);
    }
    if (!response) this.fail(-102, url);
    else this.#commit(url, response.status);
    if (!response) throw new Error(`ERR_CONNECTION_REFUSED (-102) loading '${url}'`);
  }

  /** The page goes elsewhere, by a link or a script. */
  async navigate(url: string): Promise<void> {
    if (this.#isGoing('will-navigate', url)) await this.load(url);
  }

  #isGoing(event: string, url: string): boolean {
    let isPrevented = false;
    this.emit(event, { url, isMainFrame: true, preventDefault: () => (isPrevented = true) });
    return !isPrevented;
  }

  /** The page goes to another place in itself. */
  navigateInPage(hash: string): void {
    this.emit('did-navigate-in-page', {}, `${this.#main.url}#${hash}`, true);
  }

  /** A page cannot be loaded; after an abort (-3) the one before is still there. */
  fail(errorCode: number, url: string): void {
    if (errorCode !== -3) this.#replace('chrome-error://chromewebdata/');
    this.emit('did-fail-load', {}, errorCode, '', url, true, 1, 1);
  }

  /** The renderer process ends. */
  crash(reason = 'crashed'): void {
    this.#leave();
    this.emit('render-process-gone', {}, { reason, exitCode: 5 });
  }

  /** Puts a frame into the page. Preload scripts run in it where `nodeIntegrationInSubFrames` says so. */
  addFrame(url: string, origin = originOf(url, this.electron)): PageStandIn {
    return this.#showFrame(new FrameStandIn(this.#frame), url, origin);
  }

  /** Another document is shown in a frame of the page. */
  navigateFrame(page: PageStandIn, url: string): PageStandIn {
    this.#subframes = this.#subframes.filter((each) => each !== page);
    return this.#showFrame(page.frame, url, originOf(url, this.electron));
  }

  /** A frame of the page cannot load a document. */
  failFrame(page: PageStandIn, url: string): void {
    const { processId, routingId } = new PageStandIn(
      this,
      'chrome-error://chromewebdata/',
      'null',
      page.frame,
    );
    this.emit('did-fail-load', {}, -102, '', url, false, processId, routingId);
  }

  /** A script removes a frame from the page: Electron sends no event for it. */
  removeFrame(page: PageStandIn): void {
    this.#subframes = this.#subframes.filter((each) => each !== page);
    page.isGone = true;
  }

  destroy(): void {
    this.#leave();
    this.#isDestroyed = true;
    this.emit('destroyed');
  }

  #commit(url: string, status = 200): void {
    this.emit('did-start-navigation', { url, isMainFrame: true, isSameDocument: false });
    this.#replace(url);
    this.#tellOf(this.#main, status);
    this.emit('did-navigate', {}, url, status, '');
    this.#runPreload(this.#main);
    this.emit('did-finish-load', {});
  }

  #replace(url: string): void {
    this.#leave();
    this.#main = new PageStandIn(this, url, originOf(url, this.electron), this.#frame);
  }

  #showFrame(frame: FrameStandIn, url: string, origin: string): PageStandIn {
    const page = new PageStandIn(this, url, origin, frame);
    this.#subframes.push(page);
    this.#tellOf(page, 200);
    if (this.options.webPreferences?.nodeIntegrationInSubFrames) this.#runPreload(page);
    return page;
  }

  #tellOf({ frame, url, processId, routingId }: PageStandIn, status: number): void {
    this.emit('did-frame-navigate', {}, url, status, '', frame.parent === null, processId, routingId);
  }

  #leave(): void {
    for (const page of [this.#main, ...this.#subframes.splice(0)]) page.isGone = true;
  }

  #runPreload(page: PageStandIn): void {
    const { preload } = this.options.webPreferences ?? {};
    if (preload === undefined) return;
    try {
      page.runPreload(preload);
    } catch (error) {
      this.emit('preload-error', {}, preload, error);
    }
  }

  #alive(): void {
    if (this.#isDestroyed) throw new TypeError('Object has been destroyed');
  }
}

/** The origin of a document, as `WebFrameMain.origin` has it. */
function originOf(url: string, electron: ElectronStandIn): string {
  const { protocol, host } = new URL(url);
  if (protocol === 'file:') return 'file://';
  const isStandard = /^(https?|ftp|wss?):$/.test(protocol) || electron.schemes.has(protocol.slice(0, -1));
  return isStandard ? `${protocol}//${host}` : 'null';
}
