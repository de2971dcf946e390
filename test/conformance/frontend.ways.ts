import { IpcHost } from '@linnet/backend';
import { createTestIpcSession } from '@linnet/backend/testing';
import { memoryIpc } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { Desktop } from '../electron/desktop.harness.js';
import { adapterNames } from './server.js';
import type { TestServer } from './server.js';

type Wire = 'compatible' | 'durable';

/** What a frontend of ours is connected by. */
interface FrontendConnection {
  readonly name: string;
  /** What the application listens on: each, where that is part of the way. */
  readonly adapters: readonly string[];
  /** Default: both. */
  readonly wires?: readonly Wire[];
  open(server: TestServer, compatible: boolean): IpcFrontend | Promise<IpcFrontend>;
}

const any = ['LinnetExpressAdapter'];
const connections: readonly FrontendConnection[] = [
  {
    name: 'WebSocket',
    adapters: adapterNames,
    open: ({ port }, compatible) =>
      new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`, { compatible })),
  },
  {
    name: 'no port',
    adapters: any,
    open: ({ app }, compatible) => createTestIpcSession(app, { compatible }),
  },
  {
    name: 'memory',
    adapters: any,
    open: ({ app }, compatible) => new IpcFrontend(memoryIpc(app.get(IpcHost).server, { compatible })),
  },
  {
    name: 'a window of Electron',
    adapters: any,
    wires: ['durable'],
    open: async ({ app }) => (await (await Desktop.start({}, app)).connect()).frontend,
  },
];

/** Every way in which a frontend of ours reaches a backend: what is promised of IPC is asked over each. */
export const frontendWays = connections.flatMap(
  ({ name, adapters, wires = ['compatible', 'durable'], open }) =>
    adapters.flatMap((adapter) =>
      wires.map((wire) => ({
        name: `${name} (${wire} wire, ${adapter})`,
        adapter,
        open: (server: TestServer) => open(server, wire === 'compatible'),
      })),
    ),
);
