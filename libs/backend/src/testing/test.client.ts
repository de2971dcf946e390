import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { createRpcClient, HttpTransport } from '@linnet/common';
import type { RpcClientOptions, RpcInterfaceDefinition, RpcProxy } from '@linnet/common';
import { mergeOptions } from '@linnet/common/internal';
import { RpcServer } from '../rpc/rpc.server.js';
import { sendInProcess } from './socketless.send.js';
import { applicationOf } from './test.application.js';
import type { ApplicationSource } from './test.application.js';

/** Options of a client in a test. */
export type TestRpcClientOptions = Omit<
  RpcClientOptions,
  'uriPrefix' | 'interfaces' | 'transport' | 'ownHeaders'
>;

/**
 * Makes a client of an RPC interface of an application that does not listen. Calls go through the application's own
 * HTTP server, so that its middleware, guards and all else run; only the socket is missing.
 *
 * ```ts
 * const robots = await createTestRpcClient(module, RobotWorldReadRpcInterface);
 * expect(await robots.countRobots(token)).toBe(500);
 * ```
 *
 * @param app a `TestingModule` (an Express application is made of it), or an application with all that `main.ts` would
 * give it; it is initialised, if it is not, and yours to close
 * @param options of the client; what is pending or transient is asked again after 10 ms
 */
export async function createTestRpcClient<T extends object>(
  app: INestApplication | ApplicationSource,
  definition: RpcInterfaceDefinition<T>,
  options: TestRpcClientOptions = {},
): Promise<RpcProxy<T>> {
  const application = await applicationOf(app);
  const { path } = application.get(RpcServer, { strict: false });
  const server = application.getHttpServer() as Server;
  const at = { ...options, uriPrefix: `http://localhost${path}`, ownHeaders: true };
  const retry = mergeOptions({ pauseMs: 10 }, options.retry);
  const transport = new HttpTransport(at, sendInProcess(server));
  return createRpcClient(
    mergeOptions<RpcClientOptions>({ pendingIntervalMs: 10 }, options, { retry, transport }),
  ).client(definition);
}
