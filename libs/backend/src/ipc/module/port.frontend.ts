import type { INestApplicationContext } from '@nestjs/common';
import { serveMessagePort as servePort } from '@linnet/common';
import type { IpcIdentity, MessagePortLike } from '@linnet/common';
import { unbrokenSessionsOf } from '../gateway/local.sessions.js';

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
  const { server, started } = unbrokenSessionsOf(app);
  servePort(server, port, { ...identity, started });
}
