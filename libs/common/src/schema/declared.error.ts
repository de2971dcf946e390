import { GENERAL_ERROR, NumberedError } from '../base/numbered.error.js';
import type { ErrorSchemas } from './call.schemas.js';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard.schema.js';

/** The names of declared errors; any text if the type of the declaration does not have them. */
export type DeclaredErrorName<Errors> = unknown extends Errors ? string : keyof Errors & string;

/** The data of an error and its options, as the thrower passes them. */
export type DeclaredErrorArguments<Errors, Name> = unknown extends Errors
  ? [data?: unknown, options?: DeclaredErrorOptions]
  : Name extends keyof Errors
    ? Errors[Name] extends StandardSchema<unknown, unknown>
      ? [data: SchemaInput<Errors[Name]>, options?: DeclaredErrorOptions]
      : [data?: undefined, options?: DeclaredErrorOptions]
    : never;

/** The declared errors as a union by their names, with the types of their data. */
export type DeclaredErrorOf<Errors> = unknown extends Errors
  ? DeclaredErrorLike<string, unknown>
  : {
      [Name in keyof Errors & string]: DeclaredErrorLike<
        Name,
        Errors[Name] extends StandardSchema<unknown, unknown> ? SchemaOutput<Errors[Name]> : undefined
      >;
    }[keyof Errors & string];

/** A declared error, as its caller gets it. */
export interface DeclaredErrorLike<Name extends string, Data> extends NumberedError {
  /** The name in the declaration. */
  readonly name: Name;
  /** The data, as the schema of the error returns it; `undefined` for an error without data. */
  readonly data: Data;
}

/** How a declared error looks to clients that do not know its declaration. */
export interface DeclaredErrorOptions {
  /** For people. Default: a sentence with the names of the error and of the operation. */
  readonly message?: string | undefined;
  /** For clients that distinguish errors by numbers. Default: 32768. */
  readonly errorNumber?: number | undefined;
}

/** An error that an operation or a method declares. */
export class DeclaredError<Name extends string = string> extends NumberedError {
  /** The name in the declaration. */
  declare readonly name: Name;
  /** The declaration: `Stock.take`. Both sides compare it, as another operation may have an error of the same name. */
  readonly declaredBy: string;
  /** The data for the caller. */
  readonly data: unknown;
  #schema: StandardSchema | null;

  /** @throws TypeError if the error is not declared */
  constructor(
    declaredBy: string,
    name: Name,
    errors: ErrorSchemas | undefined,
    data: unknown,
    { message, errorNumber = GENERAL_ERROR }: DeclaredErrorOptions = {},
  ) {
    if (!errors || !Object.hasOwn(errors, name))
      throw new TypeError(`${declaredBy} does not declare an error "${name}".`);
    super(errorNumber, name, message ?? `${declaredBy} failed: ${name}.`);
    this.declaredBy = declaredBy;
    this.data = data;
    this.#schema = errors[name]!;
  }

  /** @internal The schema that has yet to check the data. */
  get schema(): StandardSchema | null {
    return this.#schema;
  }

  /** @internal Sets the data as its schema has returned it. */
  setChecked(data: unknown): void {
    (this as { data: unknown }).data = data;
    this.#schema = null;
  }

  /** Whether a value is an error that `errors` declares, in this process or as a caller got it. */
  static isOf(error: unknown, declaredBy: string, errors: ErrorSchemas | undefined): boolean {
    if (!(error instanceof Error) || !errors) return false;
    return (error as Partial<DeclaredError>).declaredBy === declaredBy && Object.hasOwn(errors, error.name);
  }
}
