import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import {
  BentleyCloudRpcManager,
  ClientRequestContext,
  createRpcServer,
  RpcManager,
  serveRegistered,
  WebRpcManager,
} from '@linnet/backend/node';
import type { BentleyCloudRpcParams, WebRpcConfiguration } from '@linnet/backend/node';
import {
  createRpcClient,
  HttpRpcHandler,
  defaultWireLimits,
  inMemoryHttp,
  RpcDispatcher,
  RpcInterface,
  RpcManager as RpcClientManager,
  RpcOperation,
  WebRpcManager as WebRpcClientManager,
} from '@linnet/common';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { ITwinClient, toITwin } from '../../conformance/http/itwin.client.js';
import { listen } from './plain.servers.js';
import type { PlainServer } from './plain.servers.js';
import { RobotWorldReadRpcImpl, RobotWorldReadRpcInterface } from './seeds.js';

const info = { title: 'RobotWorldEngine', version: 'v1.0' };
const token = { key: 'k', iTwinId: 't', iModelId: 'hall', changeset: { id: 'c' } };
const running: PlainServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

/** A server whose POST requests of any path go to the configuration, as in the documents of iTwin.js. */
async function serve(rpcConfiguration: WebRpcConfiguration): Promise<string> {
  const webServer = express();
  webServer.get('/v3/swagger.json', (request, response) =>
    rpcConfiguration.protocol.handleOpenApiDescriptionRequest(request, response),
  );
  // Express 4 has '*' for it.
  webServer.post('/{*splat}', (request, response) =>
    rpcConfiguration.protocol.handleOperationPostRequest(request, response),
  );
  webServer.get(/\/imodel\//, (request, response) =>
    rpcConfiguration.protocol.handleOperationGetRequest(request, response),
  );
  const server = await listen(createServer(webServer));
  running.push(server);
  return server.url;
}

const clientAt = (uriPrefix: string) => createRpcClient({ uriPrefix, retry: { limit: 0 } });

describe('the example server of the documents of iTwin.js', () => {
  let configuration: WebRpcConfiguration;
  beforeAll(() => {
    RpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);
    const interfaces: RpcInterfaceDefinition[] = [RobotWorldReadRpcInterface];
    const cloudParams: BentleyCloudRpcParams = { info: { title: 'RobotWorldEngine', version: 'v1.0' } };
    configuration = BentleyCloudRpcManager.initializeImpl(cloudParams, interfaces);
  });

  it('answers the client of iTwin.js', async () => {
    const client = new ITwinClient([toITwin(RobotWorldReadRpcInterface, ['countRobots'])]);
    client.connect(await serve(configuration));
    client.token(token);
    client.identify(() => 'activity');
    const robots = client.of('RobotWorldReadRpcInterface');
    expect(await robots['countRobotsInArray']!(token, ['0x1', '0x2'])).toBe(2);
    expect(await robots['queryObstaclesHitByRobot']!(token, '0x3')).toEqual(['k', '0x3', 'activity']);
  });

  it('answers the client that getClient of the definition returns', async () => {
    const uriPrefix = await serve(configuration);
    BentleyCloudRpcManager.initializeClient({ info, uriPrefix }, [RobotWorldReadRpcInterface]);
    expect(await RobotWorldReadRpcInterface.getClient().countRobots(token)).toBe(4);
    // One set of clients, by whichever of the two names it is asked for.
    expect(RpcManager.getClientForInterface(RobotWorldReadRpcInterface)).toBe(
      RpcClientManager.getClientForInterface(RobotWorldReadRpcInterface),
    );
  });

  it('creates one implementation at the first call', async () => {
    const client = clientAt(await serve(configuration)).client(RobotWorldReadRpcInterface);
    await client.countRobots(token);
    await client.countRobots(token);
    expect(RobotWorldReadRpcImpl.made).toBe(1);
  });

  it('answers every path as a call, with an error that names the problem', async () => {
    const url = await serve(configuration);
    const post = (path: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'X-Correlation-Id': 'p', 'Content-Type': 'text/plain' },
        body: '[]',
      });
    for (const path of [
      '/anything',
      '/__proto__-1.0.0-x',
      '/Unknown-1.0.0-x',
      '/constructor-1.0.0-constructor',
    ]) {
      const answer = await post(path);
      expect([path, answer.status]).toEqual([path, 500]);
      expect(await answer.json()).toMatchObject({
        isError: true,
        message: expect.stringContaining('not initialized'),
      });
    }
    const own = await post('/RobotWorldReadRpcInterface-1.0.0-constructor');
    expect([own.status, await own.text()]).toEqual([
      500,
      expect.stringContaining('does not declare operation'),
    ]);
    expect((await post('/')).status).toBe(400);
    expect((await fetch(`${url}/imodel/RobotWorldReadRpcInterface-1.0.0-countRobots`)).status).toBe(400);
  });

  it('serves its OpenAPI description', async () => {
    const answer = await fetch(`${await serve(configuration)}/v3/swagger.json`);
    expect(await answer.json()).toEqual(configuration.protocol.openAPIDescription);
    expect(configuration.protocol.info).toEqual(info);
    expect(configuration.interfaces()).toEqual([RobotWorldReadRpcInterface]);
  });

  it('does not serve its OpenAPI description under a foreign host name', async () => {
    const url = await serve(configuration);
    const askAs = async (host: string) => {
      const asked = get(`${url}/v3/swagger.json`, { headers: { Host: host } });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return [answer.statusCode, await text(answer)];
    };
    const description = JSON.stringify(configuration.protocol.openAPIDescription);
    expect(await askAs('localhost')).toEqual([200, description]);
    expect(await askAs('evil.example')).toEqual([403, '']);
  });

  it('resolves handleOperationPostRequest when it has answered', async () => {
    let answered: Promise<void> | undefined;
    const server = await listen(
      createServer((request, response) => {
        answered = configuration.protocol.handleOperationPostRequest(request, response);
      }),
    );
    running.push(server);
    expect(await clientAt(server.url).client(RobotWorldReadRpcInterface).countRobots(token)).toBe(4);
    await answered;
  });
});

/** A definition of its own for each test: what is registered stays registered. */
function definitionOf(interfaceName: string) {
  abstract class Definition extends RpcInterface {
    static readonly interfaceName = interfaceName;
    static readonly interfaceVersion: string = '1.0.0';
    ask(): Promise<string> {
      return this.forward(arguments);
    }
  }
  return Definition;
}

describe('an implementation that RpcManager registers', () => {
  class First {
    async ask() {
      return 'first';
    }
  }
  class Second {
    async ask() {
      return 'second';
    }
  }

  it('may be registered late, replaced and unregistered', async () => {
    const Late = definitionOf('Late');
    const configuration = WebRpcManager.initializeImpl({ info }, [Late]);
    const { ask } = clientAt(await serve(configuration)).client(Late);
    await expect(ask()).rejects.toMatchObject({
      errorNumber: 32768,
      message: 'An RPC interface implementation class for "Late" is not registered.',
    });
    RpcManager.registerImpl(Late, First);
    expect(await ask()).toBe('first');
    RpcManager.registerImpl(Late, Second);
    expect(await ask()).toBe('second');
    RpcManager.unregisterImpl(Late);
    await expect(ask()).rejects.toThrow('is not registered');
  });

  it('may be an instance of the application, supplied before or after its class', async () => {
    class Named extends First {
      constructor(readonly name: string) {
        super();
      }
      override async ask() {
        return this.name;
      }
    }
    const [Before, After, Alone] = [definitionOf('Before'), definitionOf('After'), definitionOf('Alone')];
    const client = clientAt(await serve(WebRpcManager.initializeImpl({ info }, [Before, After, Alone])));
    RpcManager.supplyImplInstance(Before, new Named('before'));
    RpcManager.registerImpl(Before, First);
    RpcManager.registerImpl(After, First);
    expect(await client.client(After).ask()).toBe('first');
    RpcManager.supplyImplInstance(After, new Named('after'));
    RpcManager.supplyImplInstance(Alone, new Named('alone'));
    const asked = [Before, After, Alone].map((each) => client.client(each).ask());
    expect(await Promise.all(asked)).toEqual(['before', 'after', 'alone']);
    expect(() => RpcManager.supplyImplInstance(After, new Second())).toThrow(
      'The instance for RPC interface "After" is not a First, which is registered for it.',
    );
  });

  it('is created again if its constructor threw, and fails calls of operations that it lacks', async () => {
    const Broken = definitionOf('Broken');
    let made = 0;
    class Fails extends First {
      constructor() {
        super();
        if (made++ === 0) throw new Error('not yet');
      }
    }
    const { ask } = clientAt(
      await serve(WebRpcManager.initializeImpl({ info, report: () => undefined }, [Broken])),
    ).client(Broken);
    RpcManager.registerImpl(Broken, Fails);
    await expect(ask()).rejects.toThrow('not yet');
    expect(await ask()).toBe('first');
    RpcManager.registerImpl(Broken, class Lacking {} as never);
    await expect(ask()).rejects.toThrow('RPC interface class "Lacking" does not implement operation "ask".');
  });

  it('may declare policies, also when it is registered late', async () => {
    const Cached = definitionOf('Cached');
    class CachedImpl extends First {
      @RpcOperation({ allowResponseCaching: true })
      override async ask() {
        return 'kept';
      }
    }
    const url = await serve(WebRpcManager.initializeImpl({ info }, [Cached]));
    const target = `${url}/imodel/x/Cached-1.0.0-ask?parameters=W10%3D`;
    const headers = { 'X-Correlation-Id': 'c' };
    expect((await fetch(target, { headers })).status).toBe(405);
    RpcManager.registerImpl(Cached, CachedImpl);
    const answer = await fetch(target, { headers });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([
      200,
      expect.stringContaining('immutable'),
    ]);
  });
});

describe('an interface of RpcManager', () => {
  class Impl {
    async ask() {
      return ClientRequestContext.current.rpcMethod;
    }
  }

  it('is served only by the configurations that list it', async () => {
    const [One, Two] = [definitionOf('One'), definitionOf('Two')];
    RpcManager.registerImpl(One, Impl);
    RpcManager.registerImpl(Two, Impl);
    const one = clientAt(await serve(WebRpcManager.initializeImpl({ info }, [One])));
    expect(await one.client(One).ask()).toBe('ask');
    await expect(one.client(Two).ask()).rejects.toThrow('RPC interface "Two" is not initialized.');
    expect(createRpcServer({ interfaces: [] }).endpoints).toEqual([]);
  });

  it('is served by all configurations after initializeInterface, until it is terminated', async () => {
    const Everywhere = definitionOf('Everywhere');
    const before = WebRpcManager.initializeImpl({ info }, []);
    RpcManager.initializeInterface(Everywhere);
    const after = WebRpcManager.initializeImpl({ info }, []);
    RpcManager.registerImpl(Everywhere, Impl);
    const urls = await Promise.all([before, after].map(serve));
    for (const url of urls) expect(await clientAt(url).client(Everywhere).ask()).toBe('ask');
    const client = WebRpcManager.initializeClient({ info, uriPrefix: urls[0]! }, [Everywhere]);
    expect(RpcManager.getClientForInterface(Everywhere)).toBe(client.client(Everywhere));
    RpcManager.terminateInterface(Everywhere);
    for (const url of urls)
      await expect(clientAt(url).client(Everywhere).ask()).rejects.toThrow('"Everywhere" is not initialized');
    expect(before.interfaces()).toEqual([]);
    expect(() => RpcManager.getClientForInterface(Everywhere)).toThrow('has no client');
    RpcManager.initializeInterface(Everywhere);
    await expect(clientAt(urls[0]!).client(Everywhere).ask()).rejects.toThrow('is not registered');
    RpcManager.terminateInterface(Everywhere);
  });

  it('is not added to a configuration that is closed', async () => {
    const Later = definitionOf('Later');
    const [closed, open] = [1, 2].map(() => WebRpcManager.initializeImpl({ info }, []));
    expect(await closed!.server.close()).toBe(0);
    RpcManager.initializeInterface(Later);
    expect([closed!, open!].map((each) => each.interfaces())).toEqual([[], [Later]]);
    RpcManager.terminateInterface(Later);
  });

  it('is refused at its initialisation if its version is not valid', () => {
    const Odd = Object.create(definitionOf('Odd'), {
      interfaceVersion: { value: '1' },
    }) as RpcInterfaceDefinition;
    expect(() => WebRpcManager.initializeImpl({ info }, [Odd])).toThrow('is not a semantic version');
    expect(() => RpcManager.initializeInterface(Odd)).toThrow('is not a semantic version');
  });
});

describe('a dispatcher that also serves the interfaces of RpcManager', () => {
  class Impl {
    async ask() {
      return 'registered';
    }
  }
  const refuse = () => {
    throw new Error('There is nothing for you.');
  };

  it('keeps its own implementations when RpcManager initialises and terminates interfaces', async () => {
    const [Guarded, Free] = [definitionOf('Guarded'), definitionOf('Free')];
    const dispatcher = new RpcDispatcher({ waitingCalls: 1 });
    dispatcher.register(Guarded, { name: 'Theirs', handlerOf: () => refuse });
    const send = inMemoryHttp(new HttpRpcHandler(dispatcher, { limits: defaultWireLimits }));
    const client = createRpcClient({ send });
    const ask = (definition: typeof Guarded) => client.client(definition).ask();
    const end = serveRegistered(dispatcher, [Guarded, Free]);
    for (const definition of [Guarded, Free]) {
      RpcManager.registerImpl(definition, Impl);
      RpcManager.initializeInterface(definition);
      RpcManager.supplyImplInstance(definition, new Impl());
    }
    await expect(ask(Guarded)).rejects.toThrow('nothing for you');
    expect(await ask(Free)).toBe('registered');
    for (const definition of [Guarded, Free]) RpcManager.terminateInterface(definition);
    await expect(ask(Guarded)).rejects.toThrow('nothing for you');
    await expect(ask(Free)).rejects.toThrow('is not served');
    RpcManager.initializeInterface(Free);
    end();
    RpcManager.initializeInterface(Guarded);
    await expect(ask(Guarded)).rejects.toThrow('nothing for you');
    await expect(ask(Free)).rejects.toThrow('is not served');
    for (const definition of [Guarded, Free]) RpcManager.terminateInterface(definition);
  });
});

describe('a client that an implementation gets from RpcManager', () => {
  it('continues the activity of the call if the server part of RpcManager initialised it', async () => {
    const [Near, Far] = [definitionOf('Near'), definitionOf('Far')];
    class FarImpl {
      async ask() {
        return ClientRequestContext.current.activityId;
      }
    }
    class NearImpl {
      ask() {
        return RpcClientManager.getClientForInterface(Far).ask();
      }
    }
    RpcManager.registerImpl(Near, NearImpl);
    RpcManager.registerImpl(Far, FarImpl);
    const uriPrefix = await serve(WebRpcManager.initializeImpl({ info }, [Near, Far]));
    const near = clientAt(uriPrefix).client(Near).with({ activityId: 'click' });
    WebRpcManager.initializeClient({ info, uriPrefix }, [Far]);
    expect(await near.ask()).toBe('click');
    WebRpcClientManager.initializeClient({ info, uriPrefix }, [Far]);
    expect(await near.ask()).not.toBe('click');
  });
});
