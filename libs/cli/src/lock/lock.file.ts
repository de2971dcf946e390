import type { Contract, ContractOperation, JsonSchema } from '@linnet/common/contract';

/** The text of a lock: the shape of a contract, without documentation, in an order that depends on names only. */
export function lockText(contract: Contract): string {
  const lock = {
    linnetContract: contract.linnetContract,
    interfaces: mapSorted(contract.interfaces, ({ version, operations }) => ({
      version,
      operations: mapSorted(operations, operationShape),
    })),
    channels: mapSorted(contract.channels, ({ methods, notifications }) => ({
      methods: mapSorted(methods, operationShape),
      notifications: mapSorted(notifications, ({ parameters }) => ({ parameters: undocumented(parameters) })),
    })),
    $defs: mapSorted(contract.$defs, schemaShape),
  };
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/**
 * Reads a contract or a lock.
 *
 * @throws Error if the text is neither
 */
export function parseContract(text: string): Contract {
  const contract = JSON.parse(text) as Partial<Contract> | null;
  if (contract?.linnetContract !== 1 || !contract.interfaces || !contract.channels || !contract.$defs)
    throw new Error('This is not a contract of version 1.');
  return contract as Contract;
}

function operationShape(operation: ContractOperation): object {
  const { parameters, result, resultOptional, stream, errors, policy } = operation;
  return {
    parameters: undocumented(parameters),
    ...(result && { result: schemaShape(result) }),
    ...(resultOptional && { resultOptional }),
    ...(stream && { stream }),
    ...(errors && { errors: mapSorted(errors, schemaShape) }),
    ...(policy && { policy: mapSorted(policy, (value) => value) }),
  };
}

function undocumented(parameters: ContractOperation['parameters']): object[] {
  return parameters.map(({ name, schema, optional, rest, stream }) => ({
    name,
    ...(optional && { optional }),
    ...(rest && { rest }),
    ...(stream && { stream }),
    schema: schemaShape(schema),
  }));
}

/** A schema without what is for people, with its members in the order of their names. */
function schemaShape(schema: JsonSchema): JsonSchema {
  const { description: _description, deprecated: _deprecated, ...shape } = schema;
  const { properties, items, additionalProperties, anyOf, prefixItems, required } = shape;
  return {
    ...shape,
    ...(properties && { properties: mapSorted(properties, schemaShape) }),
    ...(required && { required: required.toSorted() }),
    ...(items && { items: schemaShape(items) }),
    ...(prefixItems && { prefixItems: prefixItems.map(schemaShape) }),
    ...(anyOf && { anyOf: anyOf.map(schemaShape) }),
    ...(additionalProperties && {
      additionalProperties: additionalProperties === true ? true : schemaShape(additionalProperties),
    }),
  };
}

function mapSorted<T, R>(record: Record<string, T>, map: (value: T) => R): Record<string, R> {
  const names = Object.keys(record).toSorted();
  return Object.fromEntries(names.map((name) => [name, map(record[name]!)]));
}
