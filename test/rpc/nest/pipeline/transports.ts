import type { INestApplication, Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IpcModule, memoryIpc, RpcModule } from '@linnet/backend';
import type { RpcInterfaceDefinition } from '@linnet/backend';
import { createRpcClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { ways } from '../../../harness/nest.harness.js';
import type { Way } from '../../../harness/nest.harness.js';

/** Calls by name: `put('a', bytes)`. */
export type Calls = Record<string, (...args: unknown[]) => Promise<any>>;

/** The same methods as an RPC interface and as a channel. */
interface Methods {
  readonly definition: RpcInterfaceDefinition;
  readonly channel: string;
}

/** A transport over which the methods can be called. */
export interface Transport {
  readonly way: Way;
  /** Whether it carries every kind of typed array. HTTP carries only bytes. */
  readonly carriesEveryKind: boolean;
  connect(app: INestApplication, url: string, methods: Methods): { calls: Calls; end?: () => void };
}

const overHttp = (way: Way): Transport => ({
  way,
  carriesEveryKind: false,
  connect: (_app, uriPrefix, { definition }) => ({
    calls: createRpcClient({ uriPrefix }).client(definition) as never,
  }),
});

const overIpc = (open: (app: INestApplication, url: string) => IpcFrontend, isRpc = false): Transport => ({
  way: ways['LinnetExpressAdapter']!,
  carriesEveryKind: true,
  connect: (app, url, { definition, channel }) => {
    const frontend = open(app, url);
    const calls = isRpc
      ? createRpcClient({ transport: rpcOverIpc(frontend) }).client(definition)
      : frontend.makeIpcProxy<any>(channel);
    return { calls: calls as never, end: () => frontend.close() };
  },
});

const socket = (compatible: boolean) => (_app: INestApplication, url: string) =>
  new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`, { compatible }), { reconnect: false });
const memory = (app: INestApplication) => new IpcFrontend(memoryIpc(app), { reconnect: false });

/** Every transport by its name. */
export const transports: Record<string, Transport> = {
  ...Object.fromEntries(Object.entries(ways).map(([name, way]) => [`HTTP by way of ${name}`, overHttp(way)])),
  'IPC on the compatible wire': overIpc(socket(true)),
  'IPC on the durable wire': overIpc(socket(false)),
  'IPC in memory': overIpc(memory),
  'RPC over IPC': overIpc(socket(false), true),
};

/** Starts an application, and connects to it over a transport. */
export async function startOver(
  { way, connect }: Transport,
  { providers, configure, ...methods }: Methods & StartOptions,
): Promise<{ calls: Calls; stop(): Promise<void> }> {
  const root = { module: class {}, imports: [RpcModule.forRoot(), IpcModule.forRoot()], providers };
  // A client that gives up a call may leave a connection without a request, which the server would wait for.
  const app = await NestFactory.create(root, way.adapter(), { logger: false, forceCloseConnections: true });
  way.prepare?.(app);
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  const { calls, end } = connect(app, url, methods);
  const stop = async () => {
    end?.();
    await app.close();
  };
  return { calls, stop };
}

interface StartOptions {
  readonly providers: Provider[];
  /** Runs before the application listens. */
  readonly configure?: (app: INestApplication) => void;
}
