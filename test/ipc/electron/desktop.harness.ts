import { fileURLToPath } from 'node:url';
import type { INestApplicationContext } from '@nestjs/common';
import { IpcFrontend } from '@linnet/common';
import type { IpcFrontendOptions } from '@linnet/common';
import { ElectronBackend } from '@linnet/electron/main';
import type { ElectronHostOptions } from '@linnet/electron/main';
import { electronIpc } from '@linnet/electron/renderer';
import type { ElectronBridge } from '@linnet/electron/renderer';
import { ElectronStandIn } from './electron.stand-in.js';
import type { PageStandIn } from './page.stand-in.js';
import type { WindowStandIn } from './window.stand-in.js';

/** The preload script, as it is built. */
export const preload = fileURLToPath(
  new URL('../../../libs/electron/src/preload/preload.cjs', import.meta.url),
);
/** Where the pages of these applications are. */
export const frontendURL = 'http://127.0.0.1:5173/app/';

/** The bridge that a page gets from its preload script. */
export function bridgeOf(page: PageStandIn): ElectronBridge {
  return page.window['linnet'] as ElectronBridge;
}

/** A main process with windows of its own, and frontends in their pages. */
export class Desktop {
  readonly #frontends: IpcFrontend[] = [];

  private constructor(
    readonly electron: ElectronStandIn,
    readonly backend: ElectronBackend,
  ) {}

  static async start(
    options: ElectronHostOptions = {},
    application?: INestApplicationContext,
    standIn: { realms?: boolean } = {},
  ): Promise<Desktop> {
    const electron = (options.electron as ElectronStandIn | undefined) ?? new ElectronStandIn(standIn);
    const electronHost = { frontendURL, ...options, electron };
    return new Desktop(electron, await ElectronBackend.start({ electronHost, application }));
  }

  /** Opens a window that the main process knows, and in it a page. */
  async open(url = frontendURL, webPreferences: object = {}): Promise<WindowStandIn> {
    const window = new this.electron.BrowserWindow({ webPreferences: { preload, ...webPreferences } });
    this.backend.addWindow(window);
    await window.loadURL(url);
    return window;
  }

  /** The frontend of a page. */
  frontend(page: PageStandIn, options: IpcFrontendOptions = {}): IpcFrontend {
    const frontend = new IpcFrontend(electronIpc(bridgeOf(page)), { reconnectMs: [5, 20], ...options });
    frontend.ready.catch(() => undefined);
    this.#frontends.push(frontend);
    return frontend;
  }

  /** A window, and the frontend of its page with its session. */
  async connect(webPreferences = {}): Promise<{ window: WindowStandIn; frontend: IpcFrontend }> {
    const window = await this.open(frontendURL, webPreferences);
    const frontend = this.frontend(window.webContents.page);
    await frontend.ready;
    return { window, frontend };
  }

  async stop(): Promise<void> {
    for (const frontend of this.#frontends) frontend.close();
    await this.backend.close();
  }
}
