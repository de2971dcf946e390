import { isDeepStrictEqual } from 'node:util';
import type { IpcIdentity, IpcServer, IpcServerTransport, IpcSession } from '@linnet/common';
import { HttpError, OCCUPIED } from '@linnet/common/internal';

/** How long the frontend may take to answer whether it is still there, in milliseconds. */
const ALIVE_TIMEOUT_MS = 2_000;

/** The place of the only frontend of a dedicated backend. */
export class DedicatedSlot {
  /** @param isAlive requests a sign of life from the peer of a connection */
  constructor(
    private readonly server: IpcServer,
    private readonly isAlive: (transport: IpcServerTransport, timeoutMs: number) => Promise<boolean>,
  ) {}

  /**
   * Makes space for a frontend that requests an upgrade: ends the session of a frontend that is gone, or that is the same
   * one after a reload. A session that can resume waits: its frontend may be the one that comes.
   *
   * @throws HttpError 409 if another frontend is connected (rejection)
   */
  async makeSpace(identity: IpcIdentity): Promise<void> {
    const current = this.server.present;
    if (current?.state.kind !== 'connected') return;
    const { transport } = current.state;
    const isReload = isSame(current.session, identity);
    if (!isReload && (await this.isAlive(transport, ALIVE_TIMEOUT_MS))) throw occupied();
    // The frontend may have come back meanwhile, or another one may have come.
    if (current !== this.server.present || !current.isOn(transport)) {
      await this.makeSpace(identity);
      return;
    }
    if (isReload || current.kind === 'connection')
      current.link.close(1001, 'The frontend has connected again.');
    else current.park();
    transport.terminate();
  }

  /** Checks that the place is still free: another frontend may have been faster. @throws HttpError 409 */
  check(): void {
    if (this.server.present) throw occupied();
  }
}

/** Whether a frontend is that of a session after a reload. A missing name, or one that it chose itself, proves nothing. */
function isSame(session: IpcSession, { frontend, user }: IpcIdentity): boolean {
  const isNamed = typeof frontend === 'string' && frontend !== '';
  return isNamed && session.frontend === frontend && isDeepStrictEqual(session.user, user);
}

function occupied(): HttpError {
  return new HttpError(409, OCCUPIED);
}
