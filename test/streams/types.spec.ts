import { expect, it } from '@jest/globals';
import { createRpcClient, inMemoryHttp, ipcChannel, RpcInterface } from '@linnet/common';
import type { RpcOperations, RpcProxy, RpcStream } from '@linnet/common';

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

interface Log {
  tail(service: string): AsyncIterable<string>;
  clear(): Promise<void>;
}

/** The compiler checks what is in here; nothing of it runs. */
function checked(tiles: RpcProxy<Tiles>, file: File, numbers: AsyncIterable<number>): unknown[] {
  const items: AsyncIterable<number> = tiles.query('a');
  const receipts: Promise<string>[] = [
    tiles.upload('a', file),
    tiles.upload('a', new Blob([])),
    tiles.upload('a', file.stream()),
    tiles.upload('a', new Response().body!),
  ];
  const both: AsyncIterable<string> = tiles.both(numbers);
  const generic: Promise<5> = tiles.name(5 as const);
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
  return [items, receipts, both, generic, undeclared, value, channel, listed, declared];
}

it('a client has the operations of a definition with streams', () => {
  expect(checked).toBeInstanceOf(Function);
  const tiles = createRpcClient({ send: inMemoryHttp({} as never) }).client(Tiles);
  expect(Object.keys(tiles).toSorted()).toEqual(['both', 'name', 'query', 'upload']);
});
