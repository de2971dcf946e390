import type { CallReport } from '../../call/call.report.js';
import type { IpcSession } from '../channel/session.js';
import type { IpcBackplane } from '../node/backplane.js';

/** Decides about rooms. */
export interface RoomPolicy {
  /**
   * Decides whether a session may join a room. It runs at every `session.join`, whichever code calls it. Default: every session may
   * that the application adds.
   *
   * @returns `true` lets it join; everything else makes `join` reject
   */
  readonly authorize?: (session: IpcSession, room: string) => boolean | Promise<boolean>;
}

/** How a server has rooms. */
export interface IpcRoomsOptions {
  /** Decides who may join. */
  readonly rooms?: RoomPolicy | undefined;
  /** Connects the server to the other nodes of the application. Default: the sessions of this server are all there are. */
  readonly backplane?: IpcBackplane | undefined;
  /**
   * Whether the backplane holds a copy of each session, so that another node goes on with it when its node dies. Default `false`:
   * sessions die with their node.
   */
  readonly replicate?: boolean | undefined;
  /**
   * Names a user. It has to be equal for all sessions of one user. `undefined`: nothing tells the user from others, so that nothing
   * can be sent to it, and its sessions stay on their node.
   */
  readonly userKey: (user: unknown) => string | undefined;
  /** How long a frontend may take to answer a call from this backend, in milliseconds; 0: for ever. */
  readonly invokeTimeoutMs: number;
  /** Receives warnings about the backplane, and errors of listeners. */
  readonly report?: ((report: CallReport) => void) | undefined;
}
