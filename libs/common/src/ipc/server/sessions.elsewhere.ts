import type { IpcFrame } from '../message/message.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { ClientHello } from '../wire/durable/handshake.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { NetworkPeer } from './peer.js';

/** A connection whose session is not on this server. */
export interface StrayConnection {
  readonly hello: ClientHello;
  /** The frame of the client hello. */
  readonly frame: IpcFrame;
  readonly transport: IpcServerTransport;
  readonly peer: NetworkPeer;
}

/** Where the session of a stray connection is. */
export type FoundSession =
  /** On another node, to which the frames go from now on. */
  | { readonly kind: 'relayed'; readonly events: IpcPeerEvents }
  /** On this server by now. */
  | { readonly kind: 'here' };

/** Finds sessions that this server does not have. */
export interface SessionsElsewhere {
  /**
   * Finds the session of a connection. Nothing is read meanwhile.
   *
   * @throws IpcProtocolError (rejection) 4000 if the frontend is to connect again, 4001 if the session does not exist
   */
  find(connection: StrayConnection): Promise<FoundSession>;
}
