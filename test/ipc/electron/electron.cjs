// `electron`, for whoever requires or imports it.
const { installed } = require('./installed.cjs');

Object.defineProperty(exports, 'app', { enumerable: true, get: () => installed().app });
Object.defineProperty(exports, 'BrowserWindow', { enumerable: true, get: () => installed().BrowserWindow });
Object.defineProperty(exports, 'dialog', { enumerable: true, get: () => installed().dialog });
Object.defineProperty(exports, 'ipcMain', { enumerable: true, get: () => installed().ipcMain });
Object.defineProperty(exports, 'net', { enumerable: true, get: () => installed().net });
Object.defineProperty(exports, 'protocol', { enumerable: true, get: () => installed().protocol });
