import type { ElectronStandIn } from './electron.stand-in.js' with { 'resolution-mode': 'import' };

export const app: ElectronStandIn['app'];
export const BrowserWindow: ElectronStandIn['BrowserWindow'];
export const dialog: ElectronStandIn['dialog'];
export const ipcMain: ElectronStandIn['ipcMain'];
export const net: ElectronStandIn['net'];
export const protocol: ElectronStandIn['protocol'];
