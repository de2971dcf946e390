import { reportUnhandled } from '@linnet/common/internal';
import type { ElectronApplication } from '../electron/electron.types.js';

/**
 * Quits an application after its last window has closed. On macOS the application stays, and a click on its icon opens a
 * window again.
 *
 * @returns a function that removes the listeners
 */
export function quitWithWindows(app: ElectronApplication, reopen: () => void): () => void {
  const closed = () => {
    if (process.platform !== 'darwin') app.quit();
  };
  app.on('window-all-closed', closed);
  app.on('activate', reopen);
  return () => {
    app.removeListener('window-all-closed', closed);
    app.removeListener('activate', reopen);
  };
}

/**
 * Lets Electron quit only after other work has ended, however often it is asked to quit.
 *
 * @param end the work to end first
 * @returns a function that removes the delay, unless the work is already ending
 */
export function delayQuit(app: ElectronApplication, end: () => Promise<void>): () => void {
  let ending: Promise<void> | undefined;
  const quit = (event: { preventDefault(): void }) => {
    event.preventDefault();
    ending ??= end()
      .catch((error: unknown) => reportUnhandled(error))
      .then(() => {
        app.removeListener('will-quit', quit);
        app.quit();
      });
  };
  app.on('will-quit', quit);
  return () => {
    if (!ending) app.removeListener('will-quit', quit);
  };
}
