import { rpcOverIpc } from '@linnet/common';
import type { RpcClientTransport } from '@linnet/common';
import { electronBridge } from '@linnet/electron/renderer';
import { createRpcClient, IpcApp } from '@linnet/frontend';
import type { RpcClient } from '@linnet/frontend';
import { FleetPlannerRpcInterface } from '../../../fleet-planner/src/common/fleet-planner.rpc.js';
import { ActivityTraceRpcInterface } from '../../src/common/activity-trace.rpc.js';
import type { PageOptions } from '../../src/common/page.options.js';
import type { WarehouseToken } from '../../src/common/robot-world.props.js';
import { RobotWorldReadRpcInterface } from '../../src/common/robot-world.rpc.js';
import { newId } from '../dom/ids.js';

/** The only warehouse of these backends. */
export const token: WarehouseToken = {
  key: 'warehouse',
  iTwinId: 'demo',
  iModelId: 'warehouse',
  changeset: { id: '' },
};

/** The identity of the caller in log lines of the backends. */
const caller = {
  applicationId: 'robot-world-page',
  applicationVersion: '0.1.0',
  sessionId: newId(),
};

/** A backend that the page calls over RPC. */
export interface Backend {
  readonly name: string;
  readonly url: string;
  readonly client: RpcClient;
}

/** In the desktop application calls go over the IPC session with the main process, not to an HTTP server. */
const isDesktop = electronBridge() !== undefined;
const overSession: RpcClientTransport = {
  exchange: (request) => rpcOverIpc(IpcApp.frontend).exchange(request),
};

/** Asks the first backend for the options; `undefined` in the desktop application, which runs without them. */
export async function findOptions(): Promise<PageOptions | undefined> {
  if (isDesktop) return undefined;
  return (await (await fetch('backends.json')).json()) as PageOptions;
}

/** The backend that serves this page. */
export const robotWorld: Backend = {
  name: 'robot-world',
  url: location.origin,
  client: createRpcClient({
    ...caller,
    info: { title: 'RobotWorldEngine', version: 'v1.0' },
    interfaces: [RobotWorldReadRpcInterface, ActivityTraceRpcInterface],
    ...(isDesktop && { transport: overSession }),
  }),
};

/** The second backend. */
export function fleetPlannerAt({ fleetPlanner: url, tracing }: PageOptions): Backend {
  const client = createRpcClient({
    ...caller,
    uriPrefix: url,
    // The headers of a trace go to another origin only if it expects them.
    ownHeaders: tracing !== 'off',
    info: { title: 'FleetPlanner', version: 'v1.0' },
    interfaces: [FleetPlannerRpcInterface, ActivityTraceRpcInterface],
  });
  return { name: 'fleet-planner', url, client };
}
