import {
  BadRequestException,
  ClassSerializerInterceptor,
  ParseArrayPipe,
  ValidationPipe,
} from '@nestjs/common';
import type { NestInterceptor, PipeTransform } from '@nestjs/common';
import { map } from 'rxjs';
import { aroundValidation, replaceItemTransform } from '../internals/nest.patches.js';
import { replaceAgain, replaceViews, restoreViews } from './typed.array.placeholders.js';
import type { Place } from './typed.array.placeholders.js';

/** An interceptor that keeps typed arrays in results: `instanceToPlain` makes `{"0":1,…}` of them. */
export function shieldedInterceptor(interceptor: NestInterceptor): NestInterceptor {
  if (!(interceptor instanceof ClassSerializerInterceptor)) return interceptor;
  return {
    async intercept(context, next) {
      const handle = () => next.handle().pipe(map((value) => replaceViews(value)));
      const results = await interceptor.intercept(context, { handle });
      return results.pipe(map((value) => restoreViews(value)));
    },
  };
}

/**
 * A pipe that keeps typed arrays in arguments: `plainToInstance`, the first step of a `ValidationPipe`, makes empty ones of
 * them. Validators see the arrays themselves.
 */
export function shieldedPipe(pipe: PipeTransform): PipeTransform {
  if (pipe instanceof ParseArrayPipe) replaceItemTransform(pipe, shieldedTransform);
  return pipe instanceof ValidationPipe ? { transform: shieldedTransform(pipe) } : pipe;
}

function shieldedTransform(pipe: ValidationPipe): ValidationPipe['transform'] {
  const transform = pipe.transform.bind(pipe);
  aroundValidation(pipe, restore, replace);
  return async (value: unknown, metadata) => {
    const { metatype, type } = metadata;
    // Not an argument of the caller: a session or a request is not to be copied.
    if (type === 'custom') return transform(value, metadata);
    if (isViewClass(metatype)) return checkView(value, metatype);
    if (ArrayBuffer.isView(value)) {
      // Copied by class-transformer as what it is, and refused where a class has rules.
      await transform(Buffer.from(value.buffer, value.byteOffset, value.byteLength), metadata);
      return value;
    }
    const replaced = replaceViews(value);
    const result: unknown = await transform(replaced, metadata);
    return replaced === value ? result : restoreViews(result);
  };
}

function isViewClass(type: unknown): type is new () => ArrayBufferView {
  return typeof type === 'function' && (type === DataView || 'BYTES_PER_ELEMENT' in type);
}

/** @throws BadRequestException if an argument is not of its parameter's type; one that is left out passes */
function checkView(value: unknown, type: new () => ArrayBufferView): unknown {
  // A Buffer is one of the platform: bytes are what it is declared for.
  const expected = (type as unknown) === Buffer ? Uint8Array : type;
  if (value === undefined || value === null || value instanceof expected) return value;
  throw new BadRequestException(`Validation failed (${expected.name} is expected)`);
}

/** By argument, the places in which validators see typed arrays. */
const restored = new WeakMap<object, Place[]>();

function restore(entity: object): void {
  const places = restored.get(entity) ?? [];
  restoreViews(entity, places);
  if (places.length > 0) restored.set(entity, places);
}

function replace(entity: object): void {
  replaceAgain(restored.get(entity) ?? []);
}
