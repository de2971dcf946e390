import { install } from '../electron/installed.cjs';
import { ElectronStandIn } from '../electron/electron.stand-in.js';

/** Electron, for guides that have windows: what runs after a file that opens one runs in its page. */
export class GuideWindows {
  readonly #electron = new ElectronStandIn({ ready: false });

  constructor() {
    install(this.#electron);
  }

  /** A file of the guide has run. */
  async ran(): Promise<void> {
    const { app, windows } = this.#electron;
    if (app.listenerCount('ready') === 0) return;
    app.becomeReady();
    while (!windows[0]?.webContents.page.window['linnet'])
      await new Promise((resolve) => setTimeout(resolve, 5));
    windows[0].webContents.page.enter();
  }

  close(): void {
    install();
    for (const window of this.#electron.windows.slice()) window.close();
  }
}
