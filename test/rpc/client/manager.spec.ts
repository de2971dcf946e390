import { describe, expect, it } from '@jest/globals';
import {
  BentleyCloudRpcManager,
  RpcConfiguration,
  RpcManager,
  RpcRequestEvent,
  RpcRoutingToken,
  WebRpcManager,
} from '@linnet/common';
import type { RpcRequestEventHandler } from '@linnet/common';
import { envelope, Maps, Robots, ScriptedServer } from './scripted.send.js';

const info = { title: 'Fleet', version: 'v1' };

describe('the static methods of RpcManager', () => {
  it('return the client of an interface, or an error that explains how to initialise it', async () => {
    expect(() => RpcManager.getClientForInterface(Robots)).toThrow(
      'RPC interface "Robots" has no client: call WebRpcManager.initializeClient(params, [Robots]) first, ' +
        'or createRpcClient(options).client(Robots).',
    );
    const server = new ScriptedServer({ body: '7' });
    const configuration = WebRpcManager.initializeClient({ info, send: server.send }, [Robots]);
    expect(configuration).toBeInstanceOf(RpcConfiguration);
    const robots = RpcManager.getClientForInterface(Robots);
    expect(await robots.count()).toBe(7);
    expect(configuration.client(Robots)).toBe(robots);
    expect(server.requests[0]!.url).toBe('/Fleet/v1/Robots-1.2.0-count');
    expect(() => RpcManager.getClientForInterface(Maps)).toThrow('"Maps" has no client');
  });

  it('initialise and terminate interfaces like those of iTwin.js', () => {
    abstract class Halls extends Robots {
      static override readonly interfaceName = 'Halls';
    }
    RpcManager.initializeInterface(Halls);
    // Where its server is has not been said.
    expect(() => RpcManager.getClientForInterface(Halls)).toThrow('"Halls" has no client');
    const { send } = new ScriptedServer({ body: '7' });
    WebRpcManager.initializeClient({ info, send }, [Halls]);
    expect(Object.keys(RpcManager.getClientForInterface(Halls))).toEqual(['count', 'look', 'place', 'plan']);
    RpcManager.terminateInterface(Halls);
    expect(() => RpcManager.getClientForInterface(Halls)).toThrow('"Halls" has no client');
    expect(() => RpcManager.initializeInterface(class {} as unknown as typeof Halls)).toThrow(
      'has no static interfaceName',
    );
  });

  it('exist under all names of iTwin.js', () => {
    expect(BentleyCloudRpcManager).toBe(WebRpcManager);
    expect(WebRpcManager.getClientForInterface(Robots)).toBe(RpcManager.getClientForInterface(Robots));
    expect(RpcRequestEvent.PendingUpdateReceived).toBe(1);
  });

  it('return the client that was initialised last', async () => {
    const [old, young] = [new ScriptedServer({ body: '"old"' }), new ScriptedServer({ body: '"young"' })];
    WebRpcManager.initializeClient({ info, send: old.send }, [Robots, Maps]);
    const before = RpcManager.getClientForInterface(Robots);
    WebRpcManager.initializeClient({ info, send: young.send }, [Robots]);
    expect(await RpcManager.getClientForInterface(Robots).count()).toBe('young');
    expect(await RpcManager.getClientForInterface(Maps).find('a')).toBe('old');
    // Code that holds a client keeps it.
    expect(await before.count()).toBe('old');
  });

  it('distinguish the servers of one interface by routing tokens', async () => {
    const near = RpcRoutingToken.generate('near');
    const far = RpcRoutingToken.generate();
    WebRpcManager.initializeClient(
      { info, send: new ScriptedServer({ body: '"near"' }).send },
      [Robots],
      near,
    );
    WebRpcManager.initializeClient({ info, send: new ScriptedServer({ body: '"far"' }).send }, [Robots], far);
    expect(await RpcManager.getClientForInterface(Robots, near).count()).toBe('near');
    expect(await RpcManager.getClientForInterface(Robots, far).count()).toBe('far');
    expect(() => RpcManager.getClientForInterface(Maps, near)).toThrow(
      'no client for the routing token "near"',
    );
  });

  it('route calls by the fallback token that is set at the time', async () => {
    const server = new ScriptedServer({ body: '1' });
    WebRpcManager.initializeClient({ info, send: server.send }, [Robots]);
    const robots = RpcManager.getClientForInterface(Robots);
    RpcManager.setIModel({ iTwinId: 't', iModelId: 'first' });
    await robots.count();
    RpcManager.setIModel({ iTwinId: 't', iModelId: 'second' });
    await robots.count();
    await robots.count({ iModelId: 'given' });
    await robots.with({ token: { iModelId: 'with' } }).count();
    RpcManager.setIModel(undefined);
    await robots.count();
    expect(server.requests.map(({ url }) => /imodel\/(\w+)/.exec(url)?.[1])).toEqual([
      'first',
      'second',
      'given',
      'with',
      undefined,
    ]);
  });

  it('repeat a pending call at the configured interval, and report its progress', async () => {
    const told: Parameters<RpcRequestEventHandler>[] = [];
    const server = new ScriptedServer(envelope('pending', 'half'), { body: '1' });
    const configuration = BentleyCloudRpcManager.initializeClient(
      { info, send: server.send, pendingRequestListener: (...args) => told.push(args) },
      [Robots],
    );
    expect(configuration.pendingOperationRetryInterval).toBe(10_000);
    configuration.pendingOperationRetryInterval = 10;
    await RpcManager.getClientForInterface(Robots).with({ activityId: 'id' }).count();
    const operation = { operationName: 'count', interfaceDefinition: { interfaceName: 'Robots' } };
    expect(told).toEqual([
      [RpcRequestEvent.PendingUpdateReceived, { id: 'id', operation, extendedStatus: 'half' }],
    ]);
  });
});
