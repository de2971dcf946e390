import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClassSerializerInterceptor, Module, ParseArrayPipe, Body, ValidationPipe } from '@nestjs/common';
import { UseInterceptors } from '@nestjs/common';
import type { INestApplication, ValidationPipeOptions } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import {
  IpcChannel,
  IpcMethod,
  IpcModule,
  memoryIpc,
  RpcInterface,
  RpcModule,
  RpcOperation,
} from '@linnet/backend';
import { createRpcClient, IpcFrontend, rpcOverIpc } from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import { Expose, Type } from 'class-transformer';
import { IsDefined, IsOptional, IsString, ValidateBy, ValidateNested } from 'class-validator';
import { definitionOf, ways } from '../../../harness/nest.harness.js';

const kinds = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

class Layer {
  @IsString()
  name!: string;
  @IsDefined()
  pixels!: unknown;
}

class Picture {
  @IsString()
  name!: string;
  @ValidateBy({
    name: 'isView',
    validator: {
      validate: (value) => ArrayBuffer.isView(value),
      defaultMessage: () => 'pixels are no array',
    },
  })
  pixels!: Uint8Array;
  @IsOptional()
  @Type(() => Uint8Array)
  declared?: Uint8Array;
  @ValidateNested({ each: true })
  @Type(() => Layer)
  layers!: Layer[];
}

class Rules {
  @IsString()
  name!: string;
}

class Shown {
  @Expose()
  readonly name = 'shown';
  constructor(readonly pixels: unknown) {}
}

class Store {
  async put(picture: Picture) {
    return [picture.pixels, picture.declared, picture.layers[0]!.pixels];
  }
  async raw(_name: string, pixels: Uint8Array) {
    return pixels;
  }
  async ruled(rules: Rules) {
    return rules;
  }
  async each(layers: Layer[]) {
    return layers[0]!.pixels;
  }
  async shown(pixels: unknown) {
    return [new Shown(pixels), { pixels }, pixels];
  }
}

const definition = definitionOf('Store', 'put', 'raw', 'ruled', 'each', 'shown');

@RpcInterface(definition)
class StoreImpl {
  @RpcOperation()
  put(picture: Picture) {
    return new Store().put(picture);
  }
  @RpcOperation()
  raw(name: string, pixels: Uint8Array) {
    return new Store().raw(name, pixels);
  }
  @RpcOperation()
  ruled(rules: Rules) {
    return new Store().ruled(rules);
  }
  each(@Body(new ParseArrayPipe({ items: Layer })) layers: Layer[]) {
    return new Store().each(layers);
  }
  @UseInterceptors(ClassSerializerInterceptor)
  shown(pixels: unknown) {
    return new Store().shown(pixels);
  }
}

@IpcChannel('store')
class StoreHandler {
  @IpcMethod()
  put(picture: Picture) {
    return new Store().put(picture);
  }
  @IpcMethod()
  raw(name: string, pixels: Uint8Array) {
    return new Store().raw(name, pixels);
  }
  @IpcMethod()
  floats(pixels: Float32Array) {
    return pixels;
  }
  @IpcMethod()
  ruled(rules: Rules) {
    return new Store().ruled(rules);
  }
  @IpcMethod()
  each(@Body(new ParseArrayPipe({ items: Layer })) layers: Layer[]) {
    return new Store().each(layers);
  }
  @IpcMethod()
  @UseInterceptors(ClassSerializerInterceptor)
  shown(pixels: unknown) {
    return new Store().shown(pixels);
  }
}

const pipes: Record<string, ValidationPipeOptions | undefined> = {
  'no pipe': undefined,
  'ValidationPipe()': {},
  '{ transform }': { transform: true },
  '{ whitelist }': { whitelist: true },
  '{ transform, whitelist, forbidNonWhitelisted }': {
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
  },
  '{ transform, implicit conversion, forbidUnknownValues }': {
    transform: true,
    forbidUnknownValues: true,
    transformOptions: { enableImplicitConversion: true },
  },
};

/** Calls over a transport: `raw('a', bytes)`. */
type Calls = Record<string, (...args: unknown[]) => Promise<any>>;
interface Transport {
  readonly way: (typeof ways)[string];
  /** Whether it carries typed arrays beside bytes. */
  readonly everyKind: boolean;
  connect(app: INestApplication, url: string): { calls: Calls; end?: () => void };
}

const overHttp = (way: (typeof ways)[string]): Transport => ({
  way,
  everyKind: false,
  connect: (_app, uriPrefix) => ({ calls: createRpcClient({ uriPrefix }).client(definition) as never }),
});
const overIpc = (open: (app: INestApplication, url: string) => IpcFrontend, rpc = false): Transport => ({
  way: ways['LinnetExpressAdapter']!,
  everyKind: true,
  connect: (app, url) => {
    const frontend = open(app, url);
    const calls = rpc
      ? createRpcClient({ transport: rpcOverIpc(frontend) }).client(definition)
      : frontend.makeIpcProxy<any>('store');
    return { calls: calls as never, end: () => frontend.close() };
  },
});
const socket = (compatible: boolean) => (_app: INestApplication, url: string) =>
  new IpcFrontend(webSocketIpc(`${url.replace('http', 'ws')}/ipc`, { compatible }), { reconnect: false });
const memory = (app: INestApplication) => new IpcFrontend(memoryIpc(app), { reconnect: false });

const transports: Record<string, Transport> = {
  ...Object.fromEntries(Object.entries(ways).map(([name, way]) => [`HTTP by way of ${name}`, overHttp(way)])),
  'IPC on the compatible wire': overIpc(socket(true)),
  'IPC on the durable wire': overIpc(socket(false)),
  'IPC in memory': overIpc(memory),
  'RPC over IPC': overIpc(socket(false), true),
};

describe.each(
  Object.entries(transports).flatMap(([name, transport]) =>
    Object.entries(pipes).map(([label, options]) => ({ name, transport, label, options })),
  ),
)('typed arrays over $name under $label', ({ transport, options }) => {
  let app: INestApplication;
  let calls: Calls;
  let end: (() => void) | undefined;
  beforeAll(async () => {
    @Module({
      imports: [RpcModule.forRoot(), IpcModule.forRoot()],
      providers: [StoreImpl, StoreHandler, Reflector],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, transport.way.adapter(), { logger: false });
    transport.way.prepare?.(app);
    if (options) app.useGlobalPipes(new ValidationPipe(options));
    await app.listen(0, '127.0.0.1');
    ({ calls, end } = transport.connect(app, `http://127.0.0.1:${app.getHttpServer().address().port}`));
  });
  afterAll(async () => {
    end?.();
    await app.close();
  });
  const carried = transport.everyKind ? kinds : kinds.slice(0, 1);

  it.each(carried.map((kind) => [kind.name, kind.of(1, 2, 3)] as const))(
    'are not changed as members of a class (%s)',
    async (_kind, pixels) => {
      const layer = { name: 'l', pixels };
      const picture = { name: 'a', pixels, layers: [layer] };
      expect(await calls['put']!(picture)).toEqual([pixels, null, pixels]);
      expect(await calls['put']!({ ...picture, declared: Uint8Array.of(9) })).toEqual([
        pixels,
        Uint8Array.of(9),
        pixels,
      ]);
      expect(await calls['each']!([layer])).toEqual(pixels);
    },
  );

  it('are not changed as arguments', async () => {
    const pixels = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
    expect(await calls['raw']!('a', pixels)).toEqual(pixels);
    expect(await calls['raw']!('a')).toBeUndefined();
    if (transport.everyKind && 'floats' in calls)
      expect(await calls['floats'](Float32Array.of(1.5, 2))).toEqual(Float32Array.of(1.5, 2));
  });

  it.each(carried.map((kind) => [kind.name, kind.of(1, 2, 3)] as const))(
    'are not changed in results of a ClassSerializerInterceptor (%s)',
    async (_kind, pixels) => {
      expect(await calls['shown']!(pixels)).toEqual([{ name: 'shown', pixels }, { pixels }, pixels]);
    },
  );

  if (options) {
    it('are refused for a parameter of another type, and other values for their type', async () => {
      await expect(calls['ruled']!(Uint8Array.of(1))).rejects.toMatchObject({ name: 'BadRequestException' });
      await expect(calls['raw']!('a', { 0: 1 })).rejects.toThrow('Uint8Array is expected');
      const picture = { name: 'a', pixels: 'text', layers: [{ name: 'l', pixels: 1 }] };
      await expect(calls['put']!(picture)).rejects.toThrow('pixels are no array');
      const nested = { name: 'a', pixels: Uint8Array.of(1), layers: [Uint8Array.of(1)] };
      await expect(calls['put']!(nested)).rejects.toThrow('layers');
    });
  }
});
