import type { SchemaInput, SchemaOutput, StandardSchema } from './standard.schema.js';

/** The schema of a parameter. `null`: the parameter is not checked. A parameter that is a stream has a schema of its items. */
export type ParameterSchema = StandardSchema | ItemsSchema | null;

/** The schema of the items of a parameter that is a stream. */
export interface ItemsSchema {
  /** Checks each item before the method gets it. */
  readonly items: StandardSchema;
}

/** The schemas of the errors that a call declares, by their names. `null`: the error has no data. */
export type ErrorSchemas = Readonly<Record<string, StandardSchema | null>>;

/** The schemas of an operation of RPC, or of a method of a channel. Each of them is optional. */
export interface CallSchemas {
  /**
   * A list with the schema of each parameter, or one schema of the whole list of arguments. Arguments are checked after guards
   * and before pipes, and the method gets what the schemas return. More arguments than schemas are refused.
   */
  readonly args?: readonly ParameterSchema[] | StandardSchema;
  /** The schema of the result. A result that breaks it is a fault of the server: it is logged, and never sent. */
  readonly result?: StandardSchema;
  /** The schema of each item of a result that is a stream. */
  readonly items?: StandardSchema;
  /** The errors that the method can throw, by name, with the schema of their data. */
  readonly errors?: ErrorSchemas;
}

/** Whether a parameter is a stream, whose items have a schema. */
export function isItems(schema: ParameterSchema): schema is ItemsSchema {
  return schema !== null && !('~standard' in Object(schema));
}

const schemaMembers = ['args', 'result', 'items', 'errors'] as const;

/** The schemas among the members of options. Later options override earlier ones. @returns `undefined` without schemas */
export function schemasIn(...options: readonly unknown[]): CallSchemas | undefined {
  const found: Record<string, unknown> = {};
  for (const each of options)
    for (const member of schemaMembers) {
      const schema = (each as CallSchemas | undefined)?.[member];
      if (schema !== undefined) found[member] = schema;
    }
  return Object.keys(found).length > 0 ? found : undefined;
}

// The types below compare schemas with the types of a method. `Fitting…` is what the compiler can compare by assignment alone: that
// the method gets, and the caller gets, only values of the declared types. `Checked…` also compares what a schema accepts.

type IsAny<T> = 0 extends 1 & T ? true : false;

type FittingParameter<P> =
  IsAny<P> extends true
    ? ParameterSchema
    : NonNullable<P> extends AsyncIterable<infer Item>
      ? { readonly items: StandardSchema<unknown, Item> } | null
      : StandardSchema<unknown, P> | null;

type FittingArguments<Args extends readonly unknown[]> = number extends Args['length']
  ? StandardSchema<unknown, Args>
  : { readonly [I in keyof Args]-?: FittingParameter<Args[I]> } | StandardSchema<unknown, Args>;

/** The schemas that a method of this type can have. */
export type FittingSchemas<F> = F extends (...args: infer Args) => infer Result
  ? {
      readonly args?: FittingArguments<Args>;
      readonly errors?: ErrorSchemas;
    } & (Result extends AsyncIterable<infer Item>
      ? { readonly items?: StandardSchema<unknown, Item>; readonly result?: never }
      : { readonly result?: StandardSchema<unknown, Awaited<Result>>; readonly items?: never })
  : never;

/** The members of options that are schemas, of types that the compiler does not compare. */
export interface DeclaredSchemas {
  readonly args?: unknown;
  readonly result?: unknown;
  readonly items?: unknown;
  readonly errors?: ErrorSchemas;
}

/**
 * A schema that accepts all values of a type, and returns only such values. For any other, a type that no schema has, as a message. It reads
 * only the types that a schema states: to compare whole schemas takes the compiler milliseconds for each.
 */
type Fitting<S, T> = S extends {
  readonly '~standard': {
    readonly types?: { readonly input: infer Input; readonly output: infer Output } | undefined;
  };
}
  ? [T] extends [Input]
    ? [Output] extends [T]
      ? S
      : { readonly 'The schema returns values that the type of the method does not allow.': Output }
    : { readonly 'The schema refuses values that the type of the method allows.': T }
  : { readonly 'This is not a schema.': S };

type CheckedParameter<S, P> = S extends null
  ? S
  : IsAny<P> extends true
    ? ParameterSchema
    : NonNullable<P> extends AsyncIterable<infer Item>
      ? S extends { readonly items: infer Each }
        ? { readonly items: Fitting<Each, Item> }
        : { readonly items: StandardSchema<unknown, Item> }
      : Fitting<S, P>;

type CheckedArguments<S, Args extends readonly unknown[]> = S extends readonly unknown[]
  ? number extends Args['length']
    ? StandardSchema<unknown, Args>
    : S['length'] extends Required<Args>['length']
      ? { readonly [I in keyof S]: I extends keyof Args ? CheckedParameter<S[I], Args[I]> : S[I] }
      : { readonly 'Each parameter needs a schema, or null.': Required<Args>['length'] }
  : Fitting<S, Args>;

/** As `Awaited`, which takes the compiler longer. */
type Settled<Result> = Result extends Promise<infer Value> ? Value : Awaited<Result>;

/** The options of a method as they have to be, for its type. `Known` has the names of options that are not schemas. */
export type CheckedSchemas<O, F, Known extends PropertyKey> = F extends (...args: infer Args) => infer Result
  ? {
      readonly [M in keyof O]: M extends 'args'
        ? CheckedArguments<O[M], Args>
        : M extends 'result'
          ? Result extends AsyncIterable<unknown>
            ? never
            : Fitting<O[M], Settled<Result>>
          : M extends 'items'
            ? Result extends AsyncIterable<infer Item>
              ? Fitting<O[M], Item>
              : never
            : M extends 'errors' | Known
              ? O[M]
              : never;
    }
  : never;

/** The arguments that a method gets from its schemas. A method may have more parameters: decorators fill them. */
type SchemaArguments<A> = A extends readonly unknown[]
  ? [...{ -readonly [I in keyof A]: ParameterOutput<A[I]> }, ...never[]]
  : SchemaOutput<A>;

type ParameterOutput<S> =
  S extends StandardSchema<unknown, unknown>
    ? SchemaOutput<S>
    : S extends { readonly items: infer Each }
      ? AsyncIterable<SchemaOutput<Each>>
      : never;

/** Whether a method takes all that its schemas return, and its parameters allow nothing that they refuse. */
type TakesArguments<A, F> = F extends (...args: never[]) => unknown
  ? SchemaArguments<A> extends infer Given extends unknown[]
    ? F extends (...args: Given) => unknown
      ? A extends readonly unknown[]
        ? false extends {
            [I in keyof A]: I extends `${number}` ? TakesArgument<A[I], ParameterAt<F, I>> : true;
          }[number]
          ? false
          : true
        : true
      : false
    : false
  : false;

type ParameterAt<F, I extends string> = F extends (...args: infer Args) => unknown
  ? I extends keyof Args
    ? Args[I]
    : never
  : never;

// A method of an implementation may declare the type that a schema returns, rather than the type that it accepts.
type TakesArgument<S, P> =
  S extends StandardSchema<unknown, unknown>
    ? [P] extends [SchemaInput<S> | SchemaOutput<S>]
      ? true
      : false
    : true;

type Returns<S, F> = F extends (...args: never[]) => infer Result
  ? [Awaited<Result>] extends [SchemaInput<S>]
    ? true
    : false
  : false;

type Yields<S, F> = F extends (...args: never[]) => AsyncIterable<infer Item>
  ? [Item] extends [SchemaInput<S>]
    ? true
    : false
  : false;

/** Nothing, if the schemas of a decorator fit the method that it decorates. Else a type that no method has, as a message. */
export type DecoratedMethod<P, F> = (P extends { readonly args: infer A }
  ? TakesArguments<A, F> extends true
    ? unknown
    : { readonly 'The schemas in "args" do not fit the parameters of the method.': never }
  : unknown) &
  (P extends { readonly result: infer S }
    ? Returns<S, F> extends true
      ? unknown
      : { readonly 'The schema in "result" does not accept the result of the method.': never }
    : unknown) &
  (P extends { readonly items: infer S }
    ? Yields<S, F> extends true
      ? unknown
      : { readonly 'The schema in "items" does not accept the items of the method.': never }
    : unknown);
