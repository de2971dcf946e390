import {
  BadRequestException,
  ClassSerializerInterceptor,
  ParseArrayPipe,
  ValidationPipe,
} from '@nestjs/common';
import type { NestInterceptor, PipeTransform } from '@nestjs/common';
import { map } from 'rxjs';
import { hideAgain, hideViews, showViews } from './view.shield.js';
import type { Place } from './view.shield.js';

/** The parts of a `ValidationPipe` that stand between its two libraries; `nest.internals.spec.ts` knows them. */
interface ValidationSteps {
  findNestedBinaryValues?: (entity: object, ...more: unknown[]) => unknown;
  validate: (entity: object, options?: unknown) => unknown;
}

/** An interceptor that leaves typed arrays in results as they are: `instanceToPlain` makes `{"0":1,…}` of them. */
export function shieldedInterceptor(interceptor: NestInterceptor): NestInterceptor {
  if (!(interceptor instanceof ClassSerializerInterceptor)) return interceptor;
  return {
    async intercept(context, next) {
      const handle = () => next.handle().pipe(map((value) => hideViews(value)));
      const results = await interceptor.intercept(context, { handle });
      return results.pipe(map((value) => showViews(value)));
    },
  };
}

/**
 * A pipe that leaves typed arrays in arguments as they are: `plainToInstance`, by which a `ValidationPipe` begins, makes
 * empty ones of them. Validators see the arrays themselves.
 */
export function shieldedPipe(pipe: PipeTransform): PipeTransform {
  if (pipe instanceof ParseArrayPipe) {
    // Its items pass through a pipe of its own.
    const { validationPipe } = pipe as unknown as { validationPipe: ValidationPipe };
    if (!prepared.has(validationPipe)) validationPipe.transform = shieldedTransform(validationPipe);
  }
  return pipe instanceof ValidationPipe ? { transform: shieldedTransform(pipe) } : pipe;
}

function shieldedTransform(pipe: ValidationPipe): ValidationPipe['transform'] {
  const transform = pipe.transform.bind(pipe);
  showBeforeValidation(pipe);
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
    const hidden = hideViews(value);
    const result: unknown = await transform(hidden, metadata);
    return hidden === value ? result : showViews(result);
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

const prepared = new WeakSet<object>();

/** Has a pipe see the arrays again between its libraries: after `plainToInstance`, and before `instanceToPlain`. */
function showBeforeValidation(pipe: ValidationPipe): void {
  if (prepared.has(pipe)) return;
  prepared.add(pipe);
  const steps = pipe as unknown as ValidationSteps;
  const { findNestedBinaryValues, validate } = steps;
  const shown = new WeakMap<object, Place[]>();
  const show = (entity: object) => {
    const places = shown.get(entity) ?? [];
    showViews(entity, places);
    if (places.length > 0) shown.set(entity, places);
  };
  if (findNestedBinaryValues)
    steps.findNestedBinaryValues = (entity, ...more) => {
      // With more arguments it asks itself about members.
      if (more.length === 0) show(entity);
      return findNestedBinaryValues.call(pipe, entity, ...more);
    };
  steps.validate = async (entity, options) => {
    show(entity);
    const errors = await validate.call(pipe, entity, options);
    hideAgain(shown.get(entity) ?? []);
    return errors;
  };
}
