import type { IpcPeer } from '../dispatcher/server.session.js';

/** The frontend of a connection that cannot break: within one process, or over a message port. */
export interface LocalPeer extends IpcPeer {
  /** Distinguishes the two kinds of connections. */
  readonly reach: 'local';
  /** Both ends are on one computer. */
  readonly isNative: true;
}

/** The frontend of a connection that can break: its session waits for another connection. */
export interface NetworkPeer extends IpcPeer {
  /** Distinguishes the two kinds of connections. */
  readonly reach: 'network';
  /** Whether both ends are known to be on one computer. */
  readonly isNative: boolean;
  /**
   * Whether a user is that of this connection. Present if the connection is that of another node, which names its user and has
   * no more of it. Such a connection resumes a session, and begins none.
   */
  readonly isUser?: (user: unknown) => boolean;
}
