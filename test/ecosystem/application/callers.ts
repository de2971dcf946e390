import type { INestApplication } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createRpcClient, IpcFrontend, rpcOverIpc, webSocketIpc } from '@linnet/frontend';
import type { WebSocketIpcOptions } from '@linnet/frontend';
import { WebSocket } from 'ws';
import { startApplication } from './app.js';
import { secret } from './login.js';
import { Store, storeChannel } from './store.definition.js';
import type { StoreCalls } from './store.definition.js';

type Headers = Record<string, string>;

export const token = new JwtService({ secret }).sign({ sub: 'anna' });
export const ways = ['RPC', 'RPC over IPC', 'IPC'] as const;
export type Way = (typeof ways)[number];

/** The application, and callers of it, one for each set of headers. */
class Served {
  readonly #frontends: IpcFrontend[] = [];

  private constructor(
    readonly app: INestApplication,
    private readonly port: number,
  ) {}

  static async start(): Promise<Served> {
    const { app, port } = await startApplication();
    return new Served(app, port);
  }

  /** A session whose upgrade has these headers. */
  frontend(headers: Headers = {}): IpcFrontend {
    class WithHeaders extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers });
      }
    }
    const webSocket = WithHeaders as unknown as WebSocketIpcOptions['webSocket'];
    const frontend = new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${this.port}/ipc`, { webSocket }));
    this.#frontends.push(frontend);
    return frontend;
  }

  /** Calls one way, with headers of the request, or of the upgrade of a session of its own. */
  calls(way: Way, headers: Headers = {}): StoreCalls {
    if (way === 'RPC')
      return createRpcClient({ uriPrefix: `http://127.0.0.1:${this.port}`, headers }).client(Store);
    const frontend = this.frontend(headers);
    if (way === 'IPC') return frontend.makeIpcProxy<StoreCalls>(storeChannel);
    return createRpcClient({ transport: rpcOverIpc(frontend) }).client(Store);
  }

  async stop(): Promise<void> {
    for (const frontend of this.#frontends) frontend.close();
    await this.app.close();
  }
}

/** The application that all checks share. */
export const served = await Served.start();
