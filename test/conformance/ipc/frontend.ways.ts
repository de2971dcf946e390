import { MessageChannel } from 'node:worker_threads';
import { memoryIpc, serveMessagePort } from '@linnet/backend';
import { createTestIpcSession } from '@linnet/backend/testing';
import { messagePortIpc } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { Desktop } from '../../ipc/electron/desktop.harness.js';
import { openPlain } from './plain.server.js';
import { adapterNames, NO_HTTP } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';

const wires = { compatible: true, durable: false };

/** A connection of our frontend. */
interface FrontendConnection {
  readonly name: string;
  /** The adapters of the application that this connection depends on. */
  readonly adapters: readonly string[];
  /** The wires that it carries. */
  readonly wires: Partial<typeof wires>;
  open(server: TestServer, compatible: boolean): IpcFrontend | Promise<IpcFrontend>;
  /** Whether a codec of its own writes the values, so that the first adapter runs every row (see `tables/columns.ts`). */
  readonly isWhole?: boolean;
}

const any = ['LinnetExpressAdapter'];
const connections: readonly FrontendConnection[] = [
  {
    name: 'WebSocket',
    adapters: adapterNames,
    wires,
    isWhole: true,
    open: ({ port }, compatible) =>
      new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}/ipc`, { compatible })),
  },
  {
    name: 'no port',
    adapters: any,
    wires,
    open: ({ app }, compatible) => createTestIpcSession(app, { compatible }),
  },
  {
    name: 'memory',
    adapters: [...any, NO_HTTP],
    wires,
    open: ({ app }, compatible) => new IpcFrontend(memoryIpc(app, { compatible })),
  },
  {
    name: 'a message port',
    adapters: [...any, NO_HTTP],
    wires: { durable: false },
    isWhole: true,
    open({ app }) {
      const { port1, port2 } = new MessageChannel();
      serveMessagePort(app, port2);
      return new IpcFrontend(messagePortIpc(port1));
    },
  },
  {
    name: 'a server without Nest',
    adapters: any,
    wires,
    open: ({ app }, compatible) => openPlain(app, compatible),
  },
  {
    name: 'a window of Electron',
    adapters: [...any, NO_HTTP],
    wires: { durable: false },
    open: async ({ app }) => (await (await Desktop.start({}, app)).connect()).frontend,
  },
];

/** Every way in which a frontend of ours reaches a backend: what is promised of IPC is asked over each. */
export const frontendWays = connections.flatMap(({ name, adapters, wires: spoken, isWhole = false, open }) =>
  adapters.flatMap((adapter, i) =>
    Object.entries(spoken).map(([wire, compatible]) => ({
      name: `${name} (${wire} wire, ${adapter})`,
      adapter,
      isWhole: isWhole && i === 0,
      open: (server: TestServer) => open(server, compatible),
    })),
  ),
);
