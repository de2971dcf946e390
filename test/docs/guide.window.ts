import { ElectronHost } from '@linnet/electron/main';
import { ElectronApp } from '@linnet/electron/renderer';
import { until } from '../harness/waiting.js';
import { install } from '../ipc/electron/installed.cjs';
import { ElectronStandIn } from '../ipc/electron/electron.stand-in.js';

/**
 * Electron, for guides that have windows: each file that imports `@linnet/electron/main` is a main process of its own, which
 * opens one. Later code runs in the page of that window.
 */
export class GuideWindows {
  #electron: ElectronStandIn | undefined;

  /** Runs a file of the guide. */
  async run(code: string, file: () => Promise<unknown>): Promise<void> {
    if (!code.includes("from '@linnet/electron/main'")) {
      await file();
      return;
    }
    await this.close();
    const electron = new ElectronStandIn({ ready: false });
    this.#electron = electron;
    install(electron);
    await file();
    electron.app.becomeReady();
    const page = () => electron.windows[0]?.webContents.page;
    await until(() => page()?.window['linnet'] !== undefined);
    page()!.enter();
  }

  /** Ends the main process, and what is in its page. */
  async close(): Promise<void> {
    ElectronApp.shutdown();
    const electron = this.#electron;
    electron?.app.quit();
    await until(() => electron?.app.hasQuit !== false);
    await ElectronHost.shutdown();
    install();
  }
}
