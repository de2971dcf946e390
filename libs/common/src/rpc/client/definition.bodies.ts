import type { RpcInterfaceDefinition } from '../definition/definition.js';

type Method = (...args: unknown[]) => unknown;

/** Calls an operation, by its name in the definition. */
export type CallOperation = (operation: string, args: unknown[]) => unknown;

/**
 * The operations that have a body to run: methods of a class with `forward`. A class without `forward` cannot send from
 * its methods, which only declare operations.
 *
 * @throws Error if a body has no instance to run on; the message names class and method
 */
export function bodiesOf(
  definition: RpcInterfaceDefinition,
  operations: readonly string[],
): ReadonlySet<string> {
  const isSending = methodOf(definition, 'forward');
  const bodies = operations.filter((operation) => isSending && methodOf(definition, operation));
  try {
    if (bodies.length > 0) instanceOf(definition);
  } catch (cause) {
    const why = `the body of "${bodies[0]}" cannot be run: its class cannot be constructed.`;
    throw new Error(`RPC definition ${definition.name}: ${why}`, { cause });
  }
  return new Set(bodies);
}

/**
 * Runs the bodies of operations as the client of iTwin.js does: `forward` sends, and the body decides on the arguments
 * before and on the result after it.
 *
 * @param operations those that have bodies; see {@link bodiesOf}
 * @param send is called by `forward`
 */
export function bodyRunner(
  definition: RpcInterfaceDefinition,
  operations: ReadonlySet<string>,
  send: CallOperation,
): CallOperation {
  const receivers = new Map<string, object>();
  /** `this` of a body: an instance whose `forward` knows the operation. Private members need a real instance. */
  const receiverOf = (operation: string) => {
    const receiver = instanceOf(definition);
    const define = (name: string, value: Method) => Object.defineProperty(receiver, name, { value });
    // If a body calls another operation, that body runs with its own `forward`.
    for (const other of operations) if (other !== operation) define(other, (...args) => run(other, args));
    define('forward', (...given) => send(operation, argumentsOf(given)));
    receivers.set(operation, receiver);
    return receiver;
  };
  const run: CallOperation = (operation, args) =>
    methodOf(definition, operation)!.apply(receivers.get(operation) ?? receiverOf(operation), args);
  return run;
}

function instanceOf(definition: RpcInterfaceDefinition): object {
  // A copy of a definition, for instance with another version, is not always a class.
  const type =
    typeof definition === 'function'
      ? definition
      : (definition as { prototype: object }).prototype.constructor;
  return new (type as new () => object)();
}

function methodOf({ prototype }: RpcInterfaceDefinition, name: string): Method | undefined {
  const method = (prototype as Record<string, unknown>)[name];
  return typeof method === 'function' ? (method as Method) : undefined;
}

/** The arguments of `forward`: the `arguments` of a body, a list, or single arguments. */
function argumentsOf(given: unknown[]): unknown[] {
  const [first] = given;
  const isList = Array.isArray(first) || Object.prototype.toString.call(first) === '[object Arguments]';
  return given.length === 1 && isList ? Array.from(first as ArrayLike<unknown>) : given;
}
