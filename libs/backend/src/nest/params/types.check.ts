import { ValidationPipe } from '@nestjs/common';
import type { InstanceWrapper } from '../internals/nest.exports.js';
import type { CallParams } from './call.params.js';
import { pipesOf } from '../internals/pipeline.parts.js';
import type { NestParts } from '../internals/pipeline.parts.js';
import { SafeLogger } from '../logging/safe.logger.js';

/**
 * Warns of a method whose arguments a `ValidationPipe` cannot check, because nothing has made the compiler record their
 * types: the pipe passes them on without a word.
 *
 * @param decorator the one that has them recorded
 */
export function warnOfUnrecordedTypes(
  parts: NestParts,
  { instance, host, id }: InstanceWrapper,
  name: string,
  { isRecorded, known }: CallParams,
  decorator: string,
): void {
  if (isRecorded || !known.some(({ inject }) => !inject)) return;
  const method = (instance as Record<string, (...args: unknown[]) => unknown>)[name]!;
  const pipes = pipesOf(parts, [instance as object, method, host!.token, undefined, id]);
  if (!pipes.some((pipe) => pipe instanceof ValidationPipe)) return;
  const where = `${(instance as object).constructor.name}.${name}`;
  new SafeLogger('Validation').warn(
    `${where}: the ValidationPipe checks none of its arguments, as their types are not recorded. ` +
      `Put ${decorator} on the method, and have the compiler emit decorator metadata.`,
  );
}
