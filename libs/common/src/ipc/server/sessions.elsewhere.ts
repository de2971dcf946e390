import type { IpcFrame } from '../message/message.js';
import type { IpcServerTransport } from '../message/transport.js';
import type { ClientHello } from '../wire/durable/handshake.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { LinkState } from '../wire/durable/link.gate.js';
import type { NetworkPeer } from './peer.js';
import type { DurableRecord } from './session.record.js';

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
  | { readonly kind: 'here'; readonly record?: DurableRecord };

/** A session of another node that goes on here. */
export interface AdoptedSession extends LinkState {
  readonly id: string;
  /** How often the session has moved. */
  readonly epoch: number;
  /** The secrets that its frontend may have. */
  readonly secrets: readonly string[];
  /** The number of the last connection of its frontend. */
  readonly attempt: number;
}

/** Finds sessions that this server does not have. */
export interface SessionsElsewhere {
  /**
   * Finds the session of a connection. Nothing is read meanwhile.
   *
   * @throws IpcProtocolError (rejection) 4000 if the frontend is to connect again, 4001 if the session does not exist
   */
  find(connection: StrayConnection): Promise<FoundSession>;
  /**
   * The server is about to end: gives sessions to other nodes.
   *
   * @param timeoutMs how long it may take
   * @returns the sessions that do not end here; `undefined` without another node
   */
  leave(records: readonly DurableRecord[], timeoutMs: number): Promise<Leaving | undefined>;
}

/** Sessions that are given to other nodes. */
interface Leaving {
  /** Resolves when all of them were taken, or had their time. Never rejects. */
  readonly done: Promise<void>;
}
