import type { INestApplicationContext } from '@nestjs/common';
import type { IpcServer, UnbrokenSessionProps } from '@linnet/common';
import { beforeClose } from '../../nest/internals/nest.internals.js';
import { SHUTDOWN_MS } from '../../http/http.mount.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IpcSessions } from './ipc.sessions.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';

/**
 * What serves connections that are handed to an application, and do not break: their sessions begin with all that is
 * Nest's, and end before anything of the application does.
 */
export function unbrokenSessionsOf(
  app: INestApplicationContext,
): Required<Pick<UnbrokenSessionProps, 'started'>> & { readonly server: IpcServer } {
  const host = app.get(IpcHost, { strict: false });
  const sessions = app.get(IpcSessions, { strict: false });
  const { shutdownTimeoutMs = SHUTDOWN_MS } = app.get<IpcModuleOptions>(IPC_OPTIONS, { strict: false });
  // With an HTTP side it is done before that is closed; done twice it is done once.
  beforeClose(app, async () => {
    host.lifetime.close();
    await sessions.close(shutdownTimeoutMs);
    await sessions.ended();
  });
  return { server: host.server, started: (connection) => sessions.begin(connection) };
}
