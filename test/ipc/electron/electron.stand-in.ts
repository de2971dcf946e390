import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InvokeReply, PageStandIn } from './page.stand-in.js';
import { clone } from './context.bridge.js';
import { WindowStandIn } from './window.stand-in.js';
import type { WindowOptions } from './window.stand-in.js';

// A stand-in for Electron in the process of the tests, because its program is not in the registry. It does what
// Electron's documentation says, and nothing that is easier:
//
// | rule | from |
// |---|---|
// | Messages are cloned by the structured clone algorithm, and lose their prototypes; functions, promises, symbols and weak collections throw when they are sent | ipc-renderer.md, `ipcRenderer.send`; web-frame-main.md, `frame.send` |
// | A call (`invoke`) is answered by the one handler of its channel, a second of which throws; what the handler returns is cloned, of what it throws only the text arrives, and the main process writes it to the console | ipc-renderer.md, `ipcRenderer.invoke`; ipc-main.md, `ipcMain.handle`; lib/browser/ipc-main-impl.ts |
// | `ipc-message` of `webContents` tells of messages of all channels, before `ipcMain` does; of calls nothing tells | web-contents.md, `contents.ipc`; lib/browser/api/web-contents.ts |
// | `web-contents-created` for each `webContents` | app.md |
// | Messages arrive later, in the order in which they were sent | ipc-main.md, "It is possible to send messages …"; tutorial/ipc.md |
// | An event has `sender` and `senderFrame`; the latter is null once the frame shows another page or is gone | structures/ipc-main-event.md |
// | A frame keeps its `frameTreeNodeId` whatever it shows; another page has another `routingId`; a main frame has no parent | web-frame-main.md |
// | There is one `WebFrameMain` for each frame, whose members and `send` are those of the page that it shows now | shell/browser/api/electron_api_web_frame_main.cc, `UpdateRenderFrameHost` |
// | `did-frame-navigate` for new pages of all frames, with the ids of the new page; nothing tells of a frame that is taken out | web-contents.md |
// | `frame.send` to a page that is gone throws nothing, and writes to the console; its members throw | lib/browser/api/web-frame-main.ts |
// | A window that is closed, and its `webContents`, throw "Object has been destroyed" | browser-window.md, `closed`; web-contents.md, `destroyed` |
// | `did-navigate` for each new page, reloads included, not for places in a page | web-contents.md |
// | A page that cannot be loaded is followed by `did-fail-load` alone; error -3 leaves the page where it is | web-contents.md; net_error_list.h |
// | `render-process-gone` with a reason; the window stays | web-contents.md; structures/render-process-gone-details.md |
// | `will-navigate` when a page goes elsewhere by itself, and can be prevented | web-contents.md; tutorial/security.md, 13 |
// | `will-redirect` when a server leads elsewhere, whoever has asked for the page; to prevent it prevents the navigation | web-contents.md |
// | Preload scripts run before the page, each time; in frames within it only with `nodeIntegrationInSubFrames` | browser-window.md, `webPreferences` |
// | Sandboxed, they are run as plain scripts, which `require` only `electron`, `events`, `timers` and `url` | tutorial/sandbox.md; tutorial/esm.md; lib/sandboxed_renderer/preload.ts |
// | They share no global with the page but what `contextBridge` exposes, once for each name | context-bridge.md; tutorial/context-isolation.md |
// | Values that cross are copied: prototypes and symbols are dropped, functions are called where they are, errors keep their message, exposed objects are frozen, no more than 1000 levels | context-bridge.md, "Parameter / Error / Return Type support"; electron_api_context_bridge.cc |
// | Schemes are registered once, before `ready`; windows are made, and protocols handled, after it | protocol.md; browser-window.md |
// | An ES module has run before there is `ready` | tutorial/esm.md; issue 40719 |
// | `quit` closes the windows, without `window-all-closed`, then `will-quit` can still be prevented | app.md |
//
// Not in it: processes, sandboxes of the operating system, what pages show.

/** Electron, of one application. */
export class ElectronStandIn {
  /** Other messages that went to the console, or would have ended the main process. */
  readonly errors: unknown[] = [];
  readonly windows: WindowStandIn[] = [];
  /** Dialogs that were opened, each as the name of its function and what it was given. */
  readonly opened: unknown[][] = [];
  /** Schemes that are standard. */
  readonly schemes = new Set<string>();
  readonly #handlers = new Map<string, (request: Request) => Promise<Response>>();
  readonly #queue: (() => void)[] = [];
  /** The servers that are not its own, by address: what is not there cannot be reached. */
  web: (url: string) => Response | undefined = () => new Response('');

  readonly ipcMain = new IpcMainStandIn();
  readonly app = new AppStandIn(this);
  readonly dialog = {
    showOpenDialog: (...args: unknown[]) =>
      this.#open('showOpenDialog', args, { canceled: true, filePaths: [] }),
    showSaveDialog: (...args: unknown[]) =>
      this.#open('showSaveDialog', args, { canceled: true, filePath: '' }),
    showMessageBox: (...args: unknown[]) => this.#open('showMessageBox', args, { response: 1 }),
    showMessageBoxSync: (...args: unknown[]) => void this.opened.push(['showMessageBoxSync', ...args]),
    showErrorBox: (...args: unknown[]) => void this.opened.push(['showErrorBox', ...args]),
  };
  readonly net = { fetch: (url: string) => fetchFile(url) };
  readonly protocol = {
    registerSchemesAsPrivileged: (schemes: { scheme: string; privileges: { standard?: boolean } }[]) => {
      if (this.app.isReady())
        throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
      if (this.schemes.size > 0) throw new Error('registerSchemesAsPrivileged can be called only once');
      for (const { scheme, privileges } of schemes) if (privileges.standard) this.schemes.add(scheme);
    },
    handle: (scheme: string, handler: (request: Request) => Promise<Response>) => {
      if (!this.app.isReady()) throw new Error('protocol can only be used after app is ready');
      if (this.#handlers.has(scheme)) throw new Error(`The scheme ${scheme} has been handled already`);
      this.#handlers.set(scheme, handler);
    },
    unhandle: (scheme: string) => {
      if (!this.#handlers.delete(scheme)) throw new Error(`The scheme ${scheme} is not handled`);
    },
  };
  readonly BrowserWindow: (new (options?: WindowOptions) => WindowStandIn) & {
    getAllWindows(): WindowStandIn[];
  } = windowsOf(this);

  /** Whether the scripts of each page are in a realm of their own, as `page.window`. */
  readonly realms: boolean;

  constructor({ ready = true, realms = false } = {}) {
    this.realms = realms;
    if (ready) this.app.becomeReady();
  }

  async #open<T>(name: string, args: unknown[], result: T): Promise<T> {
    this.opened.push([name, ...args]);
    return result;
  }

  /** The answer to a request of a page. */
  async request(url: string): Promise<Response | undefined> {
    const handler = this.#handlers.get(new URL(url).protocol.slice(0, -1));
    return handler ? handler(new Request(url)) : this.web(url);
  }

  /** Has something done after all that is to be done already. */
  later(work: () => void): void {
    this.#queue.push(work);
    setImmediate(() => this.#queue.shift()!());
  }

  /** A message has come from a page. */
  receive(page: PageStandIn, channel: string, args: unknown[]): void {
    const event = eventOf(page);
    try {
      page.contents.emit('ipc-message', event, channel, ...args);
      this.ipcMain.emit(channel, event, ...args);
    } catch (error) {
      this.errors.push(error);
    }
  }

  /** A page has called. Never settles for one that is gone by the time of the answer. */
  async invoke(page: PageStandIn, channel: string, args: unknown[]): Promise<InvokeReply> {
    const reply = await this.#answer(page, channel, args);
    await new Promise<void>((arrived) => this.later(arrived));
    return page.isGone ? new Promise(() => undefined) : reply;
  }

  async #answer(page: PageStandIn, channel: string, args: unknown[]): Promise<InvokeReply> {
    const handler = this.ipcMain.handlers.get(channel);
    if (!handler) return { error: `Error: No handler registered for '${channel}'` };
    try {
      return { result: clone(await handler(eventOf(page), ...args)) };
    } catch (error) {
      this.errors.push(error);
      return { error: String(error) };
    }
  }
}

function eventOf(page: PageStandIn): object {
  return {
    type: 'frame',
    sender: page.contents,
    get senderFrame() {
      return page.isGone ? null : page.frame;
    },
    processId: page.processId,
    frameId: page.routingId,
    ports: [],
  };
}

/** `ipcMain`. */
class IpcMainStandIn extends EventEmitter {
  readonly handlers = new Map<string, InvokeHandler>();

  handle(channel: string, handler: InvokeHandler): void {
    if (this.handlers.has(channel))
      throw new Error(`Attempted to register a second handler for '${channel}'`);
    if (typeof handler !== 'function')
      throw new TypeError(`Expected handler to be a function, but found type '${typeof handler}'`);
    this.handlers.set(channel, handler);
  }
  removeHandler(channel: string): void {
    this.handlers.delete(channel);
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in the types of Electron
type InvokeHandler = (event: any, ...args: any[]) => unknown;

/** `app`. */
class AppStandIn extends EventEmitter {
  #isReady = false;
  hasQuit = false;
  isQuitting = false;

  constructor(private readonly electron: ElectronStandIn) {
    super();
  }

  /** Where the application keeps what is the user's. */
  userData = join(tmpdir(), 'linnet-there-is-none');

  getPath(name: string): string {
    if (name !== 'userData') throw new Error(`Failed to get '${name}' path`);
    return this.userData;
  }
  isReady(): boolean {
    return this.#isReady;
  }
  async whenReady(): Promise<void> {
    if (!this.#isReady) await new Promise((resolve) => this.once('ready', resolve));
  }
  quit(): void {
    if (!this.#isGoing('before-quit')) return;
    this.isQuitting = true;
    for (const window of this.electron.windows.slice()) window.close();
    this.isQuitting = false;
    if (this.hasQuit || !this.#isGoing('will-quit')) return;
    this.hasQuit = true;
    this.emit('quit', {}, 0);
  }

  /** The application's first module has run. */
  becomeReady(): void {
    this.#isReady = true;
    this.emit('ready');
  }

  #isGoing(name: string): boolean {
    let isPrevented = false;
    this.emit(name, { preventDefault: () => (isPrevented = true) });
    return !isPrevented;
  }
}

function windowsOf(electron: ElectronStandIn): ElectronStandIn['BrowserWindow'] {
  return class BrowserWindow extends WindowStandIn {
    constructor(options?: WindowOptions) {
      super(electron, options);
    }
    static getAllWindows(): WindowStandIn[] {
      return electron.windows.slice();
    }
  };
}

const kinds: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

async function fetchFile(url: string): Promise<Response> {
  const path = fileURLToPath(url);
  const bytes = await readFile(path).catch(() => {
    throw new Error('net::ERR_FILE_NOT_FOUND');
  });
  return new Response(bytes, { headers: { 'Content-Type': kinds[extname(path)] ?? '' } });
}
