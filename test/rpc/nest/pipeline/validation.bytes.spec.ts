import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClassSerializerInterceptor, ParseArrayPipe, Body, ValidationPipe } from '@nestjs/common';
import { UseInterceptors } from '@nestjs/common';
import type { INestApplication, ValidationPipeOptions } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { IpcChannel, IpcMethod, RpcInterface, RpcOperation } from '@linnet/backend';
import { Expose, Type } from 'class-transformer';
import { IsDefined, IsOptional, IsString, ValidateBy, ValidateNested } from 'class-validator';
import { definitionOf } from '../../../harness/nest.harness.js';
import { startOver, transports } from './transports.js';
import type { Calls } from './transports.js';

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

describe.each(
  Object.entries(transports).flatMap(([name, transport]) =>
    Object.entries(pipes).map(([label, options]) => ({ name, transport, label, options })),
  ),
)('typed arrays over $name under $label', ({ transport, options }) => {
  let calls: Calls;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const configure = (app: INestApplication) => options && app.useGlobalPipes(new ValidationPipe(options));
    const providers = [StoreImpl, StoreHandler, Reflector];
    ({ calls, stop } = await startOver(transport, { definition, channel: 'store', providers, configure }));
  });
  afterAll(() => stop());
  const carried = transport.carriesEveryKind ? kinds : kinds.slice(0, 1);

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
    expect(await calls['raw']!('a', pixels)).toStrictEqual(pixels);
    expect(await calls['raw']!('a')).toBeUndefined();
    if (transport.carriesEveryKind && 'floats' in calls)
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
