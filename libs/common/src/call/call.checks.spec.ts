import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { DeclaredError } from '../schema/declared.error.js';
import type { CallSchemas } from '../schema/call.schemas.js';
import type { SchemaIssue, StandardSchema } from '../schema/standard.schema.js';
import { StreamResult } from '../stream/stream.js';
import { itemsOf } from '../stream/stream.items.js';
import { checksOf, noticeCheck } from './call.checks.js';
import { checkError } from './checked.value.js';

/** A schema whose `validate` is given. */
const schemaOf = (validate: (value: unknown) => unknown): StandardSchema =>
  ({ '~standard': { version: 1, vendor: 'test', validate } }) as StandardSchema;
const refusing = (...issues: unknown[]) => schemaOf(() => ({ issues: issues as SchemaIssue[] }));

/** The arguments after their check. */
const check = async (args: CallSchemas['args'], ...values: unknown[]): Promise<unknown[]> => {
  await checksOf('Stock.take', { args: args! })!.checkArguments!(values);
  return values;
};
const refusalOf = async (args: CallSchemas['args'], ...values: unknown[]): Promise<any> =>
  check(args, ...values).then(
    () => 'accepted',
    (error: unknown) => error,
  );
const resultOf = async (schemas: CallSchemas, value: unknown): Promise<unknown> =>
  checksOf('Stock.take', schemas, schemas.items !== undefined)!.checkResult!(value);

const libraries: Record<string, { box: StandardSchema; later: StandardSchema; filled: StandardSchema }> = {
  zod: {
    box: z.object({ size: z.object({ width: z.number() }) }),
    later: z.string().refine(async (text) => text !== 'taken', 'is taken'),
    filled: z.string().default('all'),
  },
  valibot: {
    box: v.object({ size: v.object({ width: v.number() }) }),
    later: v.pipeAsync(
      v.string(),
      v.checkAsync(async (text) => text !== 'taken', 'is taken'),
    ),
    filled: v.optional(v.string(), 'all'),
  },
  arktype: {
    box: type({ size: { width: 'number' } }),
    later: schemaOf(async (value) => (value === 'taken' ? { issues: [{ message: 'is taken' }] } : { value })),
    filled: schemaOf((value) => ({ value: value ?? 'all' })),
  },
};

describe.each(Object.entries(libraries))('schemas of %s', (_library, { box, later, filled }) => {
  it('pass a value on, and refuse another one with its place and without the value', async () => {
    expect(await check([null, box], 1, { size: { width: 2 } })).toEqual([1, { size: { width: 2 } }]);
    const refusal = await refusalOf([null, box], 1, { size: { width: 'secret' } });
    expect(refusal).toMatchObject({ name: 'ValidationError', errorNumber: 65542 });
    expect(refusal.details).toEqual([
      { argument: 2, path: ['size', 'width'], message: expect.stringMatching(/number/) },
    ]);
    expect(refusal.message).toMatch(/^Stock\.take: argument 2, size\.width: .*number/);
    expect(JSON.stringify(refusal) + refusal.message).not.toContain('secret');
  });

  it('may be asynchronous', async () => {
    expect(await check([later, null], 'free', 1)).toEqual(['free', 1]);
    const refusal = await refusalOf([null, later], 1, 'taken');
    expect(refusal.details).toEqual([{ argument: 2, path: [], message: 'is taken' }]);
  });

  it('give the method what they return, also for a missing argument', async () => {
    expect(await check([filled])).toEqual(['all']);
  });
});

describe('the check of arguments', () => {
  it('returns no promise where no schema returns one', () => {
    const values = ['a'];
    expect(checksOf('Stock.take', { args: [z.string()] })!.checkArguments!(values)).toBeUndefined();
  });

  it('leaves a missing argument missing, and refuses one too many', async () => {
    expect(await check([z.string().optional(), null])).toHaveLength(0);
    const refusal = await refusalOf([z.string()], 'a', 'b');
    expect(refusal.details).toEqual([{ argument: 2, path: [], message: 'at most 1 arguments are allowed' }]);
  });

  it('accepts one schema of the whole list', async () => {
    const list = z.array(z.coerce.number());
    expect(await check(list, '1', 2)).toEqual([1, 2]);
    const refusal = await refusalOf(z.tuple([z.string(), z.object({ a: z.number() })]), 'a', { a: 'b' });
    expect(refusal.details).toMatchObject([{ argument: 2, path: ['a'] }]);
    await expect(check(schemaOf(() => ({ value: 5 })) as never, 1)).rejects.toThrow('did not return a list');
  });

  it('checks the items of a stream when they are read, and stops the producer of a wrong one', async () => {
    let left = false;
    const source = async function* () {
      try {
        yield 1;
        yield 'two';
      } finally {
        left = true;
      }
    };
    const [stream] = (await check([{ items: z.number() }], source())) as [AsyncIterable<number>];
    const read: number[] = [];
    const reading = (async () => {
      for await (const item of stream) read.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ details: [{ argument: 1, item: 2, path: [] }] });
    expect([read, left]).toEqual([[1], true]);
    expect(await refusalOf([{ items: z.number() }], 5)).toMatchObject({
      message: 'Stock.take: argument 1: expected a stream.',
    });
  });

  it.each([
    ['a list of schemas', { args: [{}] }],
    ['a list', { args: {} }],
    ['a schema of items', { args: [{ items: 5 }] }],
    ['a result', { result: {} }],
    ['items', { items: { '~standard': {} } }],
    ['an error', { errors: { NotEnough: {} } }],
  ])('is refused at start if %s is not a schema', (_what, schemas) => {
    expect(() => checksOf('Stock.take', schemas as never)).toThrow(/^Stock\.take: .* is not a schema/);
  });
});

describe('hostile values', () => {
  it('get a bounded number of bounded issues back', async () => {
    const refusal = await refusalOf(
      [z.array(z.number())],
      Array.from({ length: 10_000 }, () => 'x'.repeat(99)),
    );
    expect(refusal.details).toHaveLength(20);
    const long = refusing({
      message: 'm'.repeat(10_000),
      path: Array.from({ length: 1000 }, () => 'k'.repeat(1000)),
    });
    const { details, message } = await refusalOf([long], 1);
    expect(JSON.stringify(details).length + message.length).toBeLessThan(20_000);
  });

  it('reach no prototype by the names of their members', async () => {
    const hostile = JSON.parse(
      '{"__proto__":{"width":"x"},"constructor":{"prototype":{"polluted":true}}}',
    ) as object;
    const open = z.record(z.string(), z.number());
    const refusal = await refusalOf([open], hostile);
    expect(refusal.details.map(({ path }: { path: unknown[] }) => path[0])).toContain('constructor');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(
      await refusalOf([refusing({ message: 'm', path: ['__proto__', Symbol('s'), { key: 'a' }, 3] })], 1),
    ).toMatchObject({ details: [{ path: ['__proto__', 'Symbol(s)', 'a', 3] }] });
  });

  it.each([
    [
      'throws',
      schemaOf(() => {
        throw new Error('10.0.0.7');
      }),
    ],
    [
      'rejects',
      schemaOf(async () => {
        throw new Error('10.0.0.7');
      }),
    ],
    [
      'throws without an error',
      schemaOf(() => {
        throw null;
      }),
    ],
    ['returns nothing', schemaOf(() => undefined)],
    ['returns issues that are not a list', schemaOf(() => ({ issues: [null] }))],
  ])('meet a schema that %s: an error that callers do not see', async (_what, schema) => {
    const { exposureOf } = await import('../error/error.members.js');
    expect(exposureOf(await refusalOf([schema], 1))).toBe('hidden');
  });
});

describe('the check of results', () => {
  it('returns what the schema returns, and reports a result that breaks it as a fault of the server', async () => {
    expect(await resultOf({ result: z.object({ left: z.number() }) }, { left: 1, secret: 2 })).toEqual({
      left: 1,
    });
    await expect(resultOf({ result: z.object({ left: z.number() }) }, { left: 'x' })).rejects.toMatchObject({
      name: 'SchemaFault',
      message: expect.stringMatching(/^Stock\.take: The result breaks its schema: left: /),
    });
  });

  it('checks each item of a stream', async () => {
    const source = (function* () {
      yield* [1, 2, 'three', 4];
    })();
    const items = itemsOf(source)!;
    const stream = (await resultOf({ items: z.number() }, new StreamResult(items))) as StreamResult;
    expect([await stream.items.next(), await stream.items.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ]);
    await expect(stream.items.next()).rejects.toThrow('Stock.take: Item 3 breaks its schema');
    expect(await items.next()).toMatchObject({ done: true });
  });
});

describe('the check of declared errors', () => {
  const errorOf = (error: unknown) => new Promise<unknown>((resolve) => checkError(error, resolve));
  const errors = { NotEnough: z.object({ left: z.number() }) };
  const declared = (data: unknown) => new DeclaredError('Stock.take', 'NotEnough', errors, data);

  it('sends data as the schema returns it', async () => {
    expect(await errorOf(declared({ left: 3, secret: 1 }))).toMatchObject({ data: { left: 3 } });
    expect(((await errorOf(declared({ left: 3, secret: 1 }))) as DeclaredError).data).not.toHaveProperty(
      'secret',
    );
  });

  it('replaces an error whose data break the schema, and passes all other errors on', async () => {
    expect(await errorOf(declared({ left: 'x' }))).toMatchObject({
      name: 'SchemaFault',
      message: expect.stringContaining('Stock.take, error NotEnough: The data breaks its schema'),
    });
    const other = new Error('other');
    expect(await errorOf(other)).toBe(other);
    const proxy = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('no');
        },
      },
    );
    expect(await errorOf(proxy)).toBe(proxy);
  });
});

describe('the check of notifications', () => {
  it('reports a notification that breaks its schema as a fault of the sender', async () => {
    const sync = noticeCheck('stock.changed', { args: [z.number()] })!;
    expect(() => sync(['x'])).toThrow(expect.objectContaining({ name: 'SchemaFault' }));
    const later = noticeCheck('stock.changed', { args: [z.number().refine(async () => false)] })!;
    await expect(later([1])).rejects.toMatchObject({ name: 'SchemaFault' });
  });
});
