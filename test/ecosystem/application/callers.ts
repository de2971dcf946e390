import type { INestApplication } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createRpcClient, IpcFrontend, rpcOverIpc, webSocketIpc } from '@linnet/frontend';
import type { RpcProxy, WebSocketIpcOptions } from '@linnet/frontend';
import { WebSocket } from 'ws';
import { startApplication } from './app.js';
import { secret } from './login.js';
import { Shop, shopChannel } from './shop.js';
import type { ShopCalls } from './shop.js';
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
    readonly url: string,
  ) {}

  static async start(): Promise<Served> {
    const { app, port } = await startApplication();
    return new Served(app, `http://127.0.0.1:${port}`);
  }

  /** A session whose upgrade has these headers. */
  frontend(headers: Headers = {}): IpcFrontend {
    class WithHeaders extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers });
      }
    }
    const webSocket = WithHeaders as unknown as WebSocketIpcOptions['webSocket'];
    const frontend = new IpcFrontend(webSocketIpc(`${this.url.replace('http', 'ws')}/ipc`, { webSocket }));
    this.#frontends.push(frontend);
    return frontend;
  }

  /** Calls one way, with headers of the request, or of the upgrade of a session of its own. */
  calls(way: Way, headers: Headers = {}): StoreCalls {
    if (way === 'IPC') return this.frontend(headers).makeIpcProxy<StoreCalls>(storeChannel);
    return this.#client(way, headers).client(Store);
  }

  shop(way: Way): ShopCalls {
    return way === 'IPC' ? this.frontend().makeIpcProxy<ShopCalls>(shopChannel) : this.shopClient(way);
  }

  shopClient(way: 'RPC' | 'RPC over IPC'): RpcProxy<Shop> {
    return this.#client(way, {}).client(Shop);
  }

  #client(way: 'RPC' | 'RPC over IPC', headers: Headers) {
    if (way === 'RPC') return createRpcClient({ uriPrefix: this.url, headers });
    return createRpcClient({ transport: rpcOverIpc(this.frontend(headers)) });
  }

  async stop(): Promise<void> {
    for (const frontend of this.#frontends) frontend.close();
    await this.app.close();
  }
}

/** The application that all checks share. */
export const served = await Served.start();
