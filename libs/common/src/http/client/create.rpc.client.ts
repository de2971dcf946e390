import { RpcClient } from '../../rpc/client/client.js';
import type { RpcClientOptions } from './client.options.js';
import { HttpTransport } from './http.transport.js';

/**
 * Creates a client of a server.
 *
 * ```ts
 * const server = createRpcClient({ uriPrefix: 'http://127.0.0.1:3001' });
 * const robots = server.client(RobotWorldReadRpcInterface);
 * await robots.countRobots(token);
 * ```
 */
export function createRpcClient(options: RpcClientOptions = {}): RpcClient {
  return new RpcClient(options, options.transport ?? new HttpTransport(options));
}
