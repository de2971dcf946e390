import { isThenable, settle } from '../base/settle.js';
import { textOf } from '../base/text.js';
import { DeclaredError } from '../schema/declared.error.js';
import { SchemaFault } from '../schema/schema.errors.js';
import { refusedParts } from '../schema/schema.issues.js';
import type { RefusedPart } from '../schema/schema.issues.js';
import type { SchemaIssue, StandardSchema } from '../schema/standard.schema.js';

/** @returns the value that a schema returns, or a promise of it */
export function checked(
  schema: StandardSchema,
  value: unknown,
  refusal: (issues: readonly SchemaIssue[]) => Error,
  name: string,
): unknown {
  let result: unknown;
  try {
    result = schema['~standard'].validate(value);
    if (isThenable(result))
      return Promise.resolve(result).then(
        (settled) => outputOf(settled, refusal, name),
        (error: unknown) => {
          throw failed(name, error);
        },
      );
  } catch (error) {
    throw failed(name, error);
  }
  return outputOf(result, refusal, name);
}

function outputOf(
  result: unknown,
  refusal: (issues: readonly SchemaIssue[]) => Error,
  name: string,
): unknown {
  if (typeof result !== 'object' || result === null) throw failed(name, 'it returned no result');
  const { issues, value } = result as { issues?: readonly SchemaIssue[]; value?: unknown };
  if (!issues) return value;
  throw refusal(issues);
}

function failed(name: string, cause: unknown): SchemaFault {
  return new SchemaFault(`${name}: a schema failed: ${textOf(cause)}`, { cause });
}

/** The error of a server whose own value breaks a schema. */
export function resultFault(name: string, value: string, issues: readonly SchemaIssue[]): SchemaFault {
  const parts = refusedParts(issues, 0).map(inWords);
  return new SchemaFault(`${name}: ${value} breaks its schema: ${parts.join('; ')}`);
}

function inWords({ path, message }: RefusedPart): string {
  return path.length > 0 ? `${path.join('.')}: ${message}` : message;
}

/**
 * Checks the data of a declared error by its schema, once. Any other error is passed on as it is.
 *
 * @param done called once with the error that the caller gets
 */
export function checkError(error: unknown, done: (error: unknown) => void): void {
  const declared = declaredOf(error);
  if (!declared?.schema) {
    done(error);
    return;
  }
  const { declaredBy, name, data } = declared;
  const call = `${declaredBy}, error ${name}`;
  settle(
    () => checked(declared.schema!, data, (issues) => resultFault(call, 'The data', issues), call),
    (output) => {
      declared.setChecked(output);
      done(declared);
    },
    done,
  );
}

function declaredOf(error: unknown): DeclaredError | undefined {
  try {
    return error instanceof DeclaredError ? error : undefined;
  } catch {
    // A proxy may throw when its prototype is read.
    return undefined;
  }
}
