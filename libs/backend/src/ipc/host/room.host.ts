import type {
  IpcRemoteSession,
  IpcRooms,
  IpcRoomTarget,
  IpcServer,
  IpcSessionChange,
  RemoteCallOptions,
  RoomChange,
  RoomMember,
} from '@linnet/common';
import { currentHost } from './host.registry.js';

/** The rooms, users and sessions of an application, on all of its nodes. */
export abstract class RoomHost {
  /** @internal */
  abstract readonly rooms: IpcRooms;
  /** @internal */
  abstract readonly server: IpcServer;

  /**
   * Calls a listener whenever a session of this node begins, is interrupted, resumes, moves to another node or ends. The log has what
   * the listener throws.
   *
   * @returns a function that removes the listener
   */
  onSession(listener: (change: IpcSessionChange) => unknown): () => void {
    return this.server.onSession(listener);
  }

  /**
   * The members of rooms: `host.to('floor-2').except(session).notifications(robotChannel).moved(id, position)`. A session that is
   * in several of the rooms gets a message once.
   *
   * @throws NumberedError if no room can have the name
   */
  to(...rooms: readonly string[]): IpcRoomTarget {
    return this.rooms.to(...rooms);
  }

  /** All sessions of a user, as `session.user` has it; users are compared by `userKey`. @throws NumberedError without a user */
  toUser(user: unknown): IpcRoomTarget {
    return this.rooms.toUser(user);
  }

  /** A session by its id, on whichever node it is. Every call looks it up. */
  session(id: string, options?: RemoteCallOptions): IpcRemoteSession {
    return this.rooms.session(id, options);
  }

  /** The members of a room, on all nodes. Rejects with a `BackplaneError` if the other nodes cannot be reached */
  presence(room: string): Promise<RoomMember[]> {
    return this.rooms.presence(room);
  }

  /**
   * Calls a listener for each session that joins or leaves a room from now on, on any node.
   *
   * @returns a function that removes the listener
   */
  watchRoom(room: string, listener: (change: RoomChange) => void): () => void {
    return this.rooms.watch(room, listener);
  }

  /** Calls a listener for the changes of sessions of the only host. @returns a function that removes it @throws Error if no host is meant */
  static onSession(listener: (change: IpcSessionChange) => unknown): () => void {
    return only().onSession(listener);
  }

  /** The members of rooms of the only host; see {@link RoomHost.to}. @throws Error if no host is meant */
  static to(...rooms: readonly string[]): IpcRoomTarget {
    return only().to(...rooms);
  }

  /** All sessions of a user of the only host. @throws Error if no host is meant */
  static toUser(user: unknown): IpcRoomTarget {
    return only().toUser(user);
  }

  /** A session of the only host by its id, on whichever node it is. @throws Error if no host is meant */
  static session(id: string, options?: RemoteCallOptions): IpcRemoteSession {
    return only().session(id, options);
  }

  /** The members of a room of the only host. Rejects where no host is meant */
  static async presence(room: string): Promise<RoomMember[]> {
    return only().presence(room);
  }

  /** Calls a listener for each session that joins or leaves a room. @returns a function that removes it @throws Error if no host is meant */
  static watchRoom(room: string, listener: (change: RoomChange) => void): () => void {
    return only().watchRoom(room, listener);
  }
}

function only(): RoomHost {
  return currentHost() as unknown as RoomHost;
}
