import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientRequestContext,
  IpcHandler,
  IpcHost,
  IpcModule,
  RpcInterface as Served,
  RpcModule,
} from '@linnet/backend';
import { RpcManager as BackendRpcManager } from '@linnet/backend/node';
import { RpcInterface, RpcManager } from '@linnet/common';
import { IpcApp } from '@linnet/frontend';
import { ElectronHost, electronScheme } from '@linnet/electron/main';
import type { ElectronHostOpts } from '@linnet/electron/main';
import { ElectronApp, electronIpc } from '@linnet/electron/renderer';
import { preload } from './desktop.harness.js';
import { install } from './installed.cjs';
import { ElectronStandIn } from './electron.stand-in.js';
import { until } from '../../harness/waiting.js';

abstract class Scale extends RpcInterface {
  static readonly interfaceName = 'Scale';
  static interfaceVersion = '1.0.0';
  async weigh(_thing: string): Promise<unknown> {
    return this.forward(arguments);
  }
}
class ScaleImpl extends RpcInterface implements Scale {
  async weigh(thing: string) {
    await Promise.resolve();
    const { applicationId, rpcMethod } = ClientRequestContext.current;
    return [thing, applicationId, rpcMethod];
  }
}
abstract class Clock extends RpcInterface {
  static readonly interfaceName = 'Clock';
  static interfaceVersion = '1.0.0';
  async now(): Promise<string> {
    return this.forward(arguments);
  }
}
class Greeter extends IpcHandler {
  get channelName() {
    return 'greeter';
  }
  async greet(name: string) {
    return `hello ${name}`;
  }
}

@Module({ imports: [IpcModule.forRoot()] })
class Empty {}

/** Starts the main process, and the page of a window in which the code of these tests is. */
async function start(options: ElectronHostOpts): Promise<ElectronStandIn> {
  const electron = new ElectronStandIn({ ready: false });
  install(electron);
  await ElectronHost.startup(options);
  electron.app.becomeReady();
  await ElectronHost.openMainWindow();
  electron.windows[0]!.webContents.page.enter();
  return electron;
}

afterEach(async () => {
  ElectronApp.shutdown();
  await ElectronHost.shutdown();
  for (const definition of [Scale, Clock]) {
    BackendRpcManager.terminateInterface(definition);
    RpcManager.terminateInterface(definition);
  }
  delete (globalThis as { linnet?: unknown }).linnet;
  install();
  jest.restoreAllMocks();
});

const webResourcesPath = import.meta.dirname;

describe('ElectronHost and ElectronApp', () => {
  const electronHost = { frontendURL: 'http://127.0.0.1:5173/' };

  it('serve implementations of RpcManager and IPC handlers without an application', async () => {
    BackendRpcManager.registerImpl(Scale, ScaleImpl);
    expect([ElectronHost.isValid, ElectronApp.isValid, IpcHost.isValid]).toEqual([false, false, false]);
    await start({ electronHost: { ...electronHost, rpcInterfaces: [Scale], ipcHandlers: [Greeter] } });
    expect([ElectronHost.isValid, ElectronApp.isValid, IpcHost.isValid]).toEqual([true, false, true]);
    await ElectronApp.startup({ iModelApp: { rpcInterfaces: [Scale], applicationId: 'desk' } });
    expect([ElectronApp.isValid, IpcApp.isValid]).toEqual([true, true]);
    expect(await RpcManager.getClientForInterface(Scale).weigh('pen')).toEqual(['pen', 'desk', 'weigh']);
    expect(await IpcApp.callIpcChannel('greeter', 'greet', 'Ann')).toBe('hello Ann');
  });

  it('have the members that display-test-app of iTwin.js uses at startup', async () => {
    expect(() => ElectronHost.app).toThrow('ElectronHost has not been started');
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const electron = new ElectronStandIn({ ready: false });
    install(electron);
    const opts = {
      iModelHost: { logTileLoadTimeThreshold: 3 },
      electronHost: {
        webResourcesPath,
        iconName: 'display-test-app.ico',
        rpcInterfaces: [Scale],
        ipcHandlers: [Greeter],
        developmentServer: false,
      },
      nativeHost: { applicationName: 'display-test-app' },
      mobileHost: undefined,
      localhostIpcHost: { noServer: true },
    };
    await ElectronHost.startup(opts);
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching('iModelHost is ignored')]);
    electron.app.becomeReady();
    const sizeAndPosition = ElectronHost.getWindowSizeAndPositionSetting('mainWindow');
    const maximize = sizeAndPosition === undefined || ElectronHost.getWindowMaximizedSetting('mainWindow');
    const window = { ...sizeAndPosition, show: !maximize, title: 'Display Test App' };
    await ElectronHost.openMainWindow({ ...window, storeWindowName: 'mainWindow' });
    ElectronHost.mainWindow!.maximize();
    ElectronHost.mainWindow!.show();
    ElectronHost.mainWindow!.webContents.toggleDevTools();
    ElectronHost.app.on('web-contents-created', () => undefined);
    expect(ElectronHost.rpcConfig.interfaces()).toEqual([Scale]);
    expect(ElectronHost.electron.app).toBe(ElectronHost.app);
    expect(ElectronHost.ipcMain).toBe(ElectronHost.electron.ipcMain);
    expect([ElectronHost.frontendURL, ElectronHost.webResourcesPath, ElectronHost.appIconPath]).toEqual([
      'electron://frontend/index.html',
      webResourcesPath,
      join(webResourcesPath, 'display-test-app.ico'),
    ]);
  });

  it('open dialogs of the system unless dialogs is false', async () => {
    const electron = await start({ electronHost });
    await ElectronApp.startup();
    expect(await ElectronApp.dialogIpc.showMessageBox({ message: 'Go on?' })).toEqual({ response: 1 });
    expect(electron.opened).toEqual([['showMessageBox', { message: 'Go on?' }]]);
    ElectronApp.shutdown();
    await ElectronHost.shutdown();
    await start({ electronHost: { ...electronHost, dialogs: false } });
    await ElectronApp.startup();
    await expect(ElectronApp.dialogIpc.showMessageBox({})).rejects.toThrow('No handler is registered');
  });

  it('use implementations that are registered or replaced after startup', async () => {
    await start({ electronHost: { ...electronHost, rpcInterfaces: [Scale] } });
    await ElectronApp.startup({ iModelApp: { rpcInterfaces: [Scale] } });
    const scale = RpcManager.getClientForInterface(Scale);
    await expect(scale.weigh('pen')).rejects.toThrow(
      'An RPC interface implementation class for "Scale" is not registered.',
    );
    BackendRpcManager.registerImpl(Scale, ScaleImpl);
    expect(await scale.weigh('pen')).toContain('pen');
    BackendRpcManager.supplyImplInstance(
      Scale,
      Object.assign(new ScaleImpl(), { weigh: async () => 7 as never }),
    );
    expect(await scale.weigh('pen')).toBe(7);
  });

  it('serve providers of an application, and otherwise implementations of RpcManager', async () => {
    @Served(Clock)
    class ClockImpl implements Clock {
      async now() {
        return 'noon';
      }
    }
    @Module({ imports: [RpcModule.forRoot(), IpcModule.forRoot()], providers: [ClockImpl] })
    class AppModule {}
    BackendRpcManager.registerImpl(Scale, ScaleImpl);
    BackendRpcManager.registerImpl(
      Clock,
      class extends RpcInterface {
        now = async () => 'midnight';
      },
    );
    const application = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const rpcInterfaces = [Scale, Clock];
    await start({ electronHost: { ...electronHost, rpcInterfaces }, application });
    await ElectronApp.startup({ iModelApp: { rpcInterfaces } });
    expect(await RpcManager.getClientForInterface(Clock).now()).toBe('noon');
    expect(await RpcManager.getClientForInterface(Scale).weigh('pen')).toContain('pen');
    await ElectronHost.shutdown();
    // It is not ElectronHost's to end.
    expect(application.get(IpcHost).sessions).toEqual([]);
    expect(IpcHost.isValid).toBe(true);
    await application.close();
  });

  it('send every error to pages when exposeErrors is all', async () => {
    class FailingScale extends ScaleImpl {
      override async weigh(): Promise<never> {
        throw Object.assign(new RangeError('too heavy'), { limit: 7 });
      }
    }
    BackendRpcManager.registerImpl(Scale, FailingScale);
    const served = { ...electronHost, rpcInterfaces: [Scale] };
    await start({ electronHost: { ...served, exposeErrors: 'all' } });
    await ElectronApp.startup({ iModelApp: { rpcInterfaces: [Scale] } });
    const weighed = RpcManager.getClientForInterface(Scale).weigh('pen');
    await expect(weighed).rejects.toMatchObject({ message: 'too heavy', limit: 7 });
  });

  it('refuse exposeErrors together with an application', async () => {
    const application = await NestFactory.createApplicationContext(Empty, { logger: false });
    const options = { application, electronHost: { ...electronHost, exposeErrors: 'all' as const } };
    await expect(start(options)).rejects.toThrow('an option of RpcModule and IpcModule');
    await application.close();
  });

  it('start without handlers and RPC interfaces', async () => {
    await start({ electronHost: { webResourcesPath } });
    await ElectronApp.startup();
    expect(ElectronApp.isValid).toBe(true);
  });

  it('serve pages of electron: while the application is still being created', async () => {
    const electron = new ElectronStandIn({ ready: false });
    install(electron);
    @Module({ imports: [IpcModule.forRoot()] })
    class AppModule {}
    // As in a CommonJS module: Electron is ready when it has run, and the application later.
    const application = NestFactory.createApplicationContext(AppModule, { logger: false });
    const starting = ElectronHost.startup({ application, electronHost: { webResourcesPath } });
    electron.app.becomeReady();
    await starting;
    await ElectronHost.openMainWindow();
    const { page } = electron.windows[0]!.webContents;
    expect(page.origin).toBe('electron://frontend');
    page.enter();
    await ElectronApp.startup();
    expect((await application).get(IpcHost).sessions).toHaveLength(1);
    electron.app.quit();
    await until(() => electron.app.hasQuit);
    expect(IpcHost.isValid).toBe(false);
  });

  it('reject with the error of an application that cannot be created', async () => {
    install(new ElectronStandIn({ ready: false }));
    const application = Promise.reject(new Error('no database'));
    await expect(ElectronHost.startup({ application })).rejects.toThrow('no database');
    expect(ElectronHost.isValid).toBe(false);
  });

  it('serve pages again after a shutdown and another startup', async () => {
    const options = { electronHost: { webResourcesPath } };
    const electron = await start(options);
    const { app } = electron;
    const listeners = () => app.eventNames().map((name) => [name, app.listenerCount(name)]);
    const before = listeners();
    expect(before).not.toEqual([]);
    await ElectronHost.shutdown();
    expect(listeners()).toEqual([]);
    await ElectronHost.startup(options);
    await ElectronHost.openMainWindow();
    expect(listeners()).toEqual(before);
    expect(electron.windows[1]!.webContents.page.origin).toBe('electron://frontend');
    expect(electron.errors).toEqual([]);
  });

  it('open no window after a shutdown before Electron is ready', async () => {
    const electron = new ElectronStandIn({ ready: false });
    install(electron);
    await ElectronHost.startup({ electronHost });
    const opening = ElectronHost.openMainWindow();
    await ElectronHost.shutdown();
    electron.app.becomeReady();
    await expect(opening).rejects.toThrow('ElectronHost was shut down');
    expect(electron.windows).toEqual([]);
  });

  it('register no scheme for a page from a server, or with schemeIsRegistered', async () => {
    for (const options of [electronHost, { webResourcesPath, schemeIsRegistered: true }]) {
      const electron = new ElectronStandIn({ ready: false });
      install(electron);
      const app = { scheme: 'app', privileges: { standard: true } };
      electron.protocol.registerSchemesAsPrivileged([app, electronScheme]);
      await ElectronHost.startup({ electronHost: options });
      electron.app.becomeReady();
      await ElectronHost.openMainWindow();
      expect(electron.windows).toHaveLength(1);
      await ElectronHost.shutdown();
    }
  });

  it('start once, and again after a shutdown', async () => {
    const electron = await start({ electronHost });
    await expect(ElectronHost.startup()).rejects.toThrow('ElectronHost is already started');
    await ElectronApp.startup();
    await expect(ElectronApp.startup()).rejects.toThrow('ElectronApp is already started');
    expect(ElectronApp.isValid).toBe(true);
    const gone = new Promise((resolve) => IpcApp.frontend.onStateChange(resolve));
    await ElectronHost.shutdown();
    expect(await gone).toBe('connecting');
    expect([ElectronHost.isValid, ElectronApp.isValid]).toEqual([false, false]);
    ElectronApp.shutdown();
    await ElectronHost.startup({ electronHost });
    ElectronHost.addWindow(electron.windows[0]!);
    await ElectronApp.startup();
    expect(ElectronApp.isValid).toBe(true);
  });

  it('keep a frontend that was started before', async () => {
    await start({ electronHost });
    await IpcApp.startup(electronIpc());
    await expect(ElectronApp.startup()).rejects.toThrow('IpcApp is already started');
    expect([ElectronApp.isValid, IpcApp.isValid]).toEqual([false, true]);
    IpcApp.shutdown();
  });

  it('open no page of their own when they start after Electron is ready', async () => {
    install(new ElectronStandIn());
    await ElectronHost.startup({ electronHost: { webResourcesPath } });
    await expect(ElectronHost.openMainWindow()).rejects.toThrow('before Electron is ready');
  });

  it('reject outside of Electron', async () => {
    await expect(ElectronHost.startup()).rejects.toThrow('This is not the main process of Electron');
    expect(ElectronHost.isValid).toBe(false);
    for (const linnet of [undefined, null, 'bird', { send: () => undefined }, { listen: () => undefined }]) {
      Object.assign(globalThis, { linnet });
      expect(ElectronApp.isAvailable).toBe(false);
    }
    await expect(ElectronApp.startup()).rejects.toThrow('This page has no main process');
    expect(() => electronIpc()).toThrow('@linnet/electron/preload');
  });

  it('report that they were not started', async () => {
    await expect(ElectronHost.openMainWindow()).rejects.toThrow('ElectronHost has not been started');
    expect(() => ElectronHost.addWindow({} as never)).toThrow('ElectronHost has not been started');
    expect(ElectronHost.mainWindow).toBeUndefined();
    await ElectronHost.shutdown();
    ElectronApp.shutdown();
  });

  it('name the module that an application lacks', async () => {
    install(new ElectronStandIn());
    @Module({})
    class Empty {}
    @Module({ imports: [IpcModule.forRoot()] })
    class WithoutRpc {}
    for (const [module, lacks] of [
      [Empty, 'IpcModule'],
      [WithoutRpc, 'RpcModule'],
    ] as const) {
      const application = await NestFactory.createApplicationContext(module, { logger: false });
      const starting = ElectronHost.startup({ application, electronHost: { rpcInterfaces: [Scale] } });
      await expect(starting).rejects.toThrow(
        `The application has no ${lacks}: import ${lacks}.forRoot(…) in it.`,
      );
      await application.close();
    }
    expect([ElectronHost.isValid, IpcHost.isValid]).toEqual([false, false]);
  });

  it('refuse an RPC interface with an invalid version', async () => {
    install(new ElectronStandIn());
    abstract class Odd extends RpcInterface {
      static readonly interfaceName = 'Odd';
      static interfaceVersion = 'one';
    }
    await expect(ElectronHost.startup({ electronHost: { rpcInterfaces: [Odd] } })).rejects.toThrow(
      'interfaceVersion "one" of "Odd" is not a semantic version.',
    );
    expect([ElectronHost.isValid, IpcHost.isValid]).toEqual([false, false]);
  });

  it('reject when the main process does not answer', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const electron = await start({ electronHost });
    // The URL of its own page does not belong to the application.
    electron.windows[0]!.close();
    const { BrowserWindow } = electron;
    const other = new BrowserWindow({ webPreferences: { preload } });
    await other.loadURL(electronHost.frontendURL);
    other.webContents.page.enter();
    const starting = ElectronApp.startup({ ipcApp: { connectTimeoutMs: 50 } });
    await expect(starting).rejects.toThrow('The main process does not answer');
    expect([ElectronApp.isValid, ElectronApp.isAvailable]).toEqual([false, true]);
    expect(() => IpcApp.frontend).toThrow('IpcApp has not been started');
  });
});
