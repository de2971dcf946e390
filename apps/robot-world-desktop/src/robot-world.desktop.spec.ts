import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { IpcHost } from '@linnet/backend';
import { createRpcClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import { ElectronHost } from '@linnet/electron/main';
import { electronIpc } from '@linnet/electron/renderer';
import { until } from '../../../test/harness/waiting.js';
import { bridgeOf } from '../../../test/ipc/electron/desktop.harness.js';
import { install } from '../../../test/ipc/electron/installed.cjs';
import { ElectronStandIn } from '../../../test/ipc/electron/electron.stand-in.js';
import { ActivityTraceRpcInterface } from '../../robot-world/src/common/activity-trace.rpc.js';
import { robotChannel } from '../../robot-world/src/common/robot.ipc.js';
import type { RobotIpc } from '../../robot-world/src/common/robot.ipc.js';
import { RobotWorldReadRpcInterface } from '../../robot-world/src/common/robot-world.rpc.js';
import { WarehouseDatabase } from '../../robot-world/src/engine/warehouse.database.js';

const token = { key: 'warehouse', iTwinId: 'demo', iModelId: 'warehouse', changeset: { id: '' } };

describe('the desktop application of Robot World', () => {
  let electron: ElectronStandIn;
  let frontend: IpcFrontend;
  const closed = jest.spyOn(WarehouseDatabase.prototype, 'onApplicationShutdown');

  beforeAll(async () => {
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    electron = new ElectronStandIn({ ready: false });
    install(electron);
    // As Electron does: it is ready when the first module has run.
    await import('./main.js');
    electron.app.becomeReady();
    await until(() => electron.windows[0]?.webContents.page.window['linnet']);
    frontend = new IpcFrontend(electronIpc(bridgeOf(electron.windows[0]!.webContents.page)));
    await frontend.ready;
  });
  afterAll(() => {
    frontend.close();
    jest.restoreAllMocks();
  });

  it('serves its page and the files of the page, with a strict content security policy', async () => {
    expect(electron.windows[0]!.webContents.page.url).toBe('electron://frontend/index.html');
    const response = (await electron.request('electron://frontend/index.html'))!;
    expect(response.headers.get('Content-Security-Policy')).toMatch(/^default-src 'self'; /);
    const page = await response.text();
    const references = [...page.matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)].map(([, path]) => path!);
    // Style and script, and further chunks that the page preloads.
    expect(references.length).toBeGreaterThanOrEqual(2);
    for (const path of references)
      expect((await electron.request(`electron://frontend/${path}`))!.status).toBe(200);
  });

  it('answers over RPC, also after pending answers, and traces the calls of a click', async () => {
    const client = createRpcClient({ transport: rpcOverIpc(frontend), pendingIntervalMs: 20 });
    const world = client.client(RobotWorldReadRpcInterface).with({ activityId: 'click' });
    expect(await world.countRobots(token)).toBe(500);
    const snapshot = await world.floorSnapshot(token, { minX: 0, minY: 0, maxX: 10, maxY: 5 }, 0.25);
    expect(snapshot).toBeInstanceOf(Uint8Array);
    await expect(world.queryObstaclesHitByRobot(token, '0xbad')).rejects.toThrow(
      'Robot 0xbad does not exist.',
    );
    const { pallet } = await world.surveyObstacles(token, 'desktop');
    expect(pallet.count).toBe(600);
    const trace = await client.client(ActivityTraceRpcInterface).traceActivity(token, 'click');
    expect(JSON.stringify(trace)).toContain('countRobots');
  });

  it('drives robots over IPC, and notifies the page of their positions', async () => {
    const robots = frontend.makeIpcProxy<RobotIpc>(robotChannel);
    await robots.subscribe({ minX: 30, minY: 12.8, maxX: 45, maxY: 15.8 });
    const moved: unknown[] = [];
    frontend.addListener(robotChannel, (_event, ...news) => moved.push(news));
    const { arrived } = await robots.drive('0xa', { x: 37.2, y: 14.4 });
    expect(arrived).toBe(true);
    expect(moved).toContainEqual(['moved', '0xa', expect.objectContaining({ y: 14.4 })]);
  });

  it('ends with its window, after its database is closed', async () => {
    const [session] = IpcHost.sessions;
    const driving = frontend.callIpcChannel(robotChannel, 'drive', '0xa', { x: 30, y: 14.4 });
    driving.catch(() => undefined);
    expect(closed).not.toHaveBeenCalled();
    electron.windows[0]!.close();
    expect((await session!.closed).reason).toBe('The window was closed.');
    await until(() => electron.app.hasQuit);
    expect(closed).toHaveBeenCalledTimes(1);
    expect([ElectronHost.isValid, IpcHost.isValid]).toEqual([false, false]);
    expect(electron.errors).toEqual([]);
    await ElectronHost.shutdown();
  });
});
