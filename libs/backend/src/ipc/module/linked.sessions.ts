import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import type { IpcChannelHandler, IpcClosure, IpcConnection, IpcIdentity, IpcLimits } from '@linnet/common';
import type { IpcChannelWatcher, IpcMessage, IpcServerLink } from '@linnet/common/internal';
import { IpcHost } from '../host/ipc.host.js';
import { provideNativeApp } from '../host/native.answers.js';
import { IpcRpcChannel } from './rpc.over.ipc.js';
import { unbrokenSessionsOf } from '../gateway/local.sessions.js';

/** Makes the link of a session, of what takes the frontend's messages and what is told of the end. */
export type IpcLinkMaker<Link extends IpcServerLink> = (
  receive: (message: IpcMessage) => void,
  ended: (closure: IpcClosure) => void,
) => Link;

/** A session that has begun, or the reason why none has. */
export type LinkedSession<Link extends IpcServerLink> =
  | { readonly refusal: IpcClosure }
  | {
      readonly refusal: undefined;
      readonly connection: IpcConnection & { readonly link: Link };
      /** Resolves when the handlers of the session are there: nothing is to be received before. */
      readonly started: Promise<void>;
    };

/** An application as a library sees it that brings a wire of its own: see {@link linkedSessions}. */
export interface LinkedSessions {
  /** How much a frontend may send and let wait. */
  readonly limits: IpcLimits;
  /** Begins a session. */
  open<Link extends IpcServerLink>(linkOf: IpcLinkMaker<Link>, identity?: IpcIdentity): LinkedSession<Link>;
  /** Tells which channels have a handler, by their names on the wire. @returns ends it */
  watch(watcher: IpcChannelWatcher): () => void;
  /** Whether the calls of a channel are answered with bare values, by its name on the wire. */
  isRaw(wireName: string): boolean;
  /** Answers the calls of a channel, unless the application does. @returns ends it */
  provide(channel: string, handler: IpcChannelHandler): () => void;
  /** Answers what `NativeApp` of core-frontend asks while it starts, unless the application does. @returns ends it */
  provideNativeApp(): () => void;
}

/**
 * The application as {@link LinkedSessions}, for a library that brings a wire of its own. Requests of RPC that
 * are serialized as core-electron does it are answered on `SERIALIZED_RPC_CHANNEL` from then on.
 *
 * @internal
 */
export function linkedSessions(app: INestApplicationContext): LinkedSessions {
  const { server, started } = unbrokenSessionsOf(app);
  app.get(IpcRpcChannel, { strict: false }).serveSerialized();
  return {
    limits: server.limits,
    open(linkOf, identity = {}) {
      const { refusal } = server;
      if (refusal) return { refusal };
      const connection = server.openLink(linkOf, { ...identity, id: randomUUID() });
      return { refusal: undefined, connection, started: started(connection) };
    },
    isRaw: (wireName) => server.channels.isRaw(wireName),
    watch: (watcher) => server.channels.watch(watcher),
    provide: (channel, handler) => {
      if (server.channels.has(`itwin.${channel}`)) return () => undefined;
      return server.channels.register(channel, handler);
    },
    provideNativeApp: () => provideNativeApp(app.get(IpcHost, { strict: false })),
  };
}
