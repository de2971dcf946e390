import { isThenable } from '../base/settle.js';
import { itemsOf } from '../stream/stream.items.js';
import { leaveItems } from '../stream/reading.js';
import { StreamResult } from '../stream/stream.js';
import type { StreamItems } from '../stream/stream.js';
import { has } from '../stream/stream.source.js';
import { isItems } from '../schema/call.schemas.js';
import type { CallSchemas, ParameterSchema } from '../schema/call.schemas.js';
import { SchemaFault, SchemaRefusal } from '../schema/schema.errors.js';
import { refusedParts } from '../schema/schema.issues.js';
import type { SchemaIssue, StandardSchema } from '../schema/standard.schema.js';
import { checked, checkError, resultFault } from './checked.value.js';

/**
 * Checks the arguments of a call, and puts what the schemas return in their places.
 *
 * @returns a promise if a schema is asynchronous
 * @throws SchemaRefusal, or rejects with it, if an argument breaks its schema; SchemaFault if a schema itself fails
 */
export type CheckArguments = (args: unknown[]) => void | Promise<void>;

/** The checks of an operation or of a method, made once from its schemas. */
export interface CallChecks {
  /** Missing if the arguments have no schemas. */
  readonly checkArguments?: CheckArguments;
  /**
   * Checks a result, or makes a stream check its items. Missing if neither has a schema. It returns what the schema returns, or a
   * promise of it, and throws or rejects with a SchemaFault.
   */
  readonly checkResult?: (result: unknown) => unknown;
}

/**
 * Makes the checks of a call.
 *
 * @param name names the call in errors: `Stock.take`
 * @param isStream whether the result is a stream, whose declared errors end it
 * @returns `undefined` if there is nothing to check
 * @throws Error if a member is not a schema
 */
export function checksOf(
  name: string,
  schemas: CallSchemas | undefined,
  isStream = false,
): CallChecks | undefined {
  if (!schemas) return undefined;
  const { args, result, items, errors = {} } = schemas;
  for (const [member, schema] of [...Object.entries({ result, items }), ...Object.entries(errors)])
    if (schema !== undefined && schema !== null) assertSchema(schema, `${name}: "${member}"`);
  return {
    ...(args && { checkArguments: argumentsCheck(name, args) }),
    ...(isStream &&
      (items ?? schemas.errors) && {
        checkResult: (value: unknown) => checkedStream(name, value, items),
      }),
    ...(result && {
      checkResult: (value: unknown) =>
        checked(result, value, (issues) => resultFault(name, 'The result', issues), name),
    }),
  };
}

/** Whether an argument is declared as a stream. */
export function takesStream({ args }: CallSchemas = {}): boolean {
  return Array.isArray(args) && (args as readonly ParameterSchema[]).some(isItems);
}

/** The check of a notification. One that breaks its schema is a fault of its sender: a SchemaFault. */
export function noticeCheck(name: string, schemas: Pick<CallSchemas, 'args'>): CheckArguments | undefined {
  const check = checksOf(name, schemas)?.checkArguments;
  if (!check) return undefined;
  const fail = (error: unknown): never => {
    throw error instanceof SchemaRefusal ? new SchemaFault(error.message) : error;
  };
  return (args) => {
    try {
      const pending = check(args);
      return pending?.catch(fail);
    } catch (error) {
      return fail(error);
    }
  };
}

/** Checks what the other side has answered. @returns what the schema returns @throws SchemaFault (rejection) */
export async function checkedAnswer(name: string, schema: StandardSchema, value: unknown): Promise<unknown> {
  return checked(schema, value, (issues) => resultFault(name, 'The answer', issues), name);
}

/** Checks arguments, and then runs work. */
export function afterCheck<T>(
  check: CheckArguments | undefined,
  args: unknown[],
  work: () => T,
): T | Promise<Awaited<T>> {
  const pending = check?.(args);
  return pending ? (pending.then(work) as Promise<Awaited<T>>) : work();
}

function argumentsCheck(name: string, args: NonNullable<CallSchemas['args']>): CheckArguments {
  if (!Array.isArray(args)) return listCheck(name, args as StandardSchema);
  const schemas = args as readonly ParameterSchema[];
  const parameters = schemas.map((schema, index) => {
    const each = isItems(schema) ? schema.items : schema;
    if (each !== null) assertSchema(each, `${name}: "args", argument ${index + 1},`);
    return schema;
  });
  return (values) => {
    if (values.length > parameters.length)
      throw new SchemaRefusal(name, [
        {
          argument: parameters.length + 1,
          path: [],
          message: `at most ${parameters.length} arguments are allowed`,
        },
      ]);
    return checkFrom(name, parameters, values, 0);
  };
}

/** Checks the arguments from one on, without promises as long as schemas return none. */
function checkFrom(
  name: string,
  parameters: readonly ParameterSchema[],
  values: unknown[],
  first: number,
): void | Promise<void> {
  for (let index = first; index < parameters.length; index++) {
    const schema = parameters[index]!;
    if (schema === null) continue;
    const value = checkedArgument(name, schema, values[index], index + 1);
    if (isThenable(value))
      return Promise.resolve(value).then((output) => {
        values[index] = output;
        return checkFrom(name, parameters, values, index + 1);
      });
    // A missing argument stays missing, so that the method can count its arguments.
    if (value !== undefined || index < values.length) values[index] = value;
  }
}

function checkedArgument(
  name: string,
  schema: Exclude<ParameterSchema, null>,
  value: unknown,
  argument: number,
): unknown {
  if (isItems(schema)) return checkedUpload(name, schema.items, value, argument);
  return checked(schema, value, (issues) => new SchemaRefusal(name, refusedParts(issues, argument)), name);
}

function listCheck(name: string, schema: StandardSchema): CheckArguments {
  assertSchema(schema, `${name}: "args"`);
  const refusal = (issues: readonly SchemaIssue[]) => new SchemaRefusal(name, refusedParts(issues));
  return (values) => {
    const list = checked(schema, values, refusal, name);
    const fill = (output: unknown) => {
      if (!Array.isArray(output))
        throw new SchemaFault(`${name}: the schema of the arguments did not return a list.`);
      values.splice(0, Infinity, ...(output as unknown[]));
    };
    return isThenable(list) ? Promise.resolve(list).then(fill) : fill(list);
  };
}

/** A stream from the caller, whose items are checked as they are read. */
function checkedUpload(name: string, schema: StandardSchema, value: unknown, argument: number): unknown {
  if (!has(value, Symbol.asyncIterator))
    throw new SchemaRefusal(name, [{ argument, path: [], message: 'expected a stream' }]);
  const refusal = (issues: readonly SchemaIssue[], item: number) =>
    new SchemaRefusal(name, refusedParts(issues, argument, item));
  return { [Symbol.asyncIterator]: () => checkedItems(itemsOf(value)!, schema, refusal, name) };
}

function checkedStream(name: string, value: unknown, schema: StandardSchema | undefined): unknown {
  const refusal = (issues: readonly SchemaIssue[], item: number) => resultFault(name, `Item ${item}`, issues);
  if (value instanceof StreamResult)
    return new StreamResult(checkedItems(value.items, schema, refusal, name));
  const items = itemsOf(value);
  // Its caller reports a result that is not a stream.
  if (!items) return value;
  return { [Symbol.asyncIterator]: () => checkedItems(items, schema, refusal, name) };
}

function checkedItems(
  items: StreamItems,
  schema: StandardSchema | undefined,
  refusal: (issues: readonly SchemaIssue[], item: number) => Error,
  name: string,
): StreamItems {
  let count = 0;
  return {
    async next() {
      let result: IteratorResult<unknown>;
      try {
        result = await items.next();
      } catch (error) {
        return new Promise<never>((_, reject) => checkError(error, reject));
      }
      if (result.done || !schema) return result;
      const item = ++count;
      try {
        const value = await checked(schema, result.value, (issues) => refusal(issues, item), name);
        return { done: false, value };
      } catch (error) {
        leaveItems(items);
        throw error;
      }
    },
    return: () => items.return(),
  };
}

function assertSchema(schema: unknown, where: string): void {
  const standard = (Object(schema) as Partial<StandardSchema>)['~standard'];
  if (typeof standard?.validate !== 'function')
    throw new Error(`${where} is not a schema: it has no "~standard".validate (https://standardschema.dev).`);
}
