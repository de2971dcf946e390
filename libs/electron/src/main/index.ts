export { ElectronHost } from './electron.host.js';
export { ElectronBackend } from './electron.backend.js';
export { electronScheme } from './page.scheme.js';
export type { ElectronHostOptions, ElectronHostOpts } from './host.options.js';
export type {
  ElectronApplication,
  ElectronContents,
  ElectronFrame,
  ElectronIpcMain,
  ElectronListener,
  ElectronMainWindow,
  ElectronModule,
  ElectronSender,
  ElectronWindow,
} from './electron.types.js';
