import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClassSerializerInterceptor, UseGuards, UseInterceptors, ValidationPipe } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { IpcChannel, IpcMethod, RpcInterface, RpcOperation } from '@linnet/backend';
import { ipcChannel } from '@linnet/common';
import type { RpcStream } from '@linnet/common';
import { refused } from '../../conformance/tables/values.js';
import { startOver, transports } from '../../rpc/nest/pipeline/transports.js';
import type { Calls } from '../../rpc/nest/pipeline/transports.js';
import { all } from '../flow.js';

const pixels = Uint8Array.of(1, 2, 3);

class Methods {
  async *unsendable(index: number, after: number) {
    for (let i = 0; i < after; i++) yield i;
    yield refused[index]!.value;
  }
  async take(items: RpcStream<unknown>) {
    return (await all(items)).length;
  }
  async *shown() {
    for (let i = 0; i < 2; i++) yield { pixels, list: [pixels] };
  }
}

const operations = { unsendable: { stream: true }, shown: { stream: true }, take: {} } as const;
const channel = ipcChannel<Methods>('streams', { methods: operations });
const definition = class Streams {
  static readonly interfaceName = 'Streams';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = operations;
};
const Guarded = UseGuards({ canActivate: () => true });

@RpcInterface(definition)
class StreamsImpl extends Methods {
  @RpcOperation()
  override take(items: RpcStream<unknown>) {
    return super.take(items);
  }
  @UseInterceptors(ClassSerializerInterceptor)
  override shown() {
    return super.shown();
  }
}
@RpcInterface(definition)
@Guarded
class GuardedImpl extends StreamsImpl {}
@IpcChannel(channel)
class StreamsHandler extends Methods {
  @IpcMethod()
  override take(items: RpcStream<unknown>) {
    return super.take(items);
  }
  @IpcMethod()
  @UseInterceptors(ClassSerializerInterceptor)
  override shown() {
    return super.shown();
  }
  @IpcMethod()
  override unsendable(index: number, after: number) {
    return super.unsendable(index, after);
  }
}
@IpcChannel(channel)
@Guarded
class GuardedHandler extends StreamsHandler {}

const withStreams = Object.entries(transports).filter(([name]) => !name.includes('compatible'));

describe.each(
  withStreams.flatMap(([name, transport]) => [
    { name, transport, label: 'plain', providers: [StreamsImpl, StreamsHandler] },
    { name, transport, label: 'guarded', providers: [GuardedImpl, GuardedHandler] },
  ]),
)('streams of $label methods over $name', ({ transport, providers }) => {
  let calls: Calls;
  let stop: () => Promise<void>;
  const stream = (...args: unknown[]) =>
    all((calls['unsendable'] as unknown as (...args: unknown[]) => AsyncIterable<unknown>)(...args));
  beforeAll(async () => {
    const configure = (app: INestApplication) =>
      app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
    ({ calls, stop } = await startOver(transport, {
      definition: definition,
      channel: channel as never,
      providers: [...providers, Reflector],
      configure,
    }));
  });
  afterAll(() => stop());

  it.each(refused.map(({ name }, index) => [name, index] as const))(
    'end with an error that names operation, place and remedy of an item that cannot be sent (%s)',
    async (_name, index) => {
      const error = (operation: string) =>
        expect.stringMatching(
          new RegExp(
            `^(\\w+\\.)?${operation}: The value cannot be sent: ${escaped(refused[index]!.message)}`,
          ),
        );
      for (const after of [0, 2])
        await expect(stream(index, after)).rejects.toMatchObject({ message: error('unsendable') });
      async function* items() {
        yield 1;
        yield refused[index]!.value;
      }
      await expect(calls['take']!(items())).rejects.toMatchObject({ message: error('take') });
    },
  );

  it('keep the bytes of items', async () => {
    const shown = (calls['shown'] as unknown as () => AsyncIterable<unknown>)();
    expect(await all(shown)).toEqual([
      { pixels, list: [pixels] },
      { pixels, list: [pixels] },
    ]);
    async function* items() {
      yield { pixels };
      yield pixels;
    }
    expect(await calls['take']!(items())).toBe(2);
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.[\]]/g, String.raw`\$&`);
}
