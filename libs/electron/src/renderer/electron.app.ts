import { rpcOverIpc, WebRpcManager } from '@linnet/common';
import type { IpcConnector, IpcFrontendOptions, RpcInterfaceDefinition } from '@linnet/common';
import { IpcApp } from '@linnet/frontend';
import { makeProxy } from '@linnet/common/internal';
import { electronBridge, electronIpc } from './electron.ipc.js';

/** The options of `ElectronApp.startup`. */
export interface ElectronAppOpts {
  /** As in iTwin.js: what the page uses. */
  readonly iModelApp?: {
    /** The interfaces that the main process answers: `RpcManager.getClientForInterface` has their clients. */
    readonly rpcInterfaces?: readonly RpcInterfaceDefinition[];
    /** The name of the application, for the log of the main process. */
    readonly applicationId?: string;
    readonly applicationVersion?: string;
    readonly sessionId?: string;
  };
  /** How the session behaves. */
  readonly ipcApp?: IpcFrontendOptions;
}

/** Functions of Electron's `dialog`, each with the options that it has there; by `ElectronApp.dialogIpc`. */
export type ElectronDialogs = Record<
  'showOpenDialog' | 'showSaveDialog' | 'showMessageBox' | 'showCertificateTrustDialog',
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- Electron's own types are not those of this library
  (options: object) => Promise<any>
>;

let isStarted = false;

/** The frontend in a window of Electron, by the names of iTwin.js: `IpcApp`, and clients of RPC over its session. */
export const ElectronApp = {
  /** Whether this page is in a window with the preload script, for pages that work in browsers as well. */
  get isAvailable(): boolean {
    return electronBridge() !== undefined;
  },

  /** Whether there is a session with the main process. */
  get isValid(): boolean {
    return isStarted && IpcApp.isValid;
  },

  /**
   * Connects to the main process.
   *
   * ```ts
   * await ElectronApp.startup({ iModelApp: { rpcInterfaces } });
   * ```
   *
   * @returns resolves when there is a session; one that is lost is begun anew
   * @throws Error (rejection) outside of Electron, and where the main process does not answer within `connectTimeoutMs`
   */
  async startup({ iModelApp = {}, ipcApp = {} }: ElectronAppOpts = {}): Promise<void> {
    if (isStarted) throw new Error('ElectronApp is already started: call ElectronApp.shutdown() first.');
    const connect = electronIpc();
    const begin: IpcConnector = (events) => {
      isStarted = true;
      return connect(events);
    };
    // Asks at once for a connection, unless there is another frontend, which is not ours to end.
    const ready = IpcApp.startup(begin, ipcApp);
    try {
      if (!isStarted) await ready;
      const { rpcInterfaces = [], ...caller } = iModelApp;
      const info = { title: 'Electron', version: '' };
      const transport = rpcOverIpc(IpcApp.frontend);
      WebRpcManager.initializeClient({ ...caller, info, transport }, rpcInterfaces);
      await within(ipcApp.connectTimeoutMs ?? 10_000, ready);
    } catch (error) {
      ready.catch(() => undefined);
      ElectronApp.shutdown();
      throw error;
    }
  },

  /** Opens dialogs of the system: `await ElectronApp.dialogIpc.showOpenDialog({ properties: ['openFile'] })`. */
  dialogIpc: makeProxy<ElectronDialogs>((method, args) =>
    IpcApp.callIpcChannel('itwinjs-electron/dialog', 'callDialog', method, ...args),
  ),

  /** Ends the session. */
  shutdown(): void {
    if (isStarted) IpcApp.shutdown();
    isStarted = false;
  },
};

/** A main process that refuses this page does not say so. */
async function within(ms: number, ready: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message =
      'The main process does not answer: was ElectronHost started, and was it given this window?';
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    await Promise.race([ready, late]);
  } finally {
    clearTimeout(timer);
  }
}
