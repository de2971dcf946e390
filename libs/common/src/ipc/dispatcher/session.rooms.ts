import type { IpcSession } from '../channel/session.js';

/** The rooms of a server, as its sessions use them. */
export interface SessionRooms {
  /** See `IpcSession.join`. */
  join(session: IpcSession, room: string, data: unknown): Promise<void>;
  /** See `IpcSession.leave`. */
  leave(session: IpcSession, room: string): Promise<void>;
  /** The names of the rooms that a session is in. */
  of(session: IpcSession): readonly string[];
}
