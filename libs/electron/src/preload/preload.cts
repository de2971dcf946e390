// What runs in a window before its page, sandboxed: one file that requires `electron` and nothing else. A page gets two
// functions, which send and receive on one channel. It meets neither `ipcRenderer` nor its events.
import type { BridgeChannel, ElectronBridge } from '../bridge.js' with { 'resolution-mode': 'import' };

/** As much of `electron` as is used. */
interface ElectronPreload {
  readonly contextBridge: { exposeInMainWorld(name: string, api: object): void };
  readonly ipcRenderer: {
    send(channel: string, message: unknown): void;
    on(channel: string, listener: Listener): unknown;
    removeListener(channel: string, listener: Listener): unknown;
  };
}
type Listener = (event: unknown, message: unknown) => void;

declare const require: (name: 'electron') => ElectronPreload;

const { contextBridge, ipcRenderer } = require('electron');
const channel: BridgeChannel = 'linnet-ipc';

const bridge: ElectronBridge = {
  send: (message) => ipcRenderer.send(channel, message),
  listen: (listener) => {
    // An event has `ipcRenderer` in it.
    const told: Listener = (_event, message) => listener(message);
    ipcRenderer.on(channel, told);
    return () => void ipcRenderer.removeListener(channel, told);
  },
};

contextBridge.exposeInMainWorld('linnet', bridge);
