import type { INestApplicationContext } from '@nestjs/common';
import { acceptLocal } from '@linnet/common';
import type {
  IpcChannelHandler,
  IpcPeerEvents,
  IpcServerTransport,
  IpcServerWire,
  LocalSessionProps,
} from '@linnet/common';
import type { IpcChannelWatcher } from '@linnet/common/internal';
import { IpcHost } from '../host/ipc.host.js';
import { provideNativeApp } from '../host/native.app.channel.js';
import { IpcRpcChannel } from './rpc.over.ipc.js';
import { localServerOf } from '../gateway/local.server.js';

/** An application, for a library that adds a wire: see {@link wireHostOf}. */
export interface WireHost {
  /** Serves a connection on the wire of the library. */
  accept(transport: IpcServerTransport, wire: IpcServerWire, props: LocalSessionProps): IpcPeerEvents;
  /** Reports the channels that have a handler, by their names on the wire. @returns a function that ends it */
  watch(watcher: IpcChannelWatcher): () => void;
  /** Whether the calls of a channel, by its name on the wire, are answered with bare values. */
  isRaw(wireName: string): boolean;
  /** Answers the calls of a channel, unless the application does. @returns a function that ends it */
  provide(channel: string, handler: IpcChannelHandler): () => void;
  /** Answers the calls of a starting `NativeApp` of core-frontend, unless the application does. @returns a function that ends it */
  provideNativeApp(): () => void;
}

/**
 * The application as {@link WireHost}, for a library that adds a wire. From then on the application answers RPC
 * requests that are serialized as in core-electron, on `SERIALIZED_RPC_CHANNEL`.
 *
 * @internal
 */
export function wireHostOf(app: INestApplicationContext): WireHost {
  const server = localServerOf(app);
  app.get(IpcRpcChannel, { strict: false }).serveSerialized();
  return {
    accept: (transport, wire, props) => acceptLocal(server, transport, wire, props),
    isRaw: (wireName) => server.channels.isRaw(wireName),
    watch: (watcher) => server.channels.watch(watcher),
    provide: (channel, handler) => {
      if (server.channels.has(`itwin.${channel}`)) return () => undefined;
      return server.channels.register(channel, handler);
    },
    provideNativeApp: () => provideNativeApp(app.get(IpcHost, { strict: false })),
  };
}
