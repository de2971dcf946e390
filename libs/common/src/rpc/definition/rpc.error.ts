import { DeclaredError } from '../../schema/declared.error.js';
import type {
  DeclaredErrorArguments,
  DeclaredErrorName,
  DeclaredErrorOf,
} from '../../schema/declared.error.js';
import { operationSchemas } from './definition.js';
import type { RpcInterfaceDefinition } from './definition.js';

/** The errors of an operation, as the type of its definition declares them. */
export type RpcErrorSchemas<D, Op> = D extends { readonly operations: infer O }
  ? Op extends keyof O
    ? O[Op] extends { readonly errors: infer Errors }
      ? Errors
      : unknown
    : unknown
  : unknown;

/** The errors that an operation declares, as a union by their names: `RpcErrorOf<typeof Stock, 'take'>`. */
export type RpcErrorOf<D, Op> = DeclaredErrorOf<RpcErrorSchemas<D, Op>>;

/** The names of the operations of a definition. */
type OperationOf<D> = D extends { readonly prototype: infer T } ? keyof T & string : string;

/**
 * Makes an error that an operation declares. Its caller gets the name, the message and the data, which `isRpcError` gives types to.
 *
 * ```ts
 * throw rpcError(Stock, 'take', 'NotEnough', { left: 3 });
 * ```
 *
 * @param name one of the names in `errors` of the operation
 * @param data is checked by the schema of the error, and sent as the schema returns it; missing for an error without data
 * @param options.message for people; default: a sentence with the names of the error and the operation
 * @param options.errorNumber for clients that distinguish errors by numbers, as those of iTwin.js do; default: 32768
 * @throws TypeError if the operation does not declare the error
 */
export function rpcError<
  D extends RpcInterfaceDefinition,
  Op extends OperationOf<D>,
  Name extends DeclaredErrorName<RpcErrorSchemas<D, Op>>,
>(
  definition: D,
  operation: Op,
  name: Name,
  ...[data, options]: DeclaredErrorArguments<RpcErrorSchemas<D, Op>, Name>
): DeclaredError<Name> {
  const errors = operationSchemas(definition, operation)?.errors;
  return new DeclaredError(`${definition.interfaceName}.${operation}`, name, errors, data, options);
}

/**
 * Whether an error is one that an operation declares. The compiler then knows its `name` as one of the declared names, and the type
 * of its `data` by the name.
 *
 * ```ts
 * if (isRpcError(error, Stock, 'take'))
 *   switch (error.name) {
 *     case 'NotEnough': return error.data.left;
 *   }
 * ```
 */
export function isRpcError<D extends RpcInterfaceDefinition, Op extends OperationOf<D>>(
  error: unknown,
  definition: D,
  operation: Op,
): error is RpcErrorOf<D, Op> {
  const errors = operationSchemas(definition, operation)?.errors;
  return DeclaredError.isOf(error, `${definition.interfaceName}.${operation}`, errors);
}
