import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Logger, Module } from '@nestjs/common';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcHost, IpcModule, wireHostOf, RpcModule, RpcServer, serveMessagePort } from '@linnet/backend';
import { serveRegistered } from '@linnet/backend/node';
import type { ErrorExposure, RpcInterfaceDefinition } from '@linnet/common';
import { delayQuit } from './window/quit.policy.js';
import { BridgeWire } from './frame/bridge.wire.js';
import type {
  ElectronMainWindow,
  ElectronModule,
  ElectronWindow,
  WindowSizeAndPositionProps,
} from './electron/electron.types.js';
import { FrameConnections } from './frame/frame.connections.js';
import { frontendUrl } from './window/host.options.js';
import type {
  ElectronHostOptions,
  ElectronHostOpts,
  ElectronHostWindowOptions,
} from './window/host.options.js';
import { DIALOG_CHANNEL, dialogHandler } from './itwin/dialogs.js';
import { ITwinWire } from './itwin/wire.js';
import { PageWindows } from './window/page.windows.js';
import { SenderPolicy } from './frame/sender.policy.js';

/** The module of an application without providers of its own. */
@Module({})
class ElectronHostModule {}

/**
 * The main process' side of an application's windows. `ElectronHost` is the only one of most processes; two of them
 * have windows of their own.
 */
export class ElectronBackend {
  readonly #rules: SenderPolicy;
  readonly #windows: PageWindows;
  readonly #ends: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;
  #wire: ITwinWire | undefined;
  /** The module `electron`. */
  readonly electron: ElectronModule;
  /** Where the page of {@link openMainWindow} is. */
  readonly frontendURL: string;
  /** The folder of the page; `undefined` if the page comes from a URL. */
  readonly webResourcesPath: string | undefined;
  /** The file of the icon of windows; `undefined` without an icon. */
  readonly appIconPath: string | undefined;
  /** Says which interfaces `rpcInterfaces` has named. */
  readonly rpcConfig: { readonly interfaces: () => RpcInterfaceDefinition[] };

  private constructor(electron: ElectronModule, options: ElectronHostOptions) {
    const page = frontendUrl(options);
    const { webResourcesPath, iconName, rpcInterfaces = [] } = options;
    this.electron = electron;
    this.frontendURL = page;
    this.webResourcesPath = webResourcesPath;
    this.appIconPath = webResourcesPath && iconName && join(webResourcesPath, iconName);
    this.rpcConfig = { interfaces: () => [...rpcInterfaces] };
    this.#rules = new SenderPolicy([new URL('.', page).href, ...(options.pages ?? [])], options.allow);
    this.#windows = new PageWindows(
      electron,
      options,
      (url) => this.#rules.isPage(url),
      (window) => this.addWindow(window),
    );
    this.#ends.push(
      () => this.#rules.close(),
      () => this.#windows.close(),
    );
  }

  /**
   * Has the main process answer. It is to be called before Electron is ready, and in an ES module to be awaited: by `await` at
   * the top level.
   *
   * @throws Error (rejection) outside of Electron's main process, and for what cannot be served
   */
  static async start({
    electronHost = {},
    application,
    iModelHost,
  }: ElectronHostOpts = {}): Promise<ElectronBackend> {
    // All that has to be done before Electron is ready is done at once, for callers that do not wait.
    const electron = electronHost.electron ?? electronModule();
    const backend = new ElectronBackend(electron, electronHost);
    if (iModelHost)
      new Logger('ElectronHost').warn(
        'iModelHost is ignored: an application that needs IModelHost of @itwin/core-backend starts it itself.',
      );
    try {
      await backend.#serve(electron, electronHost, application);
    } catch (error) {
      await backend.close();
      throw error;
    }
    return backend;
  }

  /** Whether it answers. */
  get isValid(): boolean {
    return !this.#closing;
  }

  /** The window that {@link openMainWindow} has opened last, while it is there. */
  get mainWindow(): ElectronMainWindow | undefined {
    return this.#windows.main;
  }

  /**
   * Lets the pages of a window call. Its `preload` script is that of `@linnet/electron/preload`.
   *
   * @param window a `BrowserWindow`, or what else has `webContents`
   */
  addWindow(window: ElectronWindow): void {
    this.#rules.add(window.webContents);
    this.#wire?.listenTo(window.webContents);
  }

  /** Where a window was when it was last seen, by its `storeWindowName`; `undefined` for one that was not. */
  getWindowSizeAndPositionSetting(windowName: string): WindowSizeAndPositionProps | undefined {
    return this.#windows.settings.sizeAndPosition(windowName);
  }

  /** Whether a window was as large as the screen when it was last seen; `undefined` for one that was not. */
  getWindowMaximizedSetting(windowName: string): boolean | undefined {
    return this.#windows.settings.maximized(windowName);
  }

  /**
   * Opens a window with the application's page, when Electron is ready; opens it again on macOS, and ends the
   * application with its last window elsewhere. Must not be awaited at the top level of an ES module: Electron is not
   * ready before that has run.
   *
   * @param options options of `BrowserWindow`. Isolation and sandbox stay on in any case. A preload script must require the
   * one of `@linnet/electron/preload`, which is the default.
   * @throws Error (rejection) if `webPreferences` would let other pages in, or the backend has no page to show
   */
  async openMainWindow(options: ElectronHostWindowOptions | object = {}): Promise<void> {
    await this.#windows.open(options);
  }

  /**
   * Ends all sessions, and answers no more. An application of the caller's goes on; it is closed when Electron quits, with
   * all its hooks, if this is not closed by then.
   */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }

  async #serve(
    electron: ElectronModule,
    {
      rpcInterfaces = [],
      ipcHandlers = [],
      itwinjs = true,
      dialogs = itwinjs,
      ...exposure
    }: ElectronHostOptions,
    application: ElectronHostOpts['application'],
  ): Promise<void> {
    const { exposeErrors, exposeError } = exposure;
    if (application && (exposeErrors !== undefined || exposeError !== undefined))
      throw new Error(
        'Which errors pages see is an option of RpcModule and IpcModule, where ElectronHost is started with an application.',
      );
    const app = await (application ?? makeApplication({ exposeErrors, exposeError }));
    this.#ends.push(
      delayQuit(electron.app, async () => {
        await this.close();
        if (application) await app.close();
      }),
    );
    if (!application) this.#ends.push(() => app.close());
    const host = partOf(app, IpcHost, 'IpcModule');
    if (rpcInterfaces.length > 0) {
      const { dispatcher } = partOf(app, RpcServer, 'RpcModule');
      this.#ends.push(serveRegistered(dispatcher, rpcInterfaces));
    }
    for (const Handler of ipcHandlers) this.#ends.push(host.register(new Handler()));
    const connections = new FrameConnections(this.#rules);
    const bridge = new BridgeWire(electron.ipcMain, this.#rules, connections, (port, frontend) =>
      serveMessagePort(app, port, { frontend }),
    );
    this.#ends.push(
      () => connections.close(),
      () => bridge.close(),
    );
    const sessions = wireHostOf(app);
    if (dialogs) this.#ends.push(sessions.provide(DIALOG_CHANNEL, dialogHandler(electron.dialog)));
    if (itwinjs) {
      this.#ends.push(sessions.provideNativeApp());
      const wire = new ITwinWire(electron, this.#rules, connections, sessions);
      this.#wire = wire;
      this.#ends.push(() => wire.close());
    }
    // The code that closes the application also ends its own answers.
    void host.ended.then(() => this.close());
  }
}

function makeApplication(exposure: ErrorExposure): Promise<INestApplicationContext> {
  const imports = [RpcModule.forRoot(exposure), IpcModule.forRoot(exposure)];
  const module = { module: ElectronHostModule, imports };
  return NestFactory.createApplicationContext(module, { logger: ['fatal', 'error', 'warn'] });
}

function electronModule(): ElectronModule {
  const require = createRequire(import.meta.url);
  let electron: Partial<ElectronModule> | string | undefined;
  try {
    electron = require('electron') as Partial<ElectronModule> | string;
  } catch {
    // The package is not there, which is one way not to be in Electron.
  }
  // To Node, the package is the path of a program.
  if (typeof electron !== 'object' || !electron.ipcMain)
    throw new Error('This is not the main process of Electron: ElectronHost can only be started there.');
  return electron as ElectronModule;
}

function partOf<T>(app: INestApplicationContext, type: Type<T>, module: string): T {
  try {
    return app.get(type, { strict: false });
  } catch (error) {
    throw new Error(`The application has no ${module}: import ${module}.forRoot(…) in it.`, {
      cause: error,
    });
  }
}
