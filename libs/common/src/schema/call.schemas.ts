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
// the method gets, and the caller gets, only values of the declared types. `Misfit…` also compares what a schema accepts.

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
 * Nothing, if a schema accepts all values of a type, and returns only such values. Else a type, as a message. It reads only the types that
 * a schema states, and compares both at once: to compare whole schemas takes the compiler milliseconds for each.
 */
type Misfit<S, T> = S extends { readonly '~standard': { readonly types?: unknown } }
  ? { accepts: { input: T; output: never }; returns: S['~standard']['types'] } extends {
      accepts: S['~standard']['types'];
      returns: { readonly output: T } | undefined;
    }
    ? never
    : Explained<NonNullable<S['~standard']['types']>, T>
  : { readonly 'This is not a schema.': S };

type Explained<Types, T> = Types extends { readonly output: infer Output }
  ? [Output] extends [T]
    ? { readonly 'The schema refuses values that the type of the method allows.': T }
    : { readonly 'The schema returns values that the type of the method does not allow.': Output }
  : { readonly 'The schema states no types.': Types };

type MisfitParameter<S, P> = S extends null
  ? never
  : IsAny<P> extends true
    ? S extends { readonly '~standard': unknown } | { readonly items: unknown }
      ? never
      : { readonly 'This is not a schema.': S }
    : NonNullable<P> extends AsyncIterable<infer Item>
      ? S extends { readonly items: infer Each }
        ? Misfit<Each, Item>
        : { readonly 'A stream needs the schema of its items: { items }': S }
      : Misfit<S, P>;

type MisfitArguments<S, Args extends readonly unknown[]> = S extends readonly unknown[]
  ? number extends Args['length']
    ? { readonly 'Further arguments need one schema of the whole list.': Args }
    : S['length'] extends Required<Args>['length']
      ? { readonly [I in keyof S]: I extends keyof Args ? MisfitParameter<S[I], Args[I]> : never }
      : { readonly 'Each parameter needs a schema, or null.': Required<Args>['length'] }
  : Misfit<S, Args>;

/** As `Awaited`, which takes the compiler longer. */
type Settled<Result> = Result extends Promise<infer Value> ? Value : Awaited<Result>;

/** The misfits of a method, by its options. A list of arguments has a list of them. */
type MisfitOptions<O, F, Known> = F extends (...args: infer Args) => infer Result
  ? {
      readonly [M in keyof O]: M extends 'args'
        ? MisfitArguments<O[M], Args>
        : M extends 'result' | 'items'
          ? Result extends AsyncIterable<infer Item>
            ? M extends 'items'
              ? Misfit<O[M], Item>
              : { readonly 'A stream has items, and no result.': Item }
            : M extends 'result'
              ? Misfit<O[M], Settled<Result>>
              : { readonly 'The result is not a stream.': Result }
          : M extends 'errors' | Known
            ? never
            : { readonly 'There is no such option.': M };
    }
  : never;

type InList<M> = M extends readonly unknown[] ? M[number] : M;

/** The misfits of all methods. `Names` has the names of the methods, and `Known` those of options that are not schemas. */
export type Misfits<O, T, Names, Known> = {
  [K in keyof O]: K extends Names & keyof T
    ? InList<MisfitOptions<O[K], T[K], Known>[keyof MisfitOptions<O[K], T[K], Known>]>
    : { readonly 'There is no such method.': K };
}[keyof O];

/** Further parameters of a function whose parameters have these misfits: one that nothing can be passed for, if there are any. */
export type IfNone<Found> = [Found] extends [never] ? [] : [never];

/** The options of all methods as they have to be: a misfit has its message as its type. */
export type Corrected<O, T, Names, Known> = {
  readonly [K in keyof O]: K extends Names & keyof T
    ? CorrectedEach<O[K], MisfitOptions<O[K], T[K], Known>>
    : never;
};

type CorrectedEach<O, Found> = {
  readonly [M in keyof O]: M extends keyof Found
    ? [Found[M]] extends [never]
      ? O[M]
      : Found[M] extends readonly unknown[]
        ? CorrectedEach<O[M], Found[M]>
        : Found[M]
    : O[M];
};

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
