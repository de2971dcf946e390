import type { INestApplicationContext } from '@nestjs/common';
import { memoryIpc as connectInMemory } from '@linnet/common';
import type { IpcConnector, MemoryIpcOptions } from '@linnet/common';
import { unbrokenSessionsOf } from '../gateway/local.sessions.js';

/**
 * Connects a frontend to an application, or an application context, of the same thread, without a socket. Whoever has
 * the application is let in.
 *
 * ```ts
 * const frontend = new IpcFrontend(memoryIpc(app));
 * ```
 *
 * @param options who it is, and which wire is spoken
 */
export function memoryIpc(
  app: INestApplicationContext,
  options: Omit<MemoryIpcOptions, 'started'> = {},
): IpcConnector {
  const { server, started } = unbrokenSessionsOf(app);
  return connectInMemory(server, { ...options, started });
}
