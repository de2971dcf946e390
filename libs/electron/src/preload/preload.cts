// Runs in a window before its page, sandboxed: one file that requires only `electron`. A page gets two functions, which send
// and receive on one channel. On request it also gets the functions of core-electron's preload script, which reach channels
// of iTwin.js. It never reaches `ipcRenderer` nor its events.
import type { BridgeChannel, ElectronBridge, ITwinBridge, ITwinArgument } from '../bridge.js' with {
  'resolution-mode': 'import',
};

/** As much of `electron` as is used. */
interface ElectronPreload {
  readonly contextBridge: { exposeInMainWorld(name: string, api: object): void };
  readonly ipcRenderer: {
    send(channel: string, ...args: unknown[]): void;
    invoke(channel: string, ...args: unknown[]): Promise<unknown>;
    on(channel: string, listener: Listener): unknown;
    once(channel: string, listener: Listener): unknown;
    removeListener(channel: string, listener: Listener): unknown;
  };
}
type Listener = (event: unknown, ...args: unknown[]) => void;

declare const process: { readonly argv: readonly string[] };
declare const require: (name: 'electron') => ElectronPreload;

const { contextBridge, ipcRenderer } = require('electron');
const channel: BridgeChannel = 'linnet-ipc';
const itwinArgument: ITwinArgument = '--linnet-itwinjs';

const bridge: ElectronBridge = {
  send: (message) => ipcRenderer.send(channel, message),
  listen: (listener) => {
    // An event has `ipcRenderer` in it.
    const forward: Listener = (_event, message) => listener(message);
    ipcRenderer.on(channel, forward);
    return () => void ipcRenderer.removeListener(channel, forward);
  },
};

/** The channels of iTwin.js: no page has business with others. */
function checked(name: string): string {
  if (!name.startsWith('itwin.')) throw new Error(`illegal channel name '${name}'`);
  return name;
}

const itwinjs: ITwinBridge = {
  send: (name, ...args) => ipcRenderer.send(checked(name), ...args),
  invoke: async (name, ...args) => ipcRenderer.invoke(checked(name), ...args),
  addListener: (name, listener) =>
    void ipcRenderer.on(checked(name), (_event, ...args) => listener({}, ...args)),
  once: (name, listener) => void ipcRenderer.once(checked(name), (_event, ...args) => listener({}, ...args)),
  // As with core-electron's script it finds nobody: a function of the page is another one here each time that it comes.
  removeListener: (name, listener) => void ipcRenderer.removeListener(name, listener),
};

contextBridge.exposeInMainWorld('linnet', bridge);
if (process.argv.includes(itwinArgument)) contextBridge.exposeInMainWorld('itwinjs', itwinjs);
