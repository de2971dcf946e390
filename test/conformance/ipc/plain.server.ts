import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import type { IpcHost, IpcSession } from '@linnet/backend';
import { ClientRequestContext, createIpcServer, createRpcServer } from '@linnet/backend/node';
import { ipcChannel } from '@linnet/common';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { mapNestException } from '../../../libs/backend/src/nest/errors/exception.mapper.js';
import { Guarantees, GuaranteesImpl } from '../tables/guarantees.fixture.js';
import {
  ChannelsHandler,
  EndedHandler,
  GuaranteesHandler,
  MyHandler,
  OtherHandler,
} from './frontend.fixture.js';

const PATH = '/without-nest';
const served = new WeakSet<object>();

/** The session of the call that is being served. */
const current = () => ClientRequestContext.current.owner as IpcSession;

class PlainChannels extends ChannelsHandler {
  override tell(channel: string, value: unknown) {
    return super.tell(channel, value, current());
  }
  override ask(channel: string, value: unknown) {
    return super.ask(channel, value, current());
  }
  override askMethod(channel: string, method: string, value: unknown) {
    return super.askMethod(channel, method, value, current());
  }
}

class PlainMine extends MyHandler {
  constructor(session: IpcSession) {
    super(session);
    void session.closed.then(() => this.onModuleDestroy());
  }
}

/** Serves the channels of the fixture without Nest, beside an application on its HTTP server. */
function serveBeside(app: INestApplication): void {
  if (served.has(app)) return;
  served.add(app);
  const host = {
    addListener: (...args: Parameters<IpcHost['addListener']>) => server.addListener(...args),
    handle: (...args: Parameters<IpcHost['handle']>) => server.handle(...args),
    send: (channel: string, ...args: unknown[]) => server.send(channel, ...args),
  };
  const channels = new PlainChannels(host as unknown as IpcHost);
  const methods = ['which', 'later', 'heard', 'notifyAll', 'tell', 'ask', 'askMethod'] as const;
  const server = createIpcServer({
    path: PATH,
    // The table has errors of Nest as well.
    mapError: mapNestException,
    report: () => undefined,
    rpc: createRpcServer({ interfaces: [[Guarantees, GuaranteesImpl]] }),
    channels: [
      ['guarantees', new GuaranteesHandler()],
      ['other', new OtherHandler()],
      ['ended', new EndedHandler()],
      [ipcChannel<ChannelsHandler>('channels', { methods }), channels],
      [ipcChannel<MyHandler>('mine', { methods: ['count'] }), PlainMine],
    ],
  });
  channels.onModuleInit();
  server.attach(app.getHttpServer() as Server);
}

/** A frontend of IPC on plain Node. */
export function openPlain(app: INestApplication, compatible: boolean): IpcFrontend {
  serveBeside(app);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return new IpcFrontend(webSocketIpc(`ws://127.0.0.1:${port}${PATH}`, { compatible }));
}
