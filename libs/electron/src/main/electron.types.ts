// As much of Electron as is used, in types of our own: the package brings them with a download of a hundred megabytes, which
// who only compiles against this library does not need. Electron's objects fit.

/** A frame of a page: `WebFrameMain`. */
export interface ElectronFrame {
  readonly url: string;
  readonly origin: string;
  /** None of a window's main frame. */
  readonly parent: object | null;
  /** Stays what it is as long as there is the frame, whatever page it shows. */
  readonly frameTreeNodeId: number;
  send(channel: string, message: unknown): void;
  /** Not in all versions. */
  isDestroyed?(): boolean;
}

/** What is told depends on the event. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in the types of Node and of Electron
export type ElectronListener = (...args: any[]) => void;

/** What a window shows: `WebContents`. */
export interface ElectronContents {
  readonly id: number;
  isDestroyed(): boolean;
  on(event: string, listener: ElectronListener): unknown;
  removeListener(event: string, listener: ElectronListener): unknown;
  setWindowOpenHandler(handler: () => { action: 'deny' }): void;
}

/** A window: `BrowserWindow`, and what else has `webContents`. */
export interface ElectronWindow {
  readonly webContents: ElectronContents;
}

/** Says who has sent a message: `IpcMainEvent`. */
export interface ElectronSender {
  readonly sender: ElectronContents;
  /** `null` when the frame shows another page by now, or is gone. */
  readonly senderFrame: ElectronFrame | null;
}

/** `ipcMain`. */
export interface ElectronIpcMain {
  on(channel: string, listener: (event: ElectronSender, message: unknown) => void): unknown;
  removeListener(channel: string, listener: (event: ElectronSender, message: unknown) => void): unknown;
}

/** A window of the application's own making: `BrowserWindow`. */
export interface ElectronMainWindow extends ElectronWindow {
  loadURL(url: string): Promise<void>;
  on(event: 'closed', listener: () => void): unknown;
}

/** `app`. */
export interface ElectronApplication {
  isReady(): boolean;
  whenReady(): Promise<unknown>;
  quit(): void;
  on(event: string, listener: ElectronListener): unknown;
  removeListener(event: string, listener: ElectronListener): unknown;
}

/** The module `electron` in the main process. */
export interface ElectronModule {
  readonly ipcMain: ElectronIpcMain;
  readonly app: ElectronApplication;
  readonly BrowserWindow: new (options: object) => ElectronMainWindow;
  readonly net: { fetch(url: string): Promise<Response> };
  readonly protocol: {
    handle(scheme: string, handler: (request: { readonly url: string }) => Promise<Response>): void;
    registerSchemesAsPrivileged(schemes: { scheme: string; privileges: object }[]): void;
  };
}
