import {
  BentleyCloudRpcManager,
  NoContentError as ITwinNoContentError,
  RpcInterface as ITwinInterface,
  RpcManager,
  RpcOperation,
  RpcRequest,
  RpcRequestEvent,
  RpcResponseCacheControl,
  RpcRoutingToken,
} from '@itwin/core-common';
import type { IModelRpcProps } from '@itwin/core-common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  IModelError,
  IModelStatus,
  NoContentError,
  RpcInterface,
  RpcModule,
  RpcNotFoundResponse,
  RpcPendingResponse,
} from '@linnet/backend';
import { startServer } from '../../../conformance/tables/server.js';
import type { TestServer } from '../../../conformance/tables/server.js';

// The definition is written for iTwin.js, and served as it is.
class WarehouseRpcInterface extends ITwinInterface {
  static readonly interfaceName = 'WarehouseRpcInterface';
  static interfaceVersion = '1.2.0';
  async count(_token: IModelRpcProps, _kinds: string[]): Promise<number> {
    return this.forward(arguments);
  }
  async tokenOf(_token: IModelRpcProps): Promise<IModelRpcProps> {
    return this.forward(arguments);
  }
  async survey(_token: IModelRpcProps, _key: string): Promise<string> {
    return this.forward(arguments);
  }
  async find(_token: IModelRpcProps, _name: string): Promise<string> {
    return this.forward(arguments);
  }
  async nothing(_token: IModelRpcProps): Promise<void> {
    return this.forward(arguments);
  }
  async scan(_token: IModelRpcProps, _bytes: Uint8Array): Promise<{ bytes: Uint8Array; size: number }> {
    return this.forward(arguments);
  }
  async fail(_token: IModelRpcProps, _message: string): Promise<void> {
    return this.forward(arguments);
  }
  @RpcOperation.allowResponseCaching(RpcResponseCacheControl.Immutable)
  async floorPlan(_token: IModelRpcProps, _level: number): Promise<string> {
    return this.forward(arguments);
  }
  @RpcOperation.setPolicy({ allowResponseCompression: false })
  async uncompressed(_token: IModelRpcProps): Promise<string> {
    return this.forward(arguments);
  }
}

class Misplaced extends RpcNotFoundResponse {
  hint = 'crate-7';
}

@RpcInterface(WarehouseRpcInterface)
class WarehouseImpl {
  readonly #surveys = new Map<string, number>();
  async count(_token: IModelRpcProps, kinds: string[]) {
    return kinds.length;
  }
  async tokenOf(token: IModelRpcProps) {
    return token;
  }
  async survey(_token: IModelRpcProps, key: string) {
    const done = (this.#surveys.get(key) ?? -1) + 1;
    this.#surveys.set(key, done);
    if (done < 3) throw new RpcPendingResponse(`${done} of 3 shelves`);
    return `${key}: done`;
  }
  async find(_token: IModelRpcProps, name: string) {
    if (name === 'lost') throw new Misplaced();
    return `found ${name}`;
  }
  async nothing() {
    throw new NoContentError();
  }
  async scan(_token: IModelRpcProps, bytes: Uint8Array) {
    return { bytes: bytes.toReversed(), size: bytes.byteLength };
  }
  async fail(_token: IModelRpcProps, message: string) {
    throw new IModelError(IModelStatus.AlreadyLoaded, message);
  }
  async floorPlan(_token: IModelRpcProps, level: number) {
    return `plan ${level}`;
  }
  async uncompressed() {
    return 'x'.repeat(5000);
  }
}

@Module({
  imports: [RpcModule.forRoot({ info: { title: 'warehouse', version: 'v1' } })],
  providers: [WarehouseImpl],
})
class WarehouseModule {}

const token: IModelRpcProps = {
  key: 'k',
  iTwinId: 'it',
  iModelId: 'hall 7/b',
  changeset: { id: 'c1', index: 4 },
};

/** The bytes that the client sends and gets. */
const seen: { method: string; url: string; response: Response }[] = [];
const plainFetch = globalThis.fetch;

// Two backends at once, each on another adapter, told apart by routing tokens.
const routes = [RpcRoutingToken.generate('express'), RpcRoutingToken.generate('fastify')];
const adapters = ['LinnetExpressAdapter', 'Fastify'];
const servers: TestServer[] = [];
const clients: WarehouseRpcInterface[] = [];

beforeAll(async () => {
  globalThis.fetch = async (input, init) => {
    const response = await plainFetch(input, init);
    const url = input instanceof Request ? input.url : String(input);
    seen.push({ method: init?.method ?? 'GET', url, response: response.clone() });
    return response;
  };
  for (const [i, adapter] of adapters.entries()) {
    const server = await startServer(WarehouseModule, adapter);
    const config = BentleyCloudRpcManager.initializeClient(
      { info: { title: `title${i}`, version: 'v1' }, uriPrefix: server.url },
      [WarehouseRpcInterface],
      routes[i],
    );
    config.pendingOperationRetryInterval = 5;
    servers.push(server);
    clients.push(RpcManager.getClientForInterface(WarehouseRpcInterface, routes[i]));
  }
});
afterAll(async () => {
  globalThis.fetch = plainFetch;
  for (const server of servers) await server.stop();
});

describe.each(adapters)('the iTwin.js client and a server on %s', (adapter) => {
  const index = adapters.indexOf(adapter);
  const client = () => clients[index]!;
  const last = () => seen.at(-1)!;

  it('exchange calls at the path that the client has configured', async () => {
    expect(await client().count(token, ['a', 'b'])).toBe(2);
    expect(last().url).toBe(
      `${servers[index]!.url}/title${index}/v1/mode/1/context/it/imodel/hall%207%2Fb/changeset/c1/WarehouseRpcInterface-1.2.0-count`,
    );
  });

  it('exchange tokens, bytes and errors', async () => {
    const { iModelId, ...rest } = await client().tokenOf(token);
    // The path wins, and is not decoded (as in the reference).
    expect({ iModelId, ...rest }).toEqual({ ...token, iModelId: 'hall%207%2Fb' });
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    expect(await client().scan(token, bytes)).toStrictEqual({ bytes: bytes.toReversed(), size: 100_000 });
    await expect(client().fail(token, 'twice')).rejects.toMatchObject({
      errorNumber: IModelStatus.AlreadyLoaded,
      message: 'twice',
      name: 'Already Loaded',
    });
  });

  it('repeat a pending call, and report its progress', async () => {
    const progress: string[] = [];
    const remove = RpcRequest.events.addListener((type, request) => {
      if (type === RpcRequestEvent.PendingUpdateReceived) progress.push(request.extendedStatus);
    });
    expect(await client().survey(token, adapter)).toBe(`${adapter}: done`);
    remove();
    expect(progress).toEqual(['0 of 3 shelves', '1 of 3 shelves', '2 of 3 shelves']);
  });

  it('repair a request that is answered with "not found", and repeat it', async () => {
    const remove = RpcRequest.notFoundHandlers.addListener((request, response: any, resubmit) => {
      expect(response).toEqual({ message: 'Not found', hint: 'crate-7' });
      request.parameters[1] = response.hint;
      resubmit();
    });
    expect(await client().find(token, 'lost')).toBe('found crate-7');
    remove();
    await expect(client().find(token, 'lost')).rejects.toMatchObject({ errorNumber: 32768 });
  });

  it('exchange the answer "no content"', async () => {
    await expect(client().nothing(token)).rejects.toBeInstanceOf(ITwinNoContentError);
  });

  it('let caches keep the answers that the definition allows', async () => {
    expect(await client().floorPlan(token, 3)).toBe('plan 3');
    expect(last().method).toBe('GET');
    expect(last().response.headers.get('cache-control')).toBe('s-maxage=86400, max-age=172800, immutable');
    expect(await client().count(token, [])).toBe(0);
    expect(last().response.headers.get('cache-control')).toBeNull();
  });

  it('compress answers, unless the definition forbids it', async () => {
    expect(await client().uncompressed(token)).toHaveLength(5000);
    expect(last().response.headers.get('content-encoding')).toBeNull();
    await client().scan(token, new Uint8Array(5000));
    expect(last().response.headers.get('content-encoding')).toMatch(/^(br|gzip)$/);
  });

  it('settle 200 calls at once, each with its own result', async () => {
    const calls = Array.from({ length: 200 }, (_, i) => {
      const kinds: (() => Promise<unknown>)[] = [
        () => client().count(token, Array<string>(i).fill('x')),
        () => client().find(token, `crate ${i}`),
        async () => (await client().scan(token, new Uint8Array(i * 10))).size,
        () => client().floorPlan(token, i),
        () =>
          client()
            .fail(token, `m${i}`)
            .catch((error: Error) => error.message),
      ];
      return kinds[i % 5]!();
    });
    const expected = Array.from(
      { length: 200 },
      (_, i) => [i, `found crate ${i}`, i * 10, `plan ${i}`, `m${i}`][i % 5],
    );
    expect(await Promise.all(calls)).toEqual(expected);
  });
});

it('the iTwin.js client reads the endpoints of its backends, and that they fit', async () => {
  RpcManager.setIModel(token);
  const served = {
    interfaceName: 'WarehouseRpcInterface',
    interfaceVersion: '1.2.0',
    operationNames: [
      'count',
      'tokenOf',
      'survey',
      'find',
      'nothing',
      'scan',
      'fail',
      'floorPlan',
      'uncompressed',
    ],
  };
  const fitting = { ...served, compatible: true };
  expect(await RpcManager.describeAvailableEndpoints()).toEqual([fitting, fitting]);
});
