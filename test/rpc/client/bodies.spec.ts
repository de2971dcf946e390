import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { RpcInterface as ITwinRpcInterface } from '@itwin/core-common';
import { RpcClientModule, RpcInterface, RpcModule } from '@linnet/backend';
import { createRpcClient, RpcManager, WebRpcManager } from '@linnet/common';
import type { RpcInterfaceDefinition } from '@linnet/common';
import { argumentsOf, failureOf, ScriptedServer } from './scripted.send.js';
import { startServer } from '../../conformance/tables/server.js';

const info = { title: 'f', version: 'v1' };
const token = { key: '', iTwinId: 't', iModelId: 'm' };

/** The same bodies on the class of iTwin.js, and on ours. */
function definitionOn(Base: typeof RpcInterface) {
  abstract class Clocks extends Base {
    static readonly interfaceName: string = 'Clocks';
    static interfaceVersion = '1.0.0';
    readonly #zone = 'UTC';
    static getClient() {
      return RpcManager.getClientForInterface(this);
    }
    async when(_token: object): Promise<Date> {
      return new Date(await this.forward(arguments));
    }
    /** Its argument decides on the result, and whether there is a call at all. */
    async rounded(value: number, digits = 1): Promise<string> {
      if (value < 0) return 'none';
      const result: number = await this.forward(arguments);
      return `${result.toFixed(digits)} ${this.#zone}`;
    }
    async list(...names: string[]): Promise<number[]> {
      const found: string[] = await this.forward(arguments);
      return [names.length, arguments.length, found.length];
    }
    async prepared(value: number): Promise<unknown> {
      await Promise.resolve();
      return this.forward([value * 2, { unit: 's' }]);
    }
    async twice(_name: string): Promise<unknown[]> {
      return [await this.forward(arguments), await this.forward('second')];
    }
    async through(): Promise<string> {
      const date = await this.when(token);
      return `${date.getTime()} ${await this.forward(arguments)}`;
    }
    fails(): Promise<void> {
      throw new RangeError('before anything is sent');
    }
    plain(..._args: unknown[]): Promise<unknown> {
      return this.forward(arguments);
    }
  }
  return Clocks;
}

const bases = { 'core-common': ITwinRpcInterface as unknown as typeof RpcInterface, Linnet: RpcInterface };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe.each(Object.entries(bases))('a definition on the base class of %s', (_, Base) => {
  const Clocks = definitionOn(Base);
  const open = (...results: unknown[]) => {
    const server = new ScriptedServer(...results.map((result) => ({ body: JSON.stringify(result) })));
    const client = createRpcClient({ send: server.send });
    const sent = () =>
      server.requests.map((request) => [request.url.replace(/.*-/, ''), argumentsOf(request)]);
    return {
      client,
      sent,
      clocks: client.client(Clocks),
    };
  };

  it('runs the bodies of its methods around the calls', async () => {
    const { clocks, sent } = open(1000, 2.345, 2.345);
    expect(await clocks.when(token)).toEqual(new Date(1000));
    expect(await clocks.rounded(2)).toBe('2.3 UTC');
    expect(await clocks.rounded(2, 2)).toBe('2.35 UTC');
    expect(await clocks.rounded(-1)).toBe('none');
    expect(sent()).toEqual([
      ['when', [token]],
      ['rounded', [2]],
      ['rounded', [2, 2]],
    ]);
  });

  it('passes the arguments of a call to its body, and nothing else', async () => {
    const { clocks } = open(['a', 'b']);
    expect(await clocks.list('x', 'y', 'z')).toEqual([3, 3, 2]);
  });

  it('sends each call that a body forwards, also twice or later', async () => {
    const { clocks, sent } = open('ok');
    expect(await clocks.prepared(4)).toBe('ok');
    expect(await clocks.twice('first')).toEqual(['ok', 'ok']);
    expect(await clocks.plain()).toBe('ok');
    expect(await clocks.plain([1, 2])).toBe('ok');
    expect(sent()).toEqual([
      ['prepared', [8, { unit: 's' }]],
      ['twice', ['first']],
      ['twice', ['second']],
      ['plain', []],
      ['plain', [[1, 2]]],
    ]);
  });

  it('lets a body call another operation', async () => {
    const { clocks, sent } = open(1000, 'done');
    expect(await clocks.through()).toBe('1000 done');
    expect(sent()).toEqual([
      ['when', [token]],
      ['through', []],
    ]);
  });

  it('rejects with the error that a body throws', async () => {
    const { clocks, sent } = open(1);
    expect(await failureOf(clocks.fails())).toMatchObject({ name: 'RangeError' });
    expect(sent()).toEqual([]);
  });

  it('keeps the options of concurrent calls apart', async () => {
    const { clocks, client } = open(1000);
    const ids: string[] = [];
    client.addListener(
      (event) => event.kind === 'request' && ids.push(`${event.operation} ${event.activityId}`),
    );
    await Promise.all([
      clocks.with({ activityId: 'one' }).through(),
      clocks.with({ activityId: 'two' }).when(token),
      clocks
        .with({ activityId: 'three' })
        .rounded(1)
        .catch(() => undefined),
    ]);
    expect(ids.toSorted()).toEqual(['rounded three', 'through one', 'when one', 'when two']);
  });

  it('runs its bodies for clients of RpcManager too', async () => {
    const { send } = new ScriptedServer({ body: '5000' });
    WebRpcManager.initializeClient({ info, send }, [Clocks]);
    expect(await Clocks.getClient().when(token)).toEqual(new Date(5000));
  });

  it('is refused, and its method named, if its constructor throws', () => {
    class Broken extends Clocks {
      static override readonly interfaceName = 'Broken';
      constructor() {
        super();
        throw new Error('not to be made');
      }
    }
    const { client } = open();
    expect(() => client.client(Broken as unknown as RpcInterfaceDefinition)).toThrow(
      'RPC definition Broken: the body of "when" cannot be run',
    );
    const { send } = new ScriptedServer();
    expect(() => WebRpcManager.initializeClient({ info, send }, [Broken])).toThrow('the body of "when"');
  });

  it('has its bodies run by the first client, and not by a relay', async () => {
    @RpcInterface(Clocks, { partial: true })
    class ClocksImpl {
      async rounded(value: number) {
        return value;
      }
    }
    @Module({ imports: [RpcModule.forRoot()], providers: [ClocksImpl] })
    class Behind {}
    const behind = await startServer(Behind, 'LinnetExpressAdapter');
    ends.push(() => behind.stop());
    const feature = {
      interface: Clocks as unknown as RpcInterfaceDefinition,
      uriPrefix: behind.url,
      expose: true,
    };
    @Module({ imports: [RpcModule.forRoot(), RpcClientModule.forFeature([feature])] })
    class Front {}
    const front = await startServer(Front, 'LinnetExpressAdapter');
    ends.push(() => front.stop());
    const clocks = createRpcClient({ uriPrefix: front.url }).client(Clocks);
    expect(await clocks.rounded(3.21)).toBe('3.2 UTC');
  });
});

it('a definition that cannot forward only declares operations by its methods', async () => {
  class Stub {
    static readonly interfaceName = 'Stub';
    static readonly interfaceVersion = '1.0.0';
    async count(): Promise<number> {
      throw new Error('answered by the server');
    }
  }
  const { send } = new ScriptedServer({ body: '7' });
  expect(await createRpcClient({ send }).client(Stub).count()).toBe(7);
});
