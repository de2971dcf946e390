import { createServer } from 'node:http';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RpcInterface as decorate } from '@linnet/backend';
import type { WebRpcConfiguration } from '@linnet/backend/node';
import { listen } from '../rpc/plain/plain.servers.js';
import { IModelDb } from './samples/robot-world.engine.js';
import { RobotWorldReadRpcImpl, RobotWorldWriteRpcImpl } from './samples/robot-world.impl.js';
import { RobotWorldReadRpcInterface, RobotWorldWriteRpcInterface } from './samples/robot-world.interface.js';

/** Names the model of the samples, and routes their calls. */
export const token = { key: 'hall', iTwinId: 'site', iModelId: 'hall-1', changeset: { id: 'c1' } };
IModelDb.open('hall', { '0x1': ['0x10', '0x11'], '0x2': [] });

/** The implementation of the documents as a Nest provider. */
@decorate(RobotWorldReadRpcInterface)
export class RobotWorldReadProvider extends RobotWorldReadRpcImpl {}

@decorate(RobotWorldWriteRpcInterface)
export class RobotWorldWriteProvider extends RobotWorldWriteRpcImpl {}

interface Running {
  readonly url: string;
  stop(): Promise<void>;
}
const running: Running[] = [];

/** Serves a configuration on a free port. @returns the address */
export async function servePlain({ server }: WebRpcConfiguration): Promise<string> {
  const listening = await listen(createServer(server.handler));
  running.push(listening);
  return listening.url;
}

/** Starts an application on a free port. */
export async function serveNest(
  metadata: ModuleMetadata,
  configure: (app: INestApplication) => unknown = () => undefined,
): Promise<{ app: INestApplication; url: string }> {
  const module = { module: class SeedsModule {}, ...metadata };
  const app = await NestFactory.create(module, { logger: false, forceCloseConnections: true });
  await configure(app);
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  running.push({ url, stop: () => app.close() });
  return { app, url };
}

/** For `afterEach` and `afterAll`. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((each) => each.stop()));
}
