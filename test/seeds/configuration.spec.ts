import { createServer } from 'node:http';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IModelReadRpcInterface } from '@itwin/core-common';
import express from 'express';
import {
  InjectRpcClient,
  IpcModule,
  RpcClientModule,
  RpcInterface,
  RpcModule,
  serveMessagePort,
} from '@linnet/backend';
import type { RpcProxy } from '@linnet/backend';
import { BentleyCloudRpcManager, ClientRequestContext, createRpcServer } from '@linnet/backend/node';
import { RpcManager } from '@linnet/backend/node';
import type { WebRpcConfiguration } from '@linnet/backend/node';
import { createRpcClient, wireNaming, messagePortIpc, rpcOverIpc, RpcRoutingToken } from '@linnet/common';
import { IpcFrontend } from '@linnet/frontend';
import { fetchBridge } from '../rpc/plain/fetch.bridge.js';
import { listen } from '../rpc/plain/plain.servers.js';
import { RobotWorldReadRpcImpl } from './samples/robot-world.impl.js';
import { RobotWorldReadRpcInterface, RobotWorldWriteRpcInterface } from './samples/robot-world.interface.js';
import {
  initializeRpcClientBentleyCloud,
  initializeRpcClientBentleyCloudForApp,
} from './samples/web.client.js';
import { initializeRpcImplBentleyCloud, register, RobotWorldServer } from './samples/web.server.js';
import {
  RobotWorldReadProvider,
  RobotWorldWriteProvider,
  serveNest,
  servePlain,
  stopAll,
  token,
} from './seeds.servers.js';

const info = { title: 'RobotWorldEngine', version: 'v1.0' };
const clientAt = (uriPrefix: string) => createRpcClient({ uriPrefix, info, retry: { limit: 0 } });
const namesAt = async (uriPrefix: string) =>
  (await clientAt(uriPrefix).describeEndpoints()).map(({ interfaceName }) => interfaceName);

beforeAll(register);
afterEach(stopAll);

/** Each says where it is and whose calls it answers: what a frontend of several backends has to tell apart. */
function placeOf(interfaceName: string) {
  abstract class Place extends RpcInterface {
    public static readonly interfaceName = interfaceName;
    public static interfaceVersion = '1.0.0';
    public async where(): Promise<string> {
      return this.forward(arguments);
    }
  }
  const serve = (place: string) => servePlaceImpl(Place, place);
  return { Place, serve };
}

async function servePlaceImpl(definition: ReturnType<typeof placeOf>['Place'], place: string) {
  const impl = { where: async () => `${place} ${ClientRequestContext.current.applicationId}`.trim() };
  const server = await listen(createServer(createRpcServer({ interfaces: [[definition, impl]] }).handler));
  stops.push(server.stop);
  return server.url;
}
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

describe('Rpc Interface › Register Impls', () => {
  it('serves the implementation that registerImpl was given', async () => {
    const url = await servePlain(initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface]));
    expect(await clientAt(url).client(RobotWorldReadRpcInterface).countRobots(token)).toBe(2);
  });

  it('serves each provider of a Nest module that implements an interface', async () => {
    const imports = [RpcModule.forRoot({ info })];
    const { url } = await serveNest({ imports, providers: [RobotWorldReadProvider] });
    expect(await clientAt(url).client(RobotWorldReadRpcInterface).countRobots(token)).toBe(2);
  });
});

describe.each([true, false])('Rpc Interface › Choose Interfaces, where the feature is %s', (isOn) => {
  const chosen = isOn ? ['RobotWorldWriteRpcInterface'] : [];

  it('exposes the interfaces that are chosen at run time', async () => {
    const features = { check: (feature: string) => isOn && feature === 'robot.imodel.readwrite' };
    const interfaces = RobotWorldServer.interfaces(features);
    const url = await servePlain(initializeRpcImplBentleyCloud(interfaces));
    // The one of iTwin.js is chosen, and somebody else's to implement.
    expect(await namesAt(url)).toEqual(['IModelReadRpcInterface', 'RobotWorldReadRpcInterface', ...chosen]);
    const read = clientAt(url).client(IModelReadRpcInterface).queryModelProps(token, {});
    await expect(read).rejects.toThrow('"IModelReadRpcInterface" is not registered');
  });

  it('exposes the interfaces that an injected service of Nest chooses', async () => {
    @Injectable()
    class Features {
      check(feature: string) {
        return isOn && feature === 'robot.imodel.readwrite';
      }
    }
    @Module({ providers: [Features], exports: [Features] })
    class FeaturesModule {}

    const useFactory = (features: Features) => ({
      info,
      interfaces: RobotWorldServer.interfaces(features).filter((each) => each !== IModelReadRpcInterface),
    });
    const { url } = await serveNest({
      imports: [RpcModule.forRootAsync({ imports: [FeaturesModule], inject: [Features], useFactory })],
      providers: [RobotWorldReadProvider, RobotWorldWriteProvider],
    });
    expect(await namesAt(url)).toEqual(['RobotWorldReadRpcInterface', ...chosen]);
    const move = clientAt(url).client(RobotWorldWriteRpcInterface).moveRobot(token, '0x1');
    if (isOn) await move;
    else
      await expect(move).rejects.toThrow('RPC interface "RobotWorldWriteRpcInterface" is not initialized.');
  });
});

describe('Rpc Interface › Choose Interfaces', () => {
  it('exposes own implementations and interfaces of another backend', async () => {
    const { Place, serve } = placeOf('Imported');
    const imports = [
      RpcModule.forRoot({ info }),
      RpcClientModule.forFeature([{ interface: Place, uriPrefix: await serve('elsewhere'), expose: true }]),
    ];
    const { url } = await serveNest({ imports, providers: [RobotWorldReadProvider] });
    const client = clientAt(url);
    expect(await client.client(Place).where()).toBe('elsewhere');
    expect(await client.client(RobotWorldReadRpcInterface).countRobots(token)).toBe(2);
  });
});

describe('Rpc Interface › Configure Interfaces', () => {
  it('names the server in its OpenAPI document', async () => {
    const url = await servePlain(initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface]));
    const description = await (await fetch(`${url}/v3/swagger.json`)).json();
    expect(description).toMatchObject({ info: { title: 'RobotWorldEngine', version: 'v1.0' } });
  });
});

describe('Rpc Interface › Serve the Interfaces', () => {
  const servers: Record<string, (configuration: WebRpcConfiguration) => ReturnType<typeof createServer>> = {
    'Express 5': ({ protocol }) =>
      createServer(
        // Its word for `*`; the sample itself is run on the Express 4 of iTwin.js, in test/reference.
        express().post('/{*splat}', (request, response) =>
          protocol.handleOperationPostRequest(request, response),
        ),
      ),
    'node:http': ({ protocol }) =>
      createServer((request, response) => void protocol.handleOperationPostRequest(request, response)),
    'the fetch standard': ({ server }) => createServer(fetchBridge(server.fetch)),
  };

  it.each(Object.keys(servers))('serves by one function call with %s', async (name) => {
    const server = await listen(servers[name]!(initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface])));
    stops.push(server.stop);
    const robots = clientAt(server.url).client(RobotWorldReadRpcInterface);
    expect(await robots.queryObstaclesHitByRobot(token, '0x1')).toEqual(['0x10', '0x11']);
  });

  it('serves by Fastify with Nest', async () => {
    @Module({ imports: [RpcModule.forRoot({ info })], providers: [RobotWorldReadProvider] })
    class FastifyModule {}
    const app = await NestFactory.create(FastifyModule, new FastifyAdapter(), { logger: false });
    stops.push(() => app.close());
    await app.listen(0, '127.0.0.1');
    const robots = clientAt(await app.getUrl()).client(RobotWorldReadRpcInterface);
    expect(await robots.countRobots(token)).toBe(2);
  });
});

describe('Rpc Interface › Web RPC configuration', () => {
  it('sends a call as a request with its routing and its credentials', async () => {
    const seen: { method: string; path: string; authorization: string | undefined }[] = [];
    const { handler } = initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface]).server;
    const server = await listen(
      createServer((request, response) => {
        const { method, url: path, headers } = request;
        seen.push({ method: method!, path: path!, authorization: headers.authorization });
        handler(request, response);
      }),
    );
    stops.push(server.stop);
    const options = { uriPrefix: server.url, info, authorization: 'Bearer t' };
    const robots = createRpcClient(options).client(RobotWorldReadRpcInterface);
    await robots.countRobots(token);
    const path =
      '/RobotWorldEngine/v1.0/mode/1/context/site/imodel/hall-1/changeset/c1/RobotWorldReadRpcInterface-1.0.0-countRobots';
    expect(seen).toEqual([{ method: 'POST', path, authorization: 'Bearer t' }]);
  });

  it('can be replaced on both sides by a naming of a few lines', async () => {
    const naming = wireNaming({
      paths: {
        write: ({ interfaceName, version, operation }) => `/gate/${interfaceName}/${version}/${operation}`,
        read: (path) => {
          const [, , interfaceName = '', version = '', operation = ''] = path.split('/');
          return path.startsWith('/gate/') ? { interfaceName, version, operation } : undefined;
        },
      },
    });
    const interfaces = [[RobotWorldReadRpcInterface, RobotWorldReadRpcImpl]] as const;
    const server = await listen(createServer(createRpcServer({ interfaces, naming }).handler));
    stops.push(server.stop);
    const ours = createRpcClient({ uriPrefix: server.url, naming }).client(RobotWorldReadRpcInterface);
    expect(await ours.countRobots(token)).toBe(2);
    await expect(
      clientAt(server.url).client(RobotWorldReadRpcInterface).countRobots(token),
    ).rejects.toMatchObject({ status: 404 });
  });
});

describe('Rpc Interface › In-process RPC configuration', () => {
  it('sends calls over a message port, as between threads', async () => {
    const { port1, port2 } = new MessageChannel();
    @Module({
      imports: [RpcModule.forRoot({ info }), IpcModule.forRoot()],
      providers: [RobotWorldReadProvider],
    })
    class ThreadModule {}
    const context = await NestFactory.createApplicationContext(ThreadModule, { logger: false });
    stops.push(() => context.close());
    serveMessagePort(context, port2);
    const frontend = new IpcFrontend(messagePortIpc(port1));
    const client = createRpcClient({ transport: rpcOverIpc(frontend) });
    expect(await client.client(RobotWorldReadRpcInterface).countRobotsInArray(token, ['0x2'])).toBe(1);
    frontend.close();
  });
});

describe('Rpc Interface › Same Server', () => {
  afterEach(() => {
    delete (globalThis as { location?: unknown }).location;
  });

  it('sends calls to the origin of the page', async () => {
    const url = await servePlain(initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface]));
    // As in a page that this server has sent; test/browser has one.
    Object.assign(globalThis, { location: new URL(`${url}/robots/index.html?hall=1`) });
    initializeRpcClientBentleyCloudForApp([RobotWorldReadRpcInterface]);
    expect(await RobotWorldReadRpcInterface.getClient().countRobots(token)).toBe(2);
  });
});

describe('Rpc Interface › Different Servers', () => {
  it('sends calls to uriPrefix', async () => {
    const url = await servePlain(initializeRpcImplBentleyCloud([RobotWorldReadRpcInterface]));
    initializeRpcClientBentleyCloud([RobotWorldReadRpcInterface], url);
    expect(await RobotWorldReadRpcInterface.getClient().countRobots(token)).toBe(2);
  });

  it('throws outside of a page if uriPrefix is missing', () => {
    expect(() => initializeRpcClientBentleyCloud([RobotWorldReadRpcInterface])).toThrow('uriPrefix needs');
  });
});

describe('Rpc Interface › Client-side Configuration', () => {
  it('gives one frontend groups of interfaces from several backends', async () => {
    const [one, two, three] = [placeOf('Interface1'), placeOf('Interface2'), placeOf('Interface3')];
    const impl = (place: string) => ({
      where: async () => `${place} for ${ClientRequestContext.current.applicationId}`,
    });
    const backendA = createRpcServer({
      interfaces: [
        [one.Place, impl('1 at A')],
        [two.Place, impl('2 at A')],
      ],
    });
    const backendB = createRpcServer({ interfaces: [[three.Place, impl('3 at B')]] });
    const [a, b] = await Promise.all(
      [backendA, backendB].map(({ handler }) => listen(createServer(handler))),
    );
    stops.push(a!.stop, b!.stop);
    const ofA = { info, uriPrefix: a!.url, applicationId: 'app' };
    const ofB = { info: { title: 'B', version: 'v2' }, uriPrefix: b!.url, applicationId: 'guest' };
    BentleyCloudRpcManager.initializeClient(ofA, [one.Place, two.Place]);
    BentleyCloudRpcManager.initializeClient(ofB, [three.Place]);
    const asked = [one, two, three].map(({ Place }) => RpcManager.getClientForInterface(Place).where());
    expect(await Promise.all(asked)).toEqual(['1 at A for app', '2 at A for app', '3 at B for guest']);
  });

  it('distinguishes two backends of one interface by a routing token', async () => {
    const { Place, serve } = placeOf('Both');
    const far = RpcRoutingToken.generate('far');
    BentleyCloudRpcManager.initializeClient({ info, uriPrefix: await serve('near') }, [Place]);
    BentleyCloudRpcManager.initializeClient({ info, uriPrefix: await serve('far') }, [Place], far);
    expect(await RpcManager.getClientForInterface(Place).where()).toBe('near');
    expect(await RpcManager.getClientForInterface(Place, far).where()).toBe('far');
  });
});

describe('Rpc Interface › Overview', () => {
  it('lets a Nest backend be server and client', async () => {
    const c = placeOf('C');
    abstract class B extends RpcInterface {
      public static readonly interfaceName = 'B';
      public static interfaceVersion = '1.0.0';
      public async ask(): Promise<string> {
        return this.forward(arguments);
      }
    }
    @RpcInterface(B)
    class BImpl {
      constructor(@InjectRpcClient(c.Place) private readonly far: RpcProxy<{ where(): Promise<string> }>) {}
      async ask() {
        return `B asked ${await this.far.where()}`;
      }
    }
    const imports = [
      RpcModule.forRoot({ info }),
      RpcClientModule.forFeature([{ interface: c.Place, uriPrefix: await c.serve('C') }]),
    ];
    const { url } = await serveNest({ imports, providers: [BImpl] });
    const options = { uriPrefix: url, info, applicationId: 'page' };
    expect(await createRpcClient(options).client(B).ask()).toBe('B asked C page');
  });

  it('lets a plain backend be server by initializeImpl and client by initializeClient', async () => {
    const [b, c] = [placeOf('PlainB'), placeOf('PlainC')];
    RpcManager.registerImpl(
      b.Place,
      class {
        async where() {
          return `B asked ${await RpcManager.getClientForInterface(c.Place).where()}`;
        }
      },
    );
    BentleyCloudRpcManager.initializeClient({ info, uriPrefix: await c.serve('C') }, [c.Place]);
    const url = await servePlain(BentleyCloudRpcManager.initializeImpl({ info }, [b.Place]));
    const options = { uriPrefix: url, info, applicationId: 'page' };
    expect(await createRpcClient(options).client(b.Place).where()).toBe('B asked C page');
  });
});
