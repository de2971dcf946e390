// The part of Electron that is used, as types of our own. Electron's package downloads a hundred megabytes, which code that
// only compiles against this library does not need. Electron's objects fit these types.

/** A frame of a page: `WebFrameMain`. */
export interface ElectronFrame {
  /** The URL of its page. */
  readonly url: string;
  /** The origin of its page, for instance `app://robot-world`. */
  readonly origin: string;
  /** The parent frame; `null` for the main frame of a window. */
  readonly parent: object | null;
  /** Constant for the life of the frame, whatever page it shows. */
  readonly frameTreeNodeId: number;
  /** The process of its page. */
  readonly processId: number;
  /** The id of the frame within the process of its page. */
  readonly routingId: number;
  /** Sends to the scripts of the frame. Messages to a frame that is gone are lost. */
  send(channel: string, ...args: unknown[]): void;
}

/** A listener; its arguments depend on the event. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in the types of Node and of Electron
export type ElectronListener = (...args: any[]) => void;

/** The content of a window: `WebContents`. */
export interface ElectronContents {
  /** Unique among those of the process. */
  readonly id: number;
  /** Whether it is gone: nothing else of it can be asked then. */
  isDestroyed(): boolean;
  /** Listens to an event of the page. */
  on(event: string, listener: ElectronListener): unknown;
  /** Ends what `on` began. */
  removeListener(event: string, listener: ElectronListener): unknown;
  /** Decides what becomes of windows that the page opens. */
  setWindowOpenHandler(handler: () => { action: 'deny' }): void;
  /** Opens the developer tools, or closes them. */
  toggleDevTools(): void;
}

/** A window: `BrowserWindow`, and what else has `webContents`. */
export interface ElectronWindow {
  /** The content of the window. */
  readonly webContents: ElectronContents;
}

/** Says who has sent a message: `IpcMainEvent`. */
export interface ElectronSender {
  /** The content that the frame belongs to. */
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
  /** Answers the calls of a channel; throws for one that is answered already. */
  handle(channel: string, listener: (event: ElectronSender, ...args: unknown[]) => Promise<unknown>): void;
  /** Ends what `handle` began. */
  removeHandler(channel: string): void;
}

/** A window of the application's own making: `BrowserWindow`. */
export interface ElectronMainWindow extends ElectronWindow {
  /** Shows a page; rejects when it cannot be loaded. */
  loadURL(url: string): Promise<void>;
  /** Tells what becomes of the window. */
  on(event: ElectronWindowEvent, listener: () => void): unknown;
  /** Shows the window, where it was made with `show: false`. */
  show(): void;
  /** Makes it as large as the screen. */
  maximize(): void;
  /** Whether it is as large as the screen. */
  isMaximized(): boolean;
  /** Whether it is gone: nothing else of it can be asked then. */
  isDestroyed(): boolean;
  /** Where it is, in pixels of the screen. */
  getBounds(): WindowSizeAndPositionProps;
}

/** Events of a window that are listened to. */
export type ElectronWindowEvent = 'close' | 'closed' | 'maximize' | 'move' | 'resize' | 'unmaximize';

/** Size and position of a window, in pixels of the screen. */
export interface WindowSizeAndPositionProps {
  /** From left to right. */
  width: number;
  /** From top to bottom. */
  height: number;
  /** Position of the left side. */
  x: number;
  /** Position of the upper side. */
  y: number;
}

/** `app`. */
export interface ElectronApplication {
  /** Whether windows can be made. */
  isReady(): boolean;
  /** Resolves when windows can be made. */
  whenReady(): Promise<unknown>;
  /** Closes all windows, and ends the application. */
  quit(): void;
  /** A folder of the user, for the application to write to. */
  getPath(name: 'userData'): string;
  /** Listens to an event of the application. */
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
  /** Opens dialogs of the system. */
  readonly dialog: object;
  /** Reads files for a page. */
  readonly net: { fetch(url: string): Promise<Response> };
  /** Serves pages under a scheme of the application's own. */
  readonly protocol: {
    handle(scheme: string, handler: (request: { readonly url: string }) => Promise<Response>): void;
    unhandle(scheme: string): void;
    registerSchemesAsPrivileged(schemes: { scheme: string; privileges: object }[]): void;
  };
}
