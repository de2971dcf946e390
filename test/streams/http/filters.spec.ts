import { afterEach, describe, expect, it } from '@jest/globals';
import { Catch, UseFilters } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter } from '@nestjs/core';
import { RpcInterface } from '@linnet/backend';
import { createRpcClient, IModelError, RpcInterface as Definition } from '@linnet/common';
import type { RpcOperations } from '@linnet/common';
import { throwError } from 'rxjs';
import { closeApps, startApp, ways } from '../../harness/nest.harness.js';
import { all } from '../flow.js';

class Missing extends Error {}

@Catch(Missing)
class Replacing implements ExceptionFilter {
  catch() {
    return throwError(() => new IModelError(79, 'not here'));
  }
}

let runs = 0;

@Catch()
class Answering implements ExceptionFilter {
  catch(_error: unknown, host: ArgumentsHost) {
    runs++;
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: object): void } }>();
    response.status(418).send({ is: 'teapot' });
  }
}

@Catch()
class Base extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost) {
    runs++;
    super.catch(error, host);
  }
}

abstract class Items extends Definition {
  static readonly interfaceName = 'Items';
  static interfaceVersion = '1.0.0';
  static readonly operations: RpcOperations<Items> = {
    failing: { stream: true },
    replaced: { stream: true },
  };
  abstract failing(after: number): AsyncIterable<number>;
  abstract replaced(after: number): AsyncIterable<number>;
}

@RpcInterface(Items)
class ItemsImpl implements Items {
  async *failing(after: number) {
    for (let i = 0; i < after; i++) yield i;
    throw new Error('lost');
  }

  @UseFilters(Replacing)
  async *replaced(after: number) {
    for (let i = 0; i < after; i++) yield i;
    throw new Missing();
  }
}

describe.each(Object.entries(ways))('a filter of a stream over HTTP through %s', (_name, way) => {
  afterEach(closeApps);

  async function start(useClass: typeof Answering | typeof Base) {
    runs = 0;
    const providers = [ItemsImpl, { provide: APP_FILTER, useClass }];
    const app = await startApp({ way, providers, appOptions: { forceCloseConnections: true } });
    const items = createRpcClient({ uriPrefix: `http://127.0.0.1:${app.port}` }).client<Items>(Items);
    const got: number[] = [];
    const read = async (stream: AsyncIterable<number>) => {
      for await (const item of stream) got.push(item);
    };
    return { app, items, got, read };
  }

  it.each([Answering, Base])(
    '(%p) sees an error in the middle, which is answered and logged',
    async (kind) => {
      const { app, items, got, read } = await start(kind);
      await expect(read(items.failing(2))).rejects.toThrow('lost');
      expect([got, runs]).toEqual([[0, 1], 1]);
      expect(app.log.find('error', 'lost')).not.toEqual([]);
    },
  );

  it('replaces an error in the middle', async () => {
    const { items, got, read } = await start(Answering);
    await expect(read(items.replaced(2))).rejects.toMatchObject({ errorNumber: 79, message: 'not here' });
    expect(got).toEqual([0, 1]);
    await expect(all(items.replaced(0))).rejects.toMatchObject({ errorNumber: 79 });
  });

  it('answers an error before the first item', async () => {
    const { app } = await start(Answering);
    const reply = await app.call('Items.failing', [0], { Accept: 'application/vnd.linnet.stream' });
    expect([reply.status, reply.json]).toEqual([418, { is: 'teapot' }]);
  });
});
