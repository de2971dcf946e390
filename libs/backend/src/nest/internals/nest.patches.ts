// Methods of Nest 12.5.1 that are replaced on single objects of an application. Nothing is replaced for all objects of a class.

import type { INestApplicationContext, ParseArrayPipe, ValidationPipe } from '@nestjs/common';
import type { AbstractHttpAdapter, LazyModuleLoader } from '@nestjs/core';

const closing = new WeakSet<object>();

/**
 * Runs work before anything else of an application ends, once for each application. `prepareClose` is protected; it is the
 * first step of `close`, and an application without an HTTP adapter has no public hook as early.
 */
export function beforeClose(app: INestApplicationContext, work: () => Promise<void>): void {
  if (closing.has(app)) return;
  closing.add(app);
  const target = app as unknown as { prepareClose(): Promise<void> };
  const prepareClose = target.prepareClose.bind(app);
  target.prepareClose = async () => {
    await work();
    await prepareClose();
  };
}

/**
 * Runs work before an HTTP adapter closes its server. `beforeClose` is public, but for adapters to implement: Nest awaits its
 * result, whatever its type says, and offers applications no hook before the modules are destroyed.
 */
export function beforeAdapterCloses(adapter: AbstractHttpAdapter, work: () => Promise<void>): void {
  const target = adapter as unknown as { beforeClose(): unknown };
  const original = target.beforeClose.bind(adapter);
  target.beforeClose = async () => {
    await work();
    await original();
  };
}

const loaders = new WeakMap<LazyModuleLoader, (() => void)[]>();

/**
 * Runs work whenever an application has loaded a module lazily. `load` is public, but Nest has no hook for it. If the work
 * throws, loading rejects with the error.
 */
export function onLazyModule(loader: LazyModuleLoader, work: () => void): void {
  const known = loaders.get(loader);
  if (known) {
    known.push(work);
    return;
  }
  const all = [work];
  loaders.set(loader, all);
  const load = loader.load.bind(loader);
  loader.load = async (...args) => {
    const moduleRef = await load(...args);
    for (const each of all) each();
    return moduleRef;
  };
}

/** The protected steps of a `ValidationPipe` between class-transformer and class-validator. */
interface ValidationSteps {
  findNestedBinaryValues?: (entity: object, ...more: unknown[]) => unknown;
  validate: (entity: object, options?: unknown) => unknown;
}

const pipes = new WeakSet<ValidationPipe>();

/**
 * Runs functions around the validation of each argument in a pipe: `before` after `plainToInstance`, and `after` before
 * `instanceToPlain`. Both libraries change typed arrays, and a pipe has no public step between them.
 */
export function aroundValidation(
  pipe: ValidationPipe,
  before: (entity: object) => void,
  after: (entity: object) => void,
): void {
  if (pipes.has(pipe)) return;
  pipes.add(pipe);
  const steps = pipe as unknown as ValidationSteps;
  const { findNestedBinaryValues, validate } = steps;
  if (findNestedBinaryValues)
    steps.findNestedBinaryValues = (entity, ...more) => {
      // With more arguments it calls itself for members.
      if (more.length === 0) before(entity);
      return findNestedBinaryValues.call(pipe, entity, ...more);
    };
  steps.validate = async (entity, options) => {
    before(entity);
    const errors = await validate.call(pipe, entity, options);
    after(entity);
    return errors;
  };
}

/**
 * Replaces the `transform` of the pipe that a `ParseArrayPipe` uses for its items, which is a protected member of it.
 *
 * @param replacement makes the new function, and calls {@link aroundValidation}
 */
export function replaceItemTransform(
  pipe: ParseArrayPipe,
  replacement: (itemPipe: ValidationPipe) => ValidationPipe['transform'],
): void {
  const { validationPipe } = pipe as unknown as { validationPipe: ValidationPipe };
  if (!pipes.has(validationPipe)) validationPipe.transform = replacement(validationPipe);
}
