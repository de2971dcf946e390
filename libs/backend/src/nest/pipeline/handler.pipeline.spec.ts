import { describe, expect, it } from '@jest/globals';
import type { CanActivate, NestInterceptor } from '@nestjs/common';
import { map, of } from 'rxjs';
import { ALREADY_ANSWERED } from '@linnet/common/internal';
import { ExecutionContextHost } from '../internals/nest.exports.js';
import type { NestParts } from '../internals/pipeline.parts.js';
import type { HandlerCall, HandlerMethod } from './handler.call.js';
import { HandlerPipeline } from './handler.pipeline.js';

interface Enhancers {
  readonly arguments?: unknown[];
  readonly guards?: CanActivate[];
  readonly interceptors?: NestInterceptor[];
  /** A filter that is bound to the method. */
  readonly filter?: (error: unknown, events: string[]) => unknown;
}

type Method = (...args: unknown[]) => unknown;

/** Runs a method through a pipeline. @returns its outcome, and the events of its call in order */
async function run(
  method: Method,
  { guards = [], interceptors = [], filter, arguments: args = [] }: Enhancers = {},
): Promise<{ outcome: unknown; events: string[]; isPlain: boolean }> {
  const events: string[] = [];
  const filters = filter ? [{ func: (error: unknown) => filter(error, events), exceptionMetatypes: [] }] : [];
  const parts = {
    guardsContextCreator: { create: () => guards },
    interceptorsContextCreator: { create: () => interceptors },
    pipesContextCreator: { create: () => [] },
    filtersContextCreator: { create: () => ({ filters }) },
  } as unknown as NestParts;
  const handler = {
    wrapper: { host: { token: 'module' }, id: 'id' },
    name: 'method',
    params: { known: [], injects: false, maxArguments: 0 },
    errors: {},
  } as unknown as HandlerMethod;
  const call: HandlerCall = {
    arguments: args,
    contextArguments: [{}, {}],
    contextType: 'rpc',
    context: undefined,
    makeContext: (type, callback) => new ExecutionContextHost([], type, callback),
    refused: () => events.push('refused'),
    beforeFilter: () => events.push('before filter'),
    isAnswered: () => events.includes('written'),
    failed: (error) => events.push(`failed: ${(error as Error).message}`),
    done: () => events.push('done'),
  };
  const pipeline = new HandlerPipeline(parts, { method }, handler);
  const outcome = await pipeline.run(call).catch((error: unknown) => error);
  return { outcome, events, isPlain: pipeline.isPlain };
}

const fail = (message: string) => () => {
  throw new Error(message);
};
const shout: NestInterceptor = {
  intercept: (_context, next) => next.handle().pipe(map((value) => `${String(value)}!`)),
};

describe('a call through HandlerPipeline', () => {
  it.each([
    ['a value', () => 'x'],
    ['a promise', async () => 'x'],
    ['an Observable, of which the last value counts', () => of('w', 'x')],
  ])('has the result of the method, which returns %s', async (_name, method) => {
    expect(await run(method)).toMatchObject({ outcome: 'x', events: ['done'], isPlain: true });
    expect(await run(method, { interceptors: [shout] })).toMatchObject({
      outcome: 'x!',
      events: ['done'],
      isPlain: false,
    });
  });

  it('passes all arguments on if no pipe changes them', async () => {
    const { outcome } = await run((...args) => args, { arguments: [1, 2] });
    expect(outcome).toEqual([1, 2]);
  });

  it('reports its error before it is done', async () => {
    expect(await run(fail('broken'))).toMatchObject({
      outcome: new Error('broken'),
      events: ['failed: broken', 'done'],
    });
  });

  it('reports that a guard refused it, and does not call the method', async () => {
    const guards = [{ canActivate: () => true }, { canActivate: async () => false }];
    const { outcome, events } = await run(fail('called'), { guards });
    expect(outcome).toMatchObject({ message: 'Forbidden resource' });
    expect(events).toEqual(['refused', 'failed: Forbidden resource', 'done']);
  });
});

describe('an error that a bound filter catches', () => {
  it('is the outcome if the filter writes no answer', async () => {
    const { outcome, events } = await run(fail('broken'), { filter: () => undefined });
    expect(outcome).toEqual(new Error('broken'));
    expect(events).toEqual(['failed: broken', 'before filter', 'done']);
  });

  it('is answered if the filter writes an answer', async () => {
    const filter = (_error: unknown, events: string[]) => void events.push('written');
    const { outcome, events } = await run(fail('broken'), { filter });
    expect(outcome).toBe(ALREADY_ANSWERED);
    expect(events).toEqual(['failed: broken', 'before filter', 'written', 'done']);
  });

  it('is the outcome if the filter fails, also after it has written', async () => {
    const filter = (error: unknown, events: string[]) => {
      events.push('written');
      throw error;
    };
    expect((await run(fail('broken'), { filter })).outcome).toEqual(new Error('broken'));
  });
});
