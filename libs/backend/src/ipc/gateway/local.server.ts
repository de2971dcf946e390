import type { INestApplicationContext } from '@nestjs/common';
import type { IpcServer } from '@linnet/common';
import { beforeClose } from '../../nest/internals/nest.patches.js';
import { SHUTDOWN_MS } from '../../http/http.mount.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';

/**
 * The server of an application, for connections that are handed to it. Their sessions end before anything of the
 * application does.
 */
export function localServerOf(app: INestApplicationContext): IpcServer {
  const { server, lifetime } = app.get(IpcHost, { strict: false });
  const { shutdownTimeoutMs = SHUTDOWN_MS } = app.get<IpcModuleOptions>(IPC_OPTIONS, { strict: false });
  // An application with an HTTP server has closed the sessions before, and repeated calls do nothing.
  beforeClose(app, async () => {
    lifetime.close();
    await server.close(shutdownTimeoutMs);
    await server.ended();
  });
  return server;
}
