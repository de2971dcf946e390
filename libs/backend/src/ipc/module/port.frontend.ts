import type { INestApplicationContext } from '@nestjs/common';
import { serveMessagePort as servePort } from '@linnet/common';
import type { IpcIdentity, MessagePortLike } from '@linnet/common';
import { localServerOf } from '../gateway/local.server.js';

/**
 * Serves the channels and the RPC interfaces of an application, or an application context, to the frontend behind a
 * message port. The owner of the port needs no authorization.
 *
 * ```ts
 * serveMessagePort(await NestFactory.createApplicationContext(RobotModule), parentPort);
 * ```
 *
 * @param identity the user, visible as `user` and `accessToken` of the session
 */
export function serveMessagePort(
  app: INestApplicationContext,
  port: MessagePortLike,
  identity: IpcIdentity = {},
): void {
  servePort(localServerOf(app), port, identity);
}
