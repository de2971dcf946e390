import { NumberedError } from '../base/numbered.error.js';
import type { RefusedPart } from './schema.issues.js';

/** `IModelStatus.BadRequest`, whose status is 400, without the table of numbers. */
const BAD_REQUEST = 65542;

/** The most parts that a message names. `details` has more. */
const MOST_NAMED = 5;

/** The caller sent arguments that break their schemas. */
export class SchemaRefusal extends NumberedError {
  constructor(
    call: string,
    /** The parts of the arguments that were refused. */
    readonly details: readonly RefusedPart[],
  ) {
    const named = details.slice(0, MOST_NAMED).map(inWords);
    super(
      BAD_REQUEST,
      'ValidationError',
      `${call}: ${named.join('; ') || 'the arguments break their schema'}.`,
    );
  }
}

function inWords({ argument, item, path, message }: RefusedPart): string {
  const where = [
    argument === undefined ? 'arguments' : `argument ${argument}`,
    item !== undefined && `item ${item}`,
    path.length > 0 && path.join('.'),
  ];
  return `${where.filter(Boolean).join(', ')}: ${message}`;
}

/** The server broke a schema itself, or a schema does not work. Callers get "Internal error". */
export class SchemaFault extends Error {
  override readonly name = 'SchemaFault';
}
