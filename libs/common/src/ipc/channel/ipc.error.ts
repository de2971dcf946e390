import { DeclaredError } from '../../schema/declared.error.js';
import type {
  DeclaredErrorArguments,
  DeclaredErrorName,
  DeclaredErrorOf,
} from '../../schema/declared.error.js';
import { methodSchemas } from './channel.js';
import type { IpcChannelDefinition } from './channel.js';

/** The errors of a method, as the type of its channel declares them. */
export type IpcErrorSchemas<Errors, Method> = Method extends keyof Errors ? Errors[Method] : unknown;

/** The errors that a method of a channel declares, as a union by their names: `IpcErrorOf<typeof stockChannel, 'take'>`. */
export type IpcErrorOf<Channel, Method> =
  Channel extends IpcChannelDefinition<object, object, infer Errors>
    ? DeclaredErrorOf<IpcErrorSchemas<Errors, Method>>
    : never;

/**
 * Makes an error that a method of a channel declares, as `rpcError` does for an operation.
 *
 * ```ts
 * throw ipcError(stockChannel, 'take', 'NotEnough', { left: 3 });
 * ```
 *
 * @param name one of the names in `errors` of the method
 * @param data is checked by the schema of the error, and sent as the schema returns it; missing for an error without data
 * @param options.message for people; default: a sentence with the names of the error and the method
 * @param options.errorNumber for clients that distinguish errors by numbers, as those of iTwin.js do; default: 32768
 * @throws TypeError if the method does not declare the error
 */
export function ipcError<
  Functions extends object,
  Errors extends object,
  Method extends keyof Functions & string,
  Name extends DeclaredErrorName<IpcErrorSchemas<Errors, Method>>,
>(
  channel: IpcChannelDefinition<Functions, object, Errors>,
  method: Method,
  name: Name,
  ...[data, options]: DeclaredErrorArguments<IpcErrorSchemas<Errors, Method>, Name>
): DeclaredError<Name> {
  const errors = methodSchemas(channel, method)?.errors;
  return new DeclaredError(`${channel.name}.${method}`, name, errors, data, options);
}

/**
 * Whether an error is one that a method of a channel declares. The compiler then knows its `name` as one of the declared names, and
 * the type of its `data` by the name.
 */
export function isIpcError<
  Functions extends object,
  Errors extends object,
  Method extends keyof Functions & string,
>(
  error: unknown,
  channel: IpcChannelDefinition<Functions, object, Errors>,
  method: Method,
): error is DeclaredErrorOf<IpcErrorSchemas<Errors, Method>> {
  return DeclaredError.isOf(error, `${channel.name}.${method}`, methodSchemas(channel, method)?.errors);
}
