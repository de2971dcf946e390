import { reportUnheard } from '@linnet/common/internal';
import type { ElectronApplication } from '../electron/electron.types.js';

/**
 * Ends an application with its last window. On macOS it goes on, and its icon is clicked for another one.
 *
 * @returns stops
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
 * Has Electron end after something else has, however often it is told to.
 *
 * @param end what is done before
 * @returns stops, unless it is being done
 */
export function delayQuit(app: ElectronApplication, end: () => Promise<void>): () => void {
  let ending: Promise<void> | undefined;
  const quit = (event: { preventDefault(): void }) => {
    event.preventDefault();
    ending ??= end()
      .catch((error: unknown) => reportUnheard(error))
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
