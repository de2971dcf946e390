import { createServer } from 'node:http';
import { afterAll } from '@jest/globals';
import express from 'express';
import { createFetchServer, createRpcClient, inMemoryHttp } from '@linnet/common';
import type { RpcClientOptions, RpcProxy } from '@linnet/common';
import { ClientRequestContext } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { natsServer, natsTransport } from '@linnet/nats';
import { hasNats, startNats } from '../../harness/nats.server.js';
import type { NatsServer } from '../../harness/nats.server.js';
import { startApp, ways } from '../../harness/nest.harness.js';
import { streamingBridge } from '../../rpc/plain/fetch.bridge.js';
import { listen } from '../../rpc/plain/plain.servers.js';
import { bindItems } from '../../../libs/backend/src/call/stream.context.js';
import { Flow, FlowImpl } from './flow.js';

/** A server of {@link Flow}. */
export interface FlowServer {
  /** Its address; `undefined` without HTTP. */
  readonly url: string | undefined;
  client(options?: RpcClientOptions): RpcProxy<Flow>;
  stop(): Promise<void>;
}

type Start = () => Promise<FlowServer>;

function overHttp(url: string, stop: () => Promise<void>): FlowServer {
  return {
    url,
    client: (options) => createRpcClient({ uriPrefix: url, ...options }).client<Flow>(Flow),
    stop,
  };
}

const overNest = Object.entries(ways).map(([name, way]): [string, Start] => [
  `Nest: ${name}`,
  async () => {
    const { port, close } = await startApp({
      way,
      providers: [FlowImpl],
      appOptions: { forceCloseConnections: true },
    });
    return overHttp(`http://127.0.0.1:${port}`, close);
  },
]);

const plainServer = () => createRpcServer({ interfaces: [[Flow, FlowImpl]], report: () => undefined });

/** Every server of HTTP. */
export const httpServers: Readonly<Record<string, Start>> = {
  ...Object.fromEntries(overNest),
  'node:http': async () => {
    const { url, stop } = await listen(createServer(plainServer().handler));
    return overHttp(url, stop);
  },
  'plain Express': async () => {
    const { url, stop } = await listen(createServer(express().use(plainServer().handler)));
    return overHttp(url, stop);
  },
  fetch: async () => {
    const { fetch } = plainServer();
    const { url, stop } = await listen(createServer(streamingBridge(fetch)));
    return overHttp(url, stop);
  },
};

/** One for all tests of a file. */
let nats: Promise<NatsServer> | undefined;
afterAll(async () => (await nats)?.stop());

async function overNats(): Promise<FlowServer> {
  nats ??= startNats();
  const { servers: address } = await nats;
  const where = { servers: address, service: 'flow' };
  const server = plainServer();
  await server.listen(natsServer(where));
  const transport = natsTransport(where);
  const stop = async () => {
    await transport.close();
    await server.close(0);
  };
  return {
    url: undefined,
    client: (options) => createRpcClient({ transport, ...options }).client<Flow>(Flow),
    stop,
  };
}

/** Every server, also those without HTTP. */
export const servers: Readonly<Record<string, Start>> = {
  ...httpServers,
  ...(hasNats && { NATS: overNats }),
  memory: async () => {
    const { service } = createFetchServer({
      interfaces: [[Flow, FlowImpl]],
      report: () => undefined,
      run: (activity, work) => ClientRequestContext.run(activity, work),
      around: (call, next) => ClientRequestContext.run(call.activity, next),
      bindItems,
    });
    const send = inMemoryHttp(service.handler);
    return {
      url: undefined,
      client: (options) => createRpcClient({ send, ...options }).client<Flow>(Flow),
      stop: async () => undefined,
    };
  },
};
