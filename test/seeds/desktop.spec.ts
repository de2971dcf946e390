import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcHost } from '@linnet/backend';
import { RpcManager as BackendRpcManager } from '@linnet/backend/node';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { IpcApp } from '@linnet/frontend';
import { ElectronHost } from '@linnet/electron/main';
import { ElectronApp } from '@linnet/electron/renderer';
import { preload } from '../ipc/electron/desktop.harness.js';
import { install } from '../ipc/electron/installed.cjs';
import { ElectronStandIn } from '../ipc/electron/electron.stand-in.js';
import { RobotWorldReadRpcImpl, RobotWorldReadRpcInterface } from '../rpc/plain/seeds.js';
import { initializeForElectron } from './samples/electron.main.js';
import { initializeElectron } from './samples/electron.page.js';
import { callMyBackend } from './samples/my.frontend.js';
import { MyClassHandler } from './samples/my.handler.js';

const folder = join(import.meta.dirname, 'samples');
/** Without layout, and in one kind of quotes. */
const plain = (code: string) => code.replaceAll(/\s+/g, '').replaceAll("'", '"');

const samples = [
  [
    'Ipc Interface › IpcSocket Interface',
    'electron.main.ts',
    'export async function initializeForElectron(rpcInterfaces: RpcInterfaceDefinition[]) { await ElectronHost.startup({ electronHost: { rpcInterfaces } }); }',
  ],
  [
    'Ipc Interface › IpcSocket Interface',
    'electron.page.ts',
    'export async function initializeElectron(rpcInterfaces: RpcInterfaceDefinition[]) { await ElectronApp.startup({ iModelApp: { rpcInterfaces } }); }',
  ],
  [
    'Rpc Interface › Configure Interfaces',
    'electron.main.ts',
    'export async function initializeForElectron(rpcInterfaces: RpcInterfaceDefinition[]) { await ElectronHost.startup({ electronHost: { rpcInterfaces } }); }',
  ],
  [
    'Rpc Interface › Desktop Configuration',
    'electron.page.ts',
    'export async function initializeElectron(rpcInterfaces: RpcInterfaceDefinition[]) { await ElectronApp.startup({ iModelApp: { rpcInterfaces } }); }',
  ],
] as const;

describe('the documents of iTwin.js on desktop applications', () => {
  it.each(samples)('%s: the file %s has the sample of the document', (_section, file, code) => {
    expect(plain(readFileSync(join(folder, file), 'utf8'))).toContain(plain(code));
  });

  const rpcInterfaces: RpcInterfaceDefinition[] = [RobotWorldReadRpcInterface];
  const before: boolean[] = [];
  let electron: ElectronStandIn;
  beforeAll(async () => {
    before.push(IpcHost.isValid, IpcApp.isValid);
    electron = new ElectronStandIn({ ready: false });
    install(electron);
    BackendRpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);
    await initializeForElectron(rpcInterfaces);
    MyClassHandler.register();
    electron.app.becomeReady();
    const window = new electron.BrowserWindow({ webPreferences: { preload } });
    ElectronHost.addWindow(window);
    await window.loadURL('electron://frontend/index.html');
    window.webContents.page.enter();
    await initializeElectron(rpcInterfaces);
  });
  afterAll(async () => {
    ElectronApp.shutdown();
    await ElectronHost.shutdown();
  });

  const token = { key: 'k', iTwinId: 't', iModelId: 'hall', changeset: { id: 'c' } };

  it('Rpc Interface › Desktop RPC configuration: the backend process answers calls of an interface', async () => {
    const client = RobotWorldReadRpcInterface.getClient();
    expect(await client.countRobots(token)).toBe(4);
    expect(await client.countRobotsInArray(token, ['0x1', '0x2'])).toBe(2);
    const [key, robot, activityId] = await client.queryObstaclesHitByRobot(token, '0x3');
    expect([key, robot]).toEqual(['k', '0x3']);
    expect(activityId).toMatch(/^[\da-f-]{36}$/);
  });

  it('Ipc Interface › Creating Your own Ipc Interfaces and IpcHandlers: the typed function of step 3 calls the handler of step 2', async () => {
    const method1Val = await callMyBackend('sayHello', 'abc', 10, true);
    expect(method1Val).toBe('hello: abc 10 true');
  });

  it('Ipc Interface › IpcApp and IpcHost: isValid is true with IPC only, and notifications arrive', async () => {
    expect(before).toEqual([false, false]);
    expect([IpcHost.isValid, IpcApp.isValid, ElectronHost.isValid, ElectronApp.isValid]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const heard = new Promise((resolve) => IpcApp.addListener('news', (_event, ...news) => resolve(news)));
    await IpcHost.send('news', 1, 'two');
    expect(await heard).toEqual([1, 'two']);
  });

  it('Rpc vs. Ipc › IPC: frontend and backend are paired, and a call ends when the frontend does', async () => {
    const [session] = IpcHost.sessions;
    const asked = session!.invoke('nobody-answers');
    electron.windows[0]!.webContents.reload();
    await expect(asked).rejects.toThrow('The page was left.');
    expect(IpcHost.sessions).toEqual([]);
  });
});
