import type { INestApplicationContext } from '@nestjs/common';
import { memoryIpc as connectInMemory } from '@linnet/common';
import type { IpcConnector, MemoryIpcOptions } from '@linnet/common';
import { localServerOf } from '../gateway/local.server.js';

/**
 * Connects a frontend to an application, or an application context, of the same thread, without a socket and without
 * authorization.
 *
 * ```ts
 * const frontend = new IpcFrontend(memoryIpc(app));
 * ```
 *
 * @param options the user, and the wire
 */
export function memoryIpc(app: INestApplicationContext, options: MemoryIpcOptions = {}): IpcConnector {
  return connectInMemory(localServerOf(app), options);
}
