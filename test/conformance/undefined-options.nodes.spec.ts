import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HealthModule, RpcInterface } from '@linnet/backend';
import type { HealthOptions } from '@linnet/backend';
import { createIpcServer } from '@linnet/backend/node';
import type { PlainIpcServerOptions } from '@linnet/backend/node';
import { IpcFrontend, createRpcClient, defaultIpcLimits } from '@linnet/common';
import type { RemoteCallOptions, RpcProxy } from '@linnet/common';
import { asyncApiOf, openApiOf } from '@linnet/common/contract';
import type { Contract } from '@linnet/common/contract';
import { webSocketIpc } from '@linnet/frontend';
import type { WebSocketIpcOptions } from '@linnet/frontend';
import { InspectorModule } from '@linnet/inspector';
import type { InspectorOptions } from '@linnet/inspector';
import { natsBackplane, natsServer, natsTransport } from '@linnet/nats';
import type { NatsBackplaneOptions, NatsConnectionOptions, NatsServerOptions } from '@linnet/nats';
import { redisBackplane } from '@linnet/redis';
import type { RedisBackplaneOptions } from '@linnet/redis';
import { inspectorChannel } from '../../libs/inspector/src/channel/inspector.ipc.js';
import type { InspectorIpc } from '../../libs/inspector/src/channel/inspector.ipc.js';
import { closeIpcApps, openFrontend, startIpcApp } from '../harness/ipc.harness.js';
import { hasNats, startNats } from '../harness/nats.server.js';
import { hasRedis, startRedis } from '../harness/redis.server.js';
import { definitionOf } from '../harness/nest.harness.js';
import { WebSocket } from 'ws';

// As in undefined-options.spec.ts, for what is served beside calls, and for applications of several nodes.

/** Options as an application has them whose configuration names none. The compiler asks for every member. */
function nothing<T>(members: { [K in keyof T]-?: 0 }): Partial<T> {
  return Object.fromEntries(Object.keys(members).map((name) => [name, undefined])) as Partial<T>;
}

const definition = definitionOf('Clock', 'count');
@RpcInterface(definition)
class ClockImpl {
  async count() {
    return 7;
  }
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  await closeIpcApps();
});

async function openIpc(options: PlainIpcServerOptions) {
  const ipc = createIpcServer(options);
  const server = createServer().listen(0, '127.0.0.1');
  ipc.attach(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ipc`;
  const webSocket = class extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols, { headers: { Authorization: 'Bearer upgrade' } });
    }
  } as never as NonNullable<WebSocketIpcOptions['webSocket']>;
  const frontend = new IpcFrontend(webSocketIpc(url, { webSocket }), { reconnect: false });
  ends.push(
    () => server.close(),
    () => ipc.close(0),
    () => frontend.close(),
  );
  await frontend.ready;
  return { ipc, frontend, session: ipc.sessions[0]! };
}

const noServer = nothing<PlainIpcServerOptions>({
  origins: 0,
  hosts: 0,
  developmentMode: 0,
  exposeErrors: 0,
  exposeError: 0,
  mapError: 0,
  path: 0,
  channels: 0,
  rpc: 0,
  authorize: 0,
  userKey: 0,
  rooms: 0,
  backplane: 0,
  replicate: 0,
  native: 0,
  dedicated: 0,
  invokeTimeoutMs: 0,
  heartbeatMs: 0,
  resumeGraceMs: 0,
  shutdownTimeoutMs: 0,
  limits: 0,
  report: 0,
  isObserved: 0,
});

describe('options that are undefined', () => {
  it('leave the defaults of createIpcServer', async () => {
    const shown = async (options: PlainIpcServerOptions) => {
      const { frontend, session } = await openIpc(options);
      return [frontend.isNative, frontend.state, session.user, session.accessToken];
    };
    const expected = await shown({});
    expect(await shown(noServer)).toEqual(expected);
    const limits = Object.fromEntries(Object.keys(defaultIpcLimits).map((name) => [name, undefined]));
    expect(await shown({ limits })).toEqual(expected);
  });

  it('leave the credentials of the request to an identity without any', async () => {
    const identity = nothing<{ user: unknown; accessToken: string; frontend: string }>({
      user: 0,
      accessToken: 0,
      frontend: 0,
    });
    const { session } = await openIpc({ authorize: () => identity });
    expect(session.accessToken).toBe('Bearer upgrade');
  });

  it('leave invokeTimeoutMs to calls of a session by its id', async () => {
    const { ipc, frontend, session } = await openIpc({ invokeTimeoutMs: 20 });
    frontend.handle('slow', () => new Promise(() => undefined));
    const none = nothing<RemoteCallOptions>({ timeoutMs: 0, signal: 0 });
    for (const options of [{}, none])
      await expect(ipc.session(session.id, options).invoke('slow')).rejects.toThrow('20 ms');
  });

  it('leave title and version of documents', () => {
    const token = { name: 'token', schema: { $ref: '#/$defs/IModelRpcProps' } };
    const operations = { count: { parameters: [token], result: { type: 'number' } } };
    const contract = {
      linnetContract: 1,
      interfaces: { Clock: { version: '1.0.0', operations } },
      channels: {},
      $defs: { IModelRpcProps: { type: 'object', properties: { iModelId: { type: 'string' } } } },
    } as unknown as Contract;
    for (const info of [undefined, { title: undefined, version: undefined }]) {
      const options = { info, path: undefined } as object;
      expect(openApiOf(contract, options)).toEqual(openApiOf(contract));
      expect(asyncApiOf(contract, options)).toEqual(asyncApiOf(contract));
    }
  });

  it('leave the defaults of HealthModule', async () => {
    const none = nothing<HealthOptions>({
      path: 0,
      drainDelayMs: 0,
      maxEventLoopDelayMs: 0,
      backends: 0,
      backendTimeoutMs: 0,
    });
    const answers = await Promise.all(
      [{}, none].map(async (options) => {
        const app = await startIpcApp({ imports: [HealthModule.forRoot(options)] });
        const { status, json } = await app.send({ method: 'GET', target: '/health/ready' });
        return { status, json: { ...json, eventLoopDelayMs: 0 } };
      }),
    );
    expect(answers[0]).toMatchObject({ status: 200 });
    expect(answers[1]).toEqual(answers[0]);
  });

  it('leave the defaults of InspectorModule', async () => {
    const { authorize: _needed, ...none } = nothing<InspectorOptions>({
      path: 0,
      authorize: 0,
      origins: 0,
      hosts: 0,
      name: 0,
      slowMs: 0,
      logLines: 0,
      userName: 0,
      others: 0,
    });
    const shown = async (options: InspectorOptions) => {
      const module = InspectorModule.forRoot({ authorize: () => true, ...options });
      const { port } = await startIpcApp({ imports: [module] });
      const frontend = await openFrontend(`http://127.0.0.1:${port}/inspector`);
      ends.push(() => frontend.close());
      return frontend.makeIpcProxy<InspectorIpc>(inspectorChannel).info();
    };
    expect(await shown(none as InspectorOptions)).toEqual(await shown({}));
  });
});

(hasNats ? describe : describe.skip)('options of NATS that are undefined', () => {
  const connection = nothing<Pick<NatsConnectionOptions, 'connection' | 'inboxPrefix' | 'pingInterval'>>({
    connection: 0,
    inboxPrefix: 0,
    pingInterval: 0,
  }) as NatsConnectionOptions;

  it('leave the defaults of natsServer, natsTransport and natsBackplane', async () => {
    const nats = await startNats();
    ends.push(() => nats.stop());
    const own = nothing<Omit<NatsServerOptions, keyof NatsConnectionOptions | 'service'>>({ limits: 0 });
    const at = { ...connection, servers: nats.servers, service: 'clock' };
    const backplane = natsBackplane({
      ...at,
      ...nothing<Pick<NatsBackplaneOptions, 'name' | 'timeoutMs'>>({ name: 0, timeoutMs: 0 }),
    });
    await startIpcApp({
      rpc: { nats: natsServer({ ...at, ...own }) },
      ipc: { backplane },
      providers: [ClockImpl],
    });
    const transport = natsTransport({
      ...at,
      info: undefined,
      maxResponseBytes: undefined,
      maxResponseText: undefined,
      naming: undefined,
    });
    ends.push(() => transport.close());
    const clock = createRpcClient({ transport }).client(definition) as RpcProxy<ClockImpl>;
    expect(await clock.count()).toBe(7);
  });
});

(hasRedis ? describe : describe.skip)('options of Redis that are undefined', () => {
  it('leave the defaults of redisBackplane', async () => {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    const none = nothing<Omit<RedisBackplaneOptions, 'url'>>({
      client: 0,
      prefix: 0,
      timeoutMs: 0,
      leaseMs: 0,
      inboxFrames: 0,
      inboxBytes: 0,
    });
    const backplane = redisBackplane({ url: redis.url, ...none });
    const { connect, host } = await startIpcApp({ ipc: { backplane } });
    await connect();
    await host.sessions[0]!.join('room');
    expect(await host.presence('room')).toHaveLength(1);
  });
});
