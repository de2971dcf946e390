// `electron`, for whoever requires or imports it: the stand-in that a test has installed.
let electron = {};

exports.install = (standIn = {}) => void (electron = standIn);
Object.defineProperty(exports, 'app', { enumerable: true, get: () => electron.app });
Object.defineProperty(exports, 'BrowserWindow', { enumerable: true, get: () => electron.BrowserWindow });
Object.defineProperty(exports, 'ipcMain', { enumerable: true, get: () => electron.ipcMain });
Object.defineProperty(exports, 'net', { enumerable: true, get: () => electron.net });
Object.defineProperty(exports, 'protocol', { enumerable: true, get: () => electron.protocol });
