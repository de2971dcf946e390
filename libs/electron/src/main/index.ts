export { ElectronHost } from './electron.host.js';
export { ElectronBackend } from './electron.backend.js';
export { electronScheme } from './window/page.scheme.js';
export type {
  ElectronHostOptions,
  ElectronHostOpts,
  ElectronHostWindowOptions,
} from './window/host.options.js';
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
  ElectronWindowEvent,
  WindowSizeAndPositionProps,
} from './electron/electron.types.js';
