import { expect, it } from '@jest/globals';
import { createFetchServer, createRpcClient, inMemoryHttp, ipcChannel, RpcInterface } from '@linnet/common';
import type { RpcOperations, RpcProxy, RpcStream } from '@linnet/common';
import { until } from '../harness/waiting.js';
import { all, numbers } from './flow.js';

abstract class Tiles extends RpcInterface {
  static readonly interfaceName = 'Tiles';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Tiles> = {
    query: { stream: true },
    upload: {},
    both: { stream: true },
    name: {},
  };
  abstract query(box: string): AsyncIterable<number>;
  abstract upload(name: string, content: RpcStream<Uint8Array>): Promise<string>;
  abstract both(items: RpcStream<number>, options?: { fast: boolean }): AsyncIterable<string>;
  abstract name<T>(value: T): Promise<T>;
}

/** Its operations have bodies, which run in clients. */
abstract class Depths extends RpcInterface {
  static readonly interfaceName = 'Depths';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Depths> = {
    metres: { stream: true },
    feet: { stream: true },
    sum: {},
  };
  metres(_to: number): AsyncIterable<number> {
    return this.forward(arguments);
  }
  async *feet(to: number): AsyncIterable<number> {
    const metres: AsyncIterable<number> = this.forward(to, 'metres');
    for await (const depth of metres) yield 3 * depth;
  }
  sum(_depths: RpcStream<number>): Promise<number> {
    return this.forward(arguments);
  }
}

interface Log {
  tail(service: string): AsyncIterable<string>;
  clear(): Promise<void>;
}

/** The compiler checks what is in here; nothing of it runs. */
function checked(
  tiles: RpcProxy<Tiles>,
  depths: RpcProxy<Depths>,
  file: File,
  numbers: AsyncIterable<number>,
): unknown[] {
  const items: AsyncIterable<number> = tiles.query('a');
  const receipts: Promise<string>[] = [
    tiles.upload('a', file),
    tiles.upload('a', new Blob([])),
    tiles.upload('a', file.stream()),
    tiles.upload('a', new Response().body!),
  ];
  const both: AsyncIterable<string> = tiles.both(numbers);
  const generic: Promise<5> = tiles.name(5 as const);
  const bodies: AsyncIterable<number>[] = [depths.metres(3), depths.feet(3)];
  // @ts-expect-error -- a body does not change the type of the argument
  void depths.metres('3');
  const sum: Promise<number> = depths.sum(numbers);
  // @ts-expect-error -- text is not a stream
  void depths.sum('text');
  // @ts-expect-error -- text is not a stream
  void tiles.upload('a', 'text');
  // @ts-expect-error -- a Blob has no numbers
  void tiles.both(file);
  // @ts-expect-error -- these items are not bytes
  void tiles.upload('a', numbers);
  // @ts-expect-error -- `query` is a stream, and is not declared as one
  const undeclared: RpcOperations<Tiles> = { query: {}, upload: {}, both: { stream: true }, name: {} };
  const name = { stream: true } as const;
  // @ts-expect-error -- `name` is not a stream
  const value: RpcOperations<Tiles>['name'] = name;
  // @ts-expect-error -- `tail` is a stream, and has to be declared
  const channel = ipcChannel<Log>('log');
  // @ts-expect-error -- a list cannot declare `tail`
  const listed = ipcChannel<Log>('log', { methods: ['tail'] });
  const declared = ipcChannel<Log>('log', { methods: { tail: { stream: true }, clear: {} } });
  return [items, receipts, both, generic, bodies, sum, undeclared, value, channel, listed, declared];
}

it('a client has the operations of a definition with streams', () => {
  expect(checked).toBeInstanceOf(Function);
  const tiles = createRpcClient({ send: inMemoryHttp({} as never) }).client(Tiles);
  expect(Object.keys(tiles).toSorted()).toEqual(['both', 'name', 'query', 'upload']);
});

it('a client runs the bodies of streaming operations', async () => {
  const ended: string[] = [];
  const { service } = createFetchServer({
    interfaces: [
      [
        Depths,
        {
          metres: (to: number) => numbers(to, () => ended.push('metres')),
          feet: (to: number, unit?: string) => numbers(to, () => ended.push(`feet of ${unit}`)),
          sum: async (depths: RpcStream<number>) => (await all(depths)).reduce((sum, depth) => sum + depth),
        },
      ],
    ],
  });
  const depths = createRpcClient({ send: inMemoryHttp(service.handler) }).client(Depths);
  expect(await all(depths.metres(3))).toEqual([0, 1, 2]);
  expect(await all(depths.feet(3))).toEqual([0, 3, 6]);
  expect(await depths.sum(numbers(4))).toBe(6);
  for await (const depth of depths.feet(1e9)) if (depth === 3) break;
  await until(() => ended.length === 3);
  expect(ended).toEqual(['metres', 'feet of metres', 'feet of metres']);
});
