import { ElectronBackend } from './electron.backend.js';
import type {
  ElectronApplication,
  ElectronIpcMain,
  ElectronMainWindow,
  ElectronModule,
  ElectronWindow,
  WindowSizeAndPositionProps,
} from './electron/electron.types.js';
import type { ElectronHostOpts, ElectronHostWindowOptions } from './window/host.options.js';

let current: Promise<ElectronBackend> | undefined;
let backend: ElectronBackend | undefined;

function started(): ElectronBackend {
  if (!backend) throw new Error('ElectronHost has not been started: await ElectronHost.startup(…).');
  return backend;
}

/** The one backend of a main process, by the names of iTwin.js. For more than one: {@link ElectronBackend}. */
export const ElectronHost = {
  /**
   * Has the main process answer its windows: RPC interfaces, and channels of IPC.
   *
   * ```ts
   * await ElectronHost.startup({ electronHost: { rpcInterfaces } });
   * ```
   *
   * @throws Error (rejection) outside of Electron's main process, for what cannot be served, and where it was started
   */
  async startup(options?: ElectronHostOpts): Promise<void> {
    if (current) throw new Error('ElectronHost is already started: call ElectronHost.shutdown() first.');
    current = ElectronBackend.start(options);
    try {
      backend = await current;
    } catch (error) {
      current = undefined;
      throw error;
    }
  },

  /** Ends all sessions, and answers no more. */
  async shutdown(): Promise<void> {
    const ending = await current?.catch(() => undefined);
    current = backend = undefined;
    await ending?.close();
  },

  /** Whether it answers, for code that is to work with and without. */
  get isValid(): boolean {
    return backend?.isValid ?? false;
  },

  /** The module `electron` of the main process. @throws Error before `startup` */
  get electron(): ElectronModule {
    return started().electron;
  },

  /** `app` of Electron. @throws Error before `startup` */
  get app(): ElectronApplication {
    return started().electron.app;
  },

  /** `ipcMain` of Electron. @throws Error before `startup` */
  get ipcMain(): ElectronIpcMain {
    return started().electron.ipcMain;
  },

  /** See {@link ElectronBackend.frontendURL}. */
  get frontendURL(): string {
    return started().frontendURL;
  },

  /** See {@link ElectronBackend.webResourcesPath}. */
  get webResourcesPath(): string | undefined {
    return started().webResourcesPath;
  },

  /** See {@link ElectronBackend.appIconPath}. */
  get appIconPath(): string | undefined {
    return started().appIconPath;
  },

  /** See {@link ElectronBackend.rpcConfig}. */
  get rpcConfig(): ElectronBackend['rpcConfig'] {
    return started().rpcConfig;
  },

  /** The window that `openMainWindow` has opened, while it is there. */
  get mainWindow(): ElectronMainWindow | undefined {
    return backend?.mainWindow;
  },

  /** See {@link ElectronBackend.addWindow}. */
  addWindow(window: ElectronWindow): void {
    started().addWindow(window);
  },

  /** See {@link ElectronBackend.openMainWindow}. */
  async openMainWindow(options?: ElectronHostWindowOptions | object): Promise<void> {
    await started().openMainWindow(options);
  },

  /** See {@link ElectronBackend.getWindowSizeAndPositionSetting}. */
  getWindowSizeAndPositionSetting(windowName: string): WindowSizeAndPositionProps | undefined {
    return started().getWindowSizeAndPositionSetting(windowName);
  },

  /** See {@link ElectronBackend.getWindowMaximizedSetting}. */
  getWindowMaximizedSetting(windowName: string): boolean | undefined {
    return started().getWindowMaximizedSetting(windowName);
  },
};
