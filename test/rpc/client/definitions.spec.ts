import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { RpcInterface as ITwinRpcInterface } from '@itwin/core-common';
import { RpcInterface, RpcModule } from '@linnet/backend';
import { createRpcClient, RpcManager, WebRpcManager } from '@linnet/common';
import type { IModelRpcProps, RpcOperationName, RpcOperations, RpcProxy } from '@linnet/common';
import { failureOf, ScriptedServer } from './scripted.send.js';
import { startServer } from '../../conformance/tables/server.js';
import type { TestServer } from '../../conformance/tables/server.js';

/** As in code for iTwin.js. */
abstract class Forwarding extends RpcInterface {
  public static readonly interfaceName: string = 'Fleet';
  public static interfaceVersion = '1.0.0';
  public static getClient() {
    return RpcManager.getClientForInterface(this);
  }
  public async countRobots(_token: IModelRpcProps): Promise<number> {
    return this.forward(arguments);
  }
  public async floorPlan(_floor: number, _scale?: number): Promise<Uint8Array> {
    return this.forward(arguments);
  }
}

/** Nothing but declarations, and their list. */
abstract class Abstract {
  static readonly interfaceName: string = 'Fleet';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Abstract> = {
    countRobots: {},
    floorPlan: { allowResponseCaching: true },
  };
  abstract countRobots(token: IModelRpcProps): Promise<number>;
  abstract floorPlan(floor: number, scale?: number): Promise<Uint8Array>;
}

abstract class Listed {
  static readonly interfaceName = 'Fleet';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = ['countRobots', 'floorPlan'] as const;
  abstract countRobots(token: IModelRpcProps): Promise<number>;
  abstract floorPlan(floor: number, scale?: number): Promise<Uint8Array>;
}

/** One that was made for iTwin.js itself. */
abstract class Theirs extends ITwinRpcInterface {
  public static readonly interfaceName = 'Fleet';
  public static interfaceVersion = '1.0.0';
  public async countRobots(_token: IModelRpcProps): Promise<number> {
    return this.forward(arguments);
  }
  public async floorPlan(_floor: number, _scale?: number): Promise<Uint8Array> {
    return this.forward(arguments);
  }
}

/** A later one, which has all that the one before has. */
abstract class Extended extends Forwarding {
  public static override readonly interfaceName: string = 'LaterFleet';
  public static override interfaceVersion = '2.0.0';
  public async launch(_robot: string): Promise<string> {
    return this.forward(arguments);
  }
}

@RpcInterface(Abstract)
class FleetImpl extends Abstract {
  async countRobots(token: IModelRpcProps) {
    return token.iModelId!.length;
  }
  async floorPlan(floor: number, scale = 1) {
    return Uint8Array.of(floor, scale);
  }
}

@RpcInterface(Extended)
class LaterFleetImpl extends FleetImpl {
  async launch(robot: string) {
    return `${robot} is off`;
  }
}

@Module({ imports: [RpcModule.forRoot({})], providers: [FleetImpl, LaterFleetImpl] })
class FleetModule {}

const token = { key: '', iTwinId: 't', iModelId: 'model' };

describe('a definition', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(FleetModule, 'LinnetExpressAdapter');
  });
  afterAll(() => server.stop());

  it.each([
    ['methods that forward', Forwarding],
    ['abstract methods', Abstract],
    ['a list of operations', Listed],
    ['the base class of iTwin.js', Theirs],
  ])('with %s gives the same client', async (_form, definition) => {
    const fleet = createRpcClient({ uriPrefix: server.url }).client<Abstract>(definition);
    expect(Object.keys(fleet)).toEqual(['countRobots', 'floorPlan']);
    expect(await fleet.countRobots(token)).toBe(5);
    expect(await fleet.floorPlan(2, 3)).toEqual(Uint8Array.of(2, 3));
    expect(await fleet.with({ timeoutMs: 2000 }).floorPlan(2)).toEqual(Uint8Array.of(2, 1));
  });

  it('that extends another has the operations of both, in the client and in the server', async () => {
    const client = createRpcClient({ uriPrefix: server.url, interfaces: [Extended] });
    const fleet = client.client(Extended);
    expect(Object.keys(fleet)).toEqual(['countRobots', 'floorPlan', 'launch']);
    expect(await fleet.countRobots(token)).toBe(5);
    expect(await fleet.launch('r1')).toBe('r1 is off');
    const described = (await client.describeEndpoints()).find(
      ({ interfaceName }) => interfaceName === 'LaterFleet',
    );
    expect(described?.operationNames).toEqual(['countRobots', 'floorPlan', 'launch']);
  });

  it('with abstract methods has the policies of its decorators', async () => {
    const script = new ScriptedServer({ body: '1' });
    const client = createRpcClient({ send: script.send, token });
    await client.client(Abstract).countRobots(token);
    await client.client(Abstract).floorPlan(1);
    await client.client(Listed).floorPlan(1);
    expect(script.requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST']);
  });

  it('returns its client by getClient', async () => {
    WebRpcManager.initializeClient({ info: { title: 'f', version: 'v1' }, uriPrefix: server.url }, [
      Forwarding,
    ]);
    expect(await Forwarding.getClient().countRobots(token)).toBe(5);
  });

  it('does not forward calls of an instance that the application makes', async () => {
    class Instance extends Forwarding {}
    const error = await failureOf(new Instance().countRobots(token));
    expect(error.message).toContain('call RpcManager.getClientForInterface()');
  });

  it.each<[string, object, string]>([
    ['without a name', { interfaceVersion: '1.0.0' }, 'no static interfaceName'],
    ['without a version', { interfaceName: 'A' }, 'no static interfaceVersion'],
    [
      'with a name that a path cannot carry',
      { interfaceName: 'a-b', interfaceVersion: '1.0.0' },
      'cannot carry',
    ],
    [
      'with an operation that a path cannot carry',
      { interfaceName: 'A', interfaceVersion: '1.0.0', operations: ['a-b'] },
      'cannot be named "a-b"',
    ],
    [
      'with an operation that is named like a method of promises',
      { interfaceName: 'A', interfaceVersion: '1.0.0', operations: ['then'] },
      'cannot be named "then"',
    ],
  ])('%s is refused', (_, members, message) => {
    const definition = Object.assign(class {}, members) as unknown as typeof Abstract;
    const send = new ScriptedServer({}).send;
    expect(() => createRpcClient({ send }).client(definition)).toThrow(message);
    const params = { info: { title: 't', version: 'v' }, send };
    expect(() => WebRpcManager.initializeClient(params, [definition])).toThrow(message);
  });
});

// Code that must compile, and code that must not; the compiler is the test.
const types = (fleet: RpcProxy<Forwarding>, theirs: RpcProxy<Theirs>): unknown[] => {
  const names: RpcOperationName<Theirs>[] = ['countRobots', 'floorPlan'];
  const count: Promise<number> = fleet
    .with({ timeoutMs: 2000, signal: new AbortController().signal })
    .countRobots(token);
  // A client is what the definition declares, so that implementations and stubs take each other's place.
  const definition: Forwarding = fleet;
  const client: RpcProxy<Forwarding> = Forwarding.getClient();
  // @ts-expect-error -- an argument of another type
  void fleet.floorPlan('1');
  // @ts-expect-error -- an argument is missing
  void fleet.countRobots();
  // @ts-expect-error -- an operation that is not declared
  void fleet.launch();
  // @ts-expect-error -- a member of a base class is not an operation
  void fleet.forward;
  // @ts-expect-error -- a member of a base class is not an operation
  void theirs.configuration;
  // @ts-expect-error -- a result of another type
  const text: Promise<string> = fleet.countRobots(token);
  // @ts-expect-error -- an option that there is not
  fleet.with({ timeout: 2000 });
  // @ts-expect-error -- the class is not a definition
  createRpcClient({ uriPrefix: '' }).client(class {});
  // @ts-expect-error -- a list that lacks an operation
  const lacking: RpcOperations<Abstract> = { countRobots: {} };
  // @ts-expect-error -- a list with an operation that is not declared
  const more: RpcOperations<Abstract> = { countRobots: {}, floorPlan: {}, launch: {} };
  // @ts-expect-error -- without info, as in iTwin.js
  WebRpcManager.initializeClient({ uriPrefix: '' }, [Forwarding]);
  return [names, count, definition, client, text, lacking, more];
};

it('the types of RPC clients are checked by the compiler', () => {
  expect(types).toBeInstanceOf(Function);
});
