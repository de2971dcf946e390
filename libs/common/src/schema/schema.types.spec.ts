/* oxlint-disable typescript/no-unused-vars -- the compiler is the test */
import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import {
  ipcChannel,
  ipcError,
  isIpcError,
  isRpcError,
  rpcError,
  RpcOperation,
  rpcOperations,
} from '../index.js';
import type { RpcOperations, RpcStream } from '../index.js';

interface Receipt {
  readonly left: number;
}

abstract class Stock {
  static readonly interfaceName = 'Stock';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Stock>()({
    take: {
      args: [z.string(), v.number()],
      result: type({ left: 'number' }),
      errors: { NotEnough: z.object({ left: z.number() }), Closed: null },
    },
    find: { args: [z.string().default('all')], idempotency: 'safe' },
    list: { stream: true, args: [null], items: v.string() },
    fill: { args: [z.string(), { items: z.number() }], result: z.void() },
    sum: { args: z.array(z.number()) },
    plain: {},
  });
  abstract take(article: string, count: number): Promise<Receipt>;
  abstract find(text?: string): Promise<string[]>;
  abstract list(from: number): AsyncIterable<string>;
  abstract fill(article: string, counts: RpcStream<number>): Promise<void>;
  abstract sum(...counts: number[]): Promise<number>;
  abstract plain(): Promise<void>;
}

interface Desk {
  take(article: string, count: number): Promise<Receipt>;
  list(): AsyncIterable<string>;
}
interface Notices {
  changed(article: string, count: number): void;
}
const desk = ipcChannel<Desk, Notices>()('desk-v1', {
  methods: {
    take: {
      args: [z.string(), z.number()],
      errors: { NotEnough: z.object({ left: z.number() }), Closed: null },
    },
    list: { stream: true, items: z.string() },
  },
  notifications: { changed: { args: [z.string(), z.number()] } },
});

const never = (value: never): never => value;

describe('the compiler', () => {
  it('reports schemas that do not fit to the operations of a definition', () => {
    abstract class Wrong {
      abstract take(article: string, count: number): Promise<number>;
      abstract find(text: string | number): Promise<number>;
      abstract list(from: number): AsyncIterable<string>;
      abstract fill(counts: RpcStream<number>): Promise<void>;
    }
    const rest = { take: {}, find: {}, list: { stream: true }, fill: {} } as const;
    const operations = rpcOperations<Wrong>();
    const validate = (value: unknown) => ({ value });
    // @ts-expect-error a schema of another type
    operations({ ...rest, take: { args: [z.number(), z.number()] } });
    // @ts-expect-error a schema that refuses texts
    operations({ ...rest, find: { args: [z.number()] } });
    // @ts-expect-error too few schemas
    operations({ ...rest, take: { args: [z.string()] } });
    // @ts-expect-error too many schemas
    operations({ ...rest, take: { args: [z.string(), z.number(), z.number()] } });
    // @ts-expect-error a result of another type
    operations({ ...rest, take: { result: v.string() } });
    // @ts-expect-error a result that the schema refuses
    operations({ ...rest, take: { result: z.literal(1) } });
    // @ts-expect-error items of another type
    operations({ ...rest, list: { stream: true, items: type('number') } });
    // @ts-expect-error items of a result that is not a stream
    operations({ ...rest, take: { items: z.number() } });
    // @ts-expect-error a result of a stream
    operations({ ...rest, list: { stream: true, result: z.string() } });
    // @ts-expect-error a value where the parameter is a stream
    operations({ ...rest, fill: { args: [z.number()] } });
    // @ts-expect-error items of another type
    operations({ ...rest, fill: { args: [{ items: z.string() }] } });
    // @ts-expect-error a schema that states no types
    operations({ ...rest, find: { args: [{ '~standard': { version: 1, vendor: 'none', validate } }] } });
    // @ts-expect-error an operation that does not exist
    operations({ ...rest, took: {} });
    // @ts-expect-error a missing operation
    operations({ take: {} });
    // @ts-expect-error a misspelled option
    operations({ ...rest, take: { arguments: [z.string(), z.number()] } });
    // @ts-expect-error an error without a schema
    operations({ ...rest, take: { errors: { NotEnough: 5 } } });
    // @ts-expect-error also without the function: a schema of another type
    const annotated: RpcOperations<Wrong> = { ...rest, take: { args: [z.number(), z.number()] } };
    const right: RpcOperations<Wrong> = {
      ...rest,
      take: { args: [z.string(), z.number()], result: z.number() },
    };
    expect(operations({ ...rest, find: { args: [z.union([z.string(), z.number()])] } }).find).toBeDefined();
  });

  it('reports schemas of a decorator that do not fit to its method', () => {
    class Right {
      @RpcOperation({ args: [z.string(), z.number()], result: z.number() })
      async take(_article: string, _count: number, _activity: object) {
        return 1;
      }
      @RpcOperation({ args: [z.string().transform(Number)] })
      async parsed(_count: number) {}
      @RpcOperation({ args: [z.string().default('all')] })
      async find(_text: string) {}
      @RpcOperation({ stream: true, items: z.string(), args: [{ items: v.number() }] })
      async *list(_counts: RpcStream<number>) {
        yield 'a';
      }
      @RpcOperation()
      async plain() {}
      @RpcOperation({ idempotency: 'safe' })
      async safe() {}
    }
    class Wrong {
      // @ts-expect-error a schema of another type
      @RpcOperation({ args: [z.number()] })
      async take(_article: string) {}
      // @ts-expect-error a schema that refuses texts
      @RpcOperation({ args: [z.number()] })
      async find(_text: string | number) {}
      // @ts-expect-error a result of another type
      @RpcOperation({ result: z.number() })
      async name() {
        return 'a';
      }
      // @ts-expect-error items of another type
      @RpcOperation({ stream: true, items: z.number() })
      async *list() {
        yield 'a';
      }
    }
    expect([Right, Wrong]).toHaveLength(2);
  });

  it('reports schemas that do not fit to the methods and notifications of a channel', () => {
    const wrong = ipcChannel<Desk, Notices>();
    const list = { stream: true } as const;
    // @ts-expect-error a schema of another type
    wrong('wrong', { methods: { list, take: { args: [z.number(), z.number()] } } });
    // @ts-expect-error a schema that refuses values
    wrong('wrong', { methods: { list, take: { args: [z.string(), z.literal(1)] } } });
    // @ts-expect-error a notification of another type
    wrong('wrong', { methods: { list }, notifications: { changed: { args: [z.string(), z.string()] } } });
    // @ts-expect-error a notification that does not exist
    wrong('wrong', { methods: { list }, notifications: { gone: { args: [] } } });
    // @ts-expect-error a method that does not exist
    wrong('wrong', { methods: { list, gone: {} } });
    // @ts-expect-error a misspelled option
    wrong('wrong', { methods: { list }, notices: {} });
    // @ts-expect-error also with a name: a schema of another type
    ipcChannel<Desk, Notices>('wrong', { methods: { list, take: { args: [z.number(), z.number()] } } });
    expect(
      ipcChannel<Desk, Notices>('right', { methods: { list, take: { args: [z.string(), z.number()] } } })
        .name,
    ).toBe('right');
  });

  it('knows the names and the data of declared errors, and reports a switch that omits one', () => {
    const all = (error: unknown): number => {
      if (!isRpcError(error, Stock, 'take')) return -1;
      switch (error.name) {
        case 'NotEnough':
          return error.data.left;
        case 'Closed':
          return 0;
        default:
          return never(error);
      }
    };
    const some = (error: unknown): number => {
      if (!isRpcError(error, Stock, 'take')) return -1;
      switch (error.name) {
        case 'NotEnough':
          return error.data.left;
        default:
          // @ts-expect-error `Closed` is left
          return never(error);
      }
    };
    const onChannel = (error: unknown): number => {
      if (!isIpcError(error, desk, 'take')) return -1;
      switch (error.name) {
        case 'NotEnough':
          return error.data.left;
        case 'Closed':
          return 0;
        default:
          return never(error);
      }
    };
    const left3 = rpcError(Stock, 'take', 'NotEnough', { left: 3 });
    const closed = rpcError(Stock, 'take', 'Closed');
    expect([all(left3), all(closed), some(left3), all(new Error('NotEnough'))]).toEqual([3, 0, 3, -1]);
    expect([onChannel(ipcError(desk, 'take', 'NotEnough', { left: 4 })), onChannel(left3)]).toEqual([4, -1]);
    // @ts-expect-error a name that is not declared
    expect(() => rpcError(Stock, 'take', 'Gone')).toThrow('Stock.take does not declare an error "Gone".');
    // @ts-expect-error data of another type
    rpcError(Stock, 'take', 'NotEnough', { left: 'three' });
    // @ts-expect-error missing data
    rpcError(Stock, 'take', 'NotEnough');
    // @ts-expect-error data of an error that has none
    rpcError(Stock, 'take', 'Closed', { left: 3 });
    // @ts-expect-error an operation that does not exist
    expect(() => rpcError(Stock, 'took', 'NotEnough', { left: 3 })).toThrow('does not declare');
    // @ts-expect-error a method that does not exist
    expect(() => ipcError(desk, 'took', 'NotEnough', { left: 3 })).toThrow('does not declare');
  });
});
