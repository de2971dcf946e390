import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RpcInterface as decorate, RpcModule } from '@linnet/backend';
import { ClientRequestContext, RpcManager, WebRpcManager } from '@linnet/backend/node';
import { createRpcClient, RpcInterface } from '@linnet/common';
import type { IModelRpcProps, RpcInterfaceDefinition } from '@linnet/common';
import { refusal } from '../harness/nest.harness.js';
import { IModelDb, RobotWorldEngine } from './samples/robot-world.engine.js';
import { RobotWorldReadRpcImpl } from './samples/robot-world.impl.js';
import { RobotWorldReadRpcInterface } from './samples/robot-world.interface.js';
import { RobotWorldReadProvider, serveNest, servePlain, stopAll, token } from './seeds.servers.js';

const info = { title: 'RobotWorldEngine', version: 'v1.0' };
const clientAt = (uriPrefix: string) => createRpcClient({ uriPrefix, info, retry: { limit: 0 } });

abstract class Values extends RpcInterface {
  public static readonly interfaceName = 'Values';
  public static interfaceVersion = '1.0.0';
  public async same(_value: unknown): Promise<unknown> {
    return this.forward(arguments);
  }
  public async wait(_forCalls: number): Promise<number> {
    return this.forward(arguments);
  }
  public async activity(): Promise<string[]> {
    return this.forward(arguments);
  }
}

class ValuesImpl extends RpcInterface implements Values {
  #waiting: (() => void)[] = [];

  public async same(value: unknown) {
    return value;
  }
  /** Answers when as many calls wait. */
  public async wait(forCalls: number) {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === forCalls) for (const each of this.#waiting) each();
    });
    return forCalls;
  }
  public async activity() {
    const before = ClientRequestContext.current.activityId;
    await new Promise((resolve) => setImmediate(resolve));
    return [before, ClientRequestContext.current.activityId];
  }
}

/** The implementations of the documents, where `RpcManager` has them and where Nest has them. */
const urls: Record<string, string> = {};
beforeAll(async () => {
  RpcManager.registerImpl(RobotWorldReadRpcInterface, RobotWorldReadRpcImpl);
  RpcManager.registerImpl(Values, ValuesImpl);
  const interfaces = [RobotWorldReadRpcInterface, Values];
  urls['RpcManager'] = await servePlain(WebRpcManager.initializeImpl({ info }, interfaces));
  const imports = [RpcModule.forRoot({ info })];
  urls['Nest'] = (await serveNest({ imports, providers: [RobotWorldReadProvider] })).url;
});
afterAll(stopAll);

describe.each(['RpcManager', 'Nest'])('served by %s', (server) => {
  describe('Rpc Interface › RpcInterfaces are TypeScript Classes', () => {
    it('lets a client call methods with objects, and returns objects', async () => {
      WebRpcManager.initializeClient({ info, uriPrefix: urls[server]! }, [RobotWorldReadRpcInterface]);
      const robots = RpcManager.getClientForInterface(RobotWorldReadRpcInterface);
      expect(await robots.queryObstaclesHitByRobot(token, '0x1')).toEqual(['0x10', '0x11']);
      expect(await robots.countRobotsInArray(token, ['0x1', '0x3'])).toBe(1);
    });
  });

  describe('Rpc Interface › Client Stub', () => {
    it('sends the call and its arguments to the server in one line', async () => {
      WebRpcManager.initializeClient({ info, uriPrefix: urls[server]! }, [RobotWorldReadRpcInterface]);
      expect(await RobotWorldReadRpcInterface.getClient().countRobots(token)).toBe(2);
      const unknown = RobotWorldReadRpcInterface.getClient().countRobots({ ...token, key: 'yard' });
      await expect(unknown).rejects.toThrow('No model is open by the key "yard".');
    });
  });

  describe('Rpc Interface › Server Implementation', () => {
    it('gives the activity of the call to the code that it calls', async () => {
      const robots = clientAt(urls[server]!).client(RobotWorldReadRpcInterface);
      await robots.with({ activityId: `click at ${server}` }).countRobots(token);
      expect(RobotWorldEngine.activityIds).toContain(`click at ${server}`);
    });
  });
});

describe('Rpc Interface › Overview', () => {
  it('needs a client to call an interface, and an implementation to answer', async () => {
    const uriPrefix = urls['RpcManager']!;
    expect(() => RpcManager.getClientForInterface(Values)).toThrow('RPC interface "Values" has no client');
    WebRpcManager.initializeClient({ info, uriPrefix }, [Values]);
    expect(await RpcManager.getClientForInterface(Values).same('there and back')).toBe('there and back');
  });
});

describe('Rpc Interface › Parameter and Return Types', () => {
  const ask = (value: unknown) => clientAt(urls['RpcManager']!).client(Values).same(value);
  const hole: Record<string, unknown> = {};
  hole['self'] = hole;

  it.each([
    ['a text', 'größer'],
    ['a number', -0.5],
    ['a boolean', false],
    ['null', null],
    ['an object of text, numbers and null', { id: '0x1', at: { x: 1, y: null } }],
    ['a list of lists and objects', [[1, 'b'], { c: [] }]],
    ['bytes at any depth', { tile: Uint8Array.of(0, 255) }],
  ])('carries %s unchanged', async (_name, value) => {
    expect(await ask(value)).toEqual(value);
  });

  it('refuses a Map instead of sending it without its entries', async () => {
    await expect(ask(new Map([[1, 2]]))).rejects.toThrow('is of kind Map; send its entries');
  });

  it.each<[string, unknown, unknown]>([
    ['a Date as text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an object without its functions', { id: 1, move: () => 1 }, { id: 1 }],
    [
      'an instance as a plain object',
      new (class Robot {
        id = 1;
      })(),
      { id: 1 },
    ],
    ['NaN as null', NaN, null],
    ['undefined in a list as null', [undefined], [null]],
  ])('carries %s', async (_name, value, arrives) => {
    const result = await ask(value);
    expect(result).toEqual(arrives);
    if (typeof result === 'object' && result && !Array.isArray(result))
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });

  it.each<[string, unknown, string]>([
    ['a cycle', hole, 'value[0].self refers back'],
    ['a BigInt', { count: 1n }, 'value[0].count'],
  ])('refuses %s before it sends a request', async (_name, value, message) => {
    let requests = 0;
    const client = createRpcClient({ send: () => Promise.reject(new Error(`sent ${++requests}`)) });
    await expect(client.client(Values).same(value)).rejects.toThrow(message);
    expect(requests).toBe(0);
  });
});

describe('Rpc Interface › RpcInterface Performance', () => {
  it('makes one request for one call of 5000 ids', async () => {
    const client = clientAt(urls['RpcManager']!);
    const requests: string[] = [];
    client.addListener(({ kind, operation }) => kind === 'request' && requests.push(operation));
    const ids = Array.from({ length: 5000 }, (_, i) => `0x${i.toString(16)}`);
    expect(await client.client(RobotWorldReadRpcInterface).countRobotsInArray(token, ids)).toBe(2);
    expect(requests).toEqual(['countRobotsInArray']);
  });
});

describe('Rpc Interface › Define the Interface', () => {
  it('identifies the interface by interfaceName, not by the name of the class', async () => {
    abstract class t extends RpcInterface {
      public static readonly interfaceName = 'RobotWorldReadRpcInterface';
      public static interfaceVersion = '1.0.0';
      public async countRobots(_t: IModelRpcProps): Promise<number> {
        return this.forward(arguments);
      }
    }
    for (const url of Object.values(urls)) expect(await clientAt(url).client(t).countRobots(token)).toBe(2);
  });

  it.each(['interfaceName', 'interfaceVersion'])('refuses a definition without %s', (missing) => {
    const lacking = Object.create(RobotWorldReadRpcInterface, {
      [missing]: { value: undefined },
    }) as RpcInterfaceDefinition;
    expect(() => WebRpcManager.initializeClient({ info, uriPrefix: 'http://x' }, [lacking])).toThrow(missing);
    expect(() => WebRpcManager.initializeImpl({ info }, [lacking])).toThrow(missing);
  });

  it('exposes the operations of the definition and nothing else', async () => {
    const endpoints = await clientAt(urls['Nest']!).describeEndpoints();
    const { operationNames } = endpoints.find((each) => each.interfaceName === 'RobotWorldReadRpcInterface')!;
    expect(operationNames).toEqual(['countRobotsInArray', 'countRobots', 'queryObstaclesHitByRobot']);
  });

  it('has an abstract class whose methods return promises of the declared types', () => {
    // The compiler is the test.
    const types = (robots: ReturnType<typeof RobotWorldReadRpcInterface.getClient>): unknown[] => {
      const count: Promise<number> = robots.countRobots(token);
      // @ts-expect-error -- abstract
      const instance = new RobotWorldReadRpcInterface();
      // @ts-expect-error -- an id is a text
      return [count, instance, robots.queryObstaclesHitByRobot(token, 1)];
    };
    expect(types).toBeInstanceOf(Function);
  });
});

describe('Rpc Interface › Server Implementation', () => {
  it('gets its context from ClientRequestContext.current, also after an await', async () => {
    const values = clientAt(urls['RpcManager']!).client(Values);
    expect(await values.with({ activityId: 'click' }).activity()).toEqual(['click', 'click']);
    expect(ClientRequestContext.current.activityId).toBe('');
  });

  it('is refused at start if it lacks a method', async () => {
    @decorate(RobotWorldReadRpcInterface)
    class Lacking extends RpcInterface {}
    expect(await refusal({ providers: [Lacking] })).toContain('countRobotsInArray');
    // @ts-expect-error -- the compiler refuses it as well
    const compiled = () => RpcManager.registerImpl(RobotWorldReadRpcInterface, class extends RpcInterface {});
    expect(compiled).toBeInstanceOf(Function);
  });
});

describe('Rpc Interface › Asynchronous Nature of RpcInterfaces', () => {
  it('returns a promise at once, and lets the server answer other calls meanwhile', async () => {
    const values = clientAt(urls['RpcManager']!).client(Values);
    const first = values.wait(2);
    expect(first).toBeInstanceOf(Promise);
    // Answered while the first is not.
    expect(await values.same(1)).toBe(1);
    expect(await Promise.all([first, values.wait(2)])).toEqual([2, 2]);
  });

  it('lets the code behind the implementation be synchronous', () => {
    expect(RobotWorldEngine.countRobots(IModelDb.findByKey('hall'))).toBe(2);
    const made = new RobotWorldReadRpcImpl().countRobots(token);
    expect(made).toBeInstanceOf(Promise);
    return made;
  });
});
