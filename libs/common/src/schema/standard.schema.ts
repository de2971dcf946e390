/**
 * A schema of any library that follows [Standard Schema](https://standardschema.dev), such as zod, valibot and arktype. The types
 * are those of the standard, so that no package is needed.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The interface of the standard. */
  readonly '~standard': {
    /** The version of the standard. */
    readonly version: 1;
    /** The library of the schema. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** The types of the value, before and after the check. It exists for the compiler only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The outcome of a check: the value, which the schema may have changed, or what is wrong with it. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** A fault of a value. */
export interface SchemaIssue {
  /** The expectation that the value does not meet. */
  readonly message: string;
  /** The way from the value to the part that has the fault. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that a schema accepts. */
export type SchemaInput<S> =
  S extends StandardSchema<unknown, unknown> ? NonNullable<S['~standard']['types']>['input'] : never;

/** The type that a schema returns. */
export type SchemaOutput<S> =
  S extends StandardSchema<unknown, unknown> ? NonNullable<S['~standard']['types']>['output'] : never;
