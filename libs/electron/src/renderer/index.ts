export { ElectronApp } from './electron.app.js';
export type { ElectronAppOpts, ElectronDialogs } from './electron.app.js';
export { electronBridge, electronIpc } from './electron.ipc.js';
export type { ElectronBridge } from '../bridge.js';
