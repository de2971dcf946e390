// As much of Electron as is used, in types of our own: the package brings them with a download of a hundred megabytes, which
// who only compiles against this library does not need. Electron's objects fit.

/** A frame of a page: `WebFrameMain`. */
export interface ElectronFrame {
  /** Of the page that it shows. */
  readonly url: string;
  /** Of the page that it shows, for instance `app://robot-world`. */
  readonly origin: string;
  /** None of a window's main frame. */
  readonly parent: object | null;
  /** Stays what it is as long as there is the frame, whatever page it shows. */
  readonly frameTreeNodeId: number;
  /** The process of the page that it shows. */
  readonly processId: number;
  /** Of the page that it shows, within its process. */
  readonly routingId: number;
  /** Sends to the scripts of the frame; what is sent to one that is gone is lost. */
  send(channel: string, message: unknown): void;
}

/** What is told depends on the event. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in the types of Node and of Electron
export type ElectronListener = (...args: any[]) => void;

/** What a window shows: `WebContents`. */
export interface ElectronContents {
  /** Unique among those of the process. */
  readonly id: number;
  /** Whether it is gone: nothing else of it can be asked then. */
  isDestroyed(): boolean;
  /** Listens to an event of the page's. */
  on(event: string, listener: ElectronListener): unknown;
  /** Ends what `on` began. */
  removeListener(event: string, listener: ElectronListener): unknown;
  /** Decides what becomes of windows that the page opens. */
  setWindowOpenHandler(handler: () => { action: 'deny' }): void;
}

/** A window: `BrowserWindow`, and what else has `webContents`. */
export interface ElectronWindow {
  /** What it shows. */
  readonly webContents: ElectronContents;
}

/** Says who has sent a message: `IpcMainEvent`. */
export interface ElectronSender {
  /** What the frame is in. */
  readonly sender: ElectronContents;
  /** `null` when the frame shows another page by now, or is gone. */
  readonly senderFrame: ElectronFrame | null;
}

/** `ipcMain`. */
export interface ElectronIpcMain {
  /** Listens to messages of all frames. */
  on(channel: string, listener: (event: ElectronSender, message: unknown) => void): unknown;
  /** Ends what `on` began. */
  removeListener(channel: string, listener: (event: ElectronSender, message: unknown) => void): unknown;
}

/** A window of the application's own making: `BrowserWindow`. */
export interface ElectronMainWindow extends ElectronWindow {
  /** Shows a page; rejects when it cannot be loaded. */
  loadURL(url: string): Promise<void>;
  /** Tells when the window is gone. */
  on(event: 'closed', listener: () => void): unknown;
}

/** `app`. */
export interface ElectronApplication {
  /** Whether windows can be made. */
  isReady(): boolean;
  /** Resolves when windows can be made. */
  whenReady(): Promise<unknown>;
  /** Closes all windows, and ends the application. */
  quit(): void;
  /** Listens to an event of the application's. */
  on(event: string, listener: ElectronListener): unknown;
  /** Ends what `on` began. */
  removeListener(event: string, listener: ElectronListener): unknown;
}

/** The module `electron` in the main process. */
export interface ElectronModule {
  /** Messages of renderers. */
  readonly ipcMain: ElectronIpcMain;
  /** The application's life. */
  readonly app: ElectronApplication;
  /** Makes windows. */
  readonly BrowserWindow: new (options: object) => ElectronMainWindow;
  /** Reads files for a page. */
  readonly net: { fetch(url: string): Promise<Response> };
  /** Serves pages under a scheme of the application's own. */
  readonly protocol: {
    handle(scheme: string, handler: (request: { readonly url: string }) => Promise<Response>): void;
    unhandle(scheme: string): void;
    registerSchemesAsPrivileged(schemes: { scheme: string; privileges: object }[]): void;
  };
}
