import type { IpcServerTransport } from '../message/transport.js';
import type { IpcPeerEvents } from '../wire/connector.js';
import type { IpcServerWire } from '../wire/wire.js';
import type { IpcServer } from './server.js';
import type { IpcPeer } from '../dispatcher/server.session.js';

/** The user of a session that is handed to a server: within one process, or over a message port. */
export type LocalSessionProps = IpcPeer;

/**
 * Serves a connection within one computer. It cannot break, and its session ends with it.
 *
 * @returns receives the frames of the connection, and its end
 */
export function acceptLocal(
  server: IpcServer,
  transport: IpcServerTransport,
  wire: IpcServerWire,
  props: LocalSessionProps,
): IpcPeerEvents {
  return server.accept(transport, wire, { ...props, reach: 'local', isNative: true });
}
