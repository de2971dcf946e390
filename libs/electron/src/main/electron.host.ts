import { ElectronBackend } from './electron.backend.js';
import type { ElectronMainWindow, ElectronWindow } from './electron.types.js';
import type { ElectronHostOpts } from './host.options.js';

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
    if (current)
      throw new Error('ElectronHost has been started already: ElectronHost.shutdown() comes first.');
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

  /** The window that `openMainWindow` has opened, while it is there. */
  get mainWindow(): ElectronMainWindow | undefined {
    return backend?.mainWindow;
  },

  /** See {@link ElectronBackend.addWindow}. */
  addWindow(window: ElectronWindow): void {
    started().addWindow(window);
  },

  /** See {@link ElectronBackend.openMainWindow}. */
  async openMainWindow(options?: object): Promise<void> {
    await started().openMainWindow(options);
  },
};
