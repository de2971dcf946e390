import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createRpcServer } from '@linnet/backend/node';
import { createFetchServer, createRpcClient, RpcInterface } from '@linnet/common';
import { natsServer, natsTransport } from '@linnet/nats';
import { hasNats, startNats } from '../harness/nats.server.js';
import { until } from '../harness/waiting.js';
import { observe } from '../../libs/common/src/base/observer.js';
import type { CallEnd } from '../../libs/common/src/base/observer.js';

const ITEM = 1000;

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  static readonly operations = { query: { stream: true } } as const;
  async one(_bytes: number): Promise<Uint8Array> {
    return this.forward(arguments);
  }
  async text(_characters: number): Promise<string> {
    return this.forward(arguments);
  }
  query(_items: number, _pauses: boolean): AsyncIterable<Uint8Array> {
    return this.forward(arguments) as never;
  }
}

const tilesImpl = {
  one: async (bytes: number) => new Uint8Array(bytes),
  text: async (characters: number) => '€'.repeat(characters),
  async *query(items: number, pauses: boolean) {
    for (let i = 0; i < items; i++) {
      yield new Uint8Array(ITEM);
      if (pauses) await new Promise(setImmediate);
    }
  },
};

/** Everything that an observer sees of the answers of a server. */
const seen = { out: 0, items: 0, ends: [] as CallEnd['kind'][] };
const ends: (() => unknown)[] = [];
const interfaces = [[Tiles, tilesImpl]] as const;
const send = globalThis.fetch;
const client = (uriPrefix: string) => createRpcClient({ uriPrefix }).client(Tiles);
/** Has clients send their requests by other means than `fetch`. */
const sendBy = (other: (request: Request) => Promise<Response>) => {
  const spy = jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation((url, init) => other(new Request(url, init)));
  ends.push(() => spy.mockRestore());
};

/** Servers without compression, each with a client. */
const transports: Record<string, () => Promise<ReturnType<typeof client>>> = {
  'node:http': async () => {
    const server = createServer(createRpcServer({ interfaces }).handler);
    ends.push(() => server.close());
    ends.push(() => server.closeAllConnections());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    sendBy((request) => {
      request.headers.set('accept-encoding', 'identity');
      return send(request);
    });
    return client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  },
  'a fetch server': async () => {
    const server = createFetchServer({ interfaces });
    sendBy((request) => server.fetch(request));
    return client('http://localhost');
  },
  ...(hasNats && {
    NATS: async () => {
      const nats = await startNats();
      ends.push(() => nats.stop());
      const where = { servers: nats.servers, service: 'tiles' };
      const server = createRpcServer({ interfaces });
      await server.listen(natsServer(where));
      ends.push(() => server.close(0));
      const transport = natsTransport(where);
      ends.push(() => transport.close());
      return createRpcClient({ transport }).client(Tiles);
    },
  }),
};

describe.each(Object.entries(transports))('an observer of answers over %s', (_name, connect) => {
  let tiles: ReturnType<typeof client>;
  let forget: () => void;

  beforeAll(async () => {
    forget = observe({
      body: (direction, bytes) => {
        if (direction === 'out') seen.out += bytes;
      },
      call: ({ side }) =>
        side === 'client'
          ? undefined
          : {
              trace: undefined,
              run: (work) => work(),
              step: ({ kind }) => {
                if (kind === 'item') seen.items++;
              },
              end: ({ kind }) => void seen.ends.push(kind),
            },
    });
    tiles = await connect();
  });
  afterEach(() => {
    Object.assign(seen, { out: 0, items: 0, ends: [] });
  });
  afterAll(async () => {
    forget();
    for (const end of ends.splice(0).toReversed()) await end();
  });

  /** The bytes that were sent, which are those of the items and a few for their heads. */
  const expectSent = async (bytes: number) => {
    await until(() => seen.ends.length > 0 && seen.out >= bytes);
    expect(seen.out).toBeLessThan(bytes * 1.1 + 500);
  };

  it.each([ITEM, 3_000_000])('counts a result of %d bytes', async (bytes) => {
    expect(await tiles.one(bytes)).toHaveLength(bytes);
    await expectSent(bytes);
    expect(seen.ends).toEqual(['result']);
  });

  it('counts a text by its bytes, not by its characters', async () => {
    expect(await tiles.text(ITEM)).toHaveLength(ITEM);
    await expectSent(3 * ITEM);
  });

  it.each([
    ['is whole in one turn', 3, false],
    ['takes many turns', 30, true],
    ['takes many frames', 3000, false],
  ])('counts items, bytes and the end of a stream that %s', async (_case, items, pauses) => {
    let received = 0;
    for await (const { byteLength } of tiles.query(items, pauses)) received += byteLength;
    expect(received).toBe(items * ITEM);
    await expectSent(received);
    expect([seen.items, seen.ends]).toEqual([items, ['result']]);
  });
});
