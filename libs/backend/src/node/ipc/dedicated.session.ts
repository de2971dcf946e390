import { isDeepStrictEqual } from 'node:util';
import type { IpcConnection, IpcIdentity, IpcSession } from '@linnet/common';
import { DurableLink, HttpError } from '@linnet/common/internal';
import type { IpcWebSocket, WebSocketTransport } from './websocket.transport.js';

/** A session, and the WebSocket that it has now. */
export interface Connected {
  readonly connection: IpcConnection;
  /** Absent while a session waits for its frontend to come back. */
  transport: WebSocketTransport | undefined;
  webSocket: IpcWebSocket;
  /** Resolves when the session's handlers are there, or could not be made. */
  readonly started: Promise<void>;
}

/** How long the frontend may take to answer whether it is still there. */
const PATIENCE_MS = 2_000;
export const OCCUPIED = 'This backend has a frontend already, and serves no other.';

/** The place of the only frontend of a dedicated backend. */
export class DedicatedPlace {
  /**
   * @param connected all sessions, those included whose frontends are away
   * @param park lets a session wait for its frontend
   */
  constructor(
    private readonly connected: ReadonlyMap<IpcSession, Connected>,
    private readonly park: (open: Connected) => void,
  ) {}

  /** Whether a frontend is there. Asked in the very turn in which another would take its place. */
  get isTaken(): boolean {
    return this.#present() !== undefined;
  }

  /**
   * Makes room for another frontend that asks for an upgrade: ends the session of one that is gone, or is the same. One
   * that may come back is left until it is known who asks: perhaps it has come back.
   *
   * @throws HttpError (rejection) 409 for a backend that has a frontend
   */
  async makeRoom(identity: IpcIdentity): Promise<void> {
    const current = this.#present();
    if (!current) return;
    const { transport, webSocket } = current;
    const { link, session } = current.connection;
    const isReload = isSame(session, identity);
    if (!isReload && (await transport!.isAlive(PATIENCE_MS))) throw occupied();
    // It may have come back meanwhile, and another may have come in its place.
    if (current !== this.#present() || current.webSocket !== webSocket) {
      await this.makeRoom(identity);
      return;
    }
    if (isReload || !(link instanceof DurableLink)) link.close(1001, 'The frontend has connected anew.');
    else this.park(current);
    webSocket.terminate();
  }

  /** Whether the room is still there: another one may have been faster. @throws HttpError 409 */
  check(): void {
    if (this.isTaken) throw occupied();
  }

  #present(): Connected | undefined {
    return [...this.connected.values()].find(({ transport }) => transport);
  }
}

/** Whether a frontend is that of a session, loaded anew. A missing or self-chosen name does not prove it. */
function isSame(session: IpcSession, { frontend, user }: IpcIdentity): boolean {
  const isNamed = typeof frontend === 'string' && frontend !== '';
  return isNamed && session.frontend === frontend && isDeepStrictEqual(session.user, user);
}

function occupied(): HttpError {
  return new HttpError(409, OCCUPIED);
}
