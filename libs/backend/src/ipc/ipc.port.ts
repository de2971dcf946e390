import type { INestApplicationContext } from '@nestjs/common';
import { serveMessagePort as servePort } from '@linnet/common';
import type { IpcIdentity, MessagePortLike } from '@linnet/common';
import { beforeClose } from '../nest/nest.internals.js';
import { SHUTDOWN_MS } from '../http/http.attach.js';
import { IpcHost } from './ipc.host.js';
import type { IpcModuleOptions } from './ipc.options.js';
import { IpcSessions } from './ipc.sessions.js';
import { IPC_OPTIONS } from './ipc.tokens.js';

/**
 * Has an application, or an application context, answer the frontend behind a message port: its channels, and its RPC
 * interfaces over IPC. Whoever has the port is let in.
 *
 * ```ts
 * serveMessagePort(await NestFactory.createApplicationContext(RobotModule), parentPort);
 * ```
 *
 * @param identity who it is, visible as `user` and `accessToken` of the session
 */
export function serveMessagePort(
  app: INestApplicationContext,
  port: MessagePortLike,
  identity: IpcIdentity = {},
): void {
  const host = app.get(IpcHost, { strict: false });
  const sessions = app.get(IpcSessions, { strict: false });
  const { shutdownTimeoutMs = SHUTDOWN_MS } = app.get<IpcModuleOptions>(IPC_OPTIONS, { strict: false });
  // With an HTTP side it is done before that is closed; done twice it is done once.
  beforeClose(app, async () => {
    host.lifetime.close();
    await sessions.close(shutdownTimeoutMs);
    await sessions.ended();
  });
  servePort(host.server, port, { ...identity, started: (connection) => sessions.begin(connection) });
}
