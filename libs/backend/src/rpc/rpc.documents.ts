import type { CanActivate, Type } from '@nestjs/common';
import type { CallSchemas, RpcEndpoint } from '@linnet/common';
import { normalizePath } from '@linnet/common/internal';
import type { Contract, ContractOperation, DocumentOptions, JsonObject } from '@linnet/common/contract';

/** Options of the documents of `RpcModule`. */
export interface RpcDocsOptions {
  /** The contract that `linnet contract` has written. */
  contract: Contract;
  /** The documents are `openapi.json` and `asyncapi.json` below this path. Default: `/v3`. */
  path?: string;
  /**
   * Guards of the documents, asked in this order: instances, or classes, which may be providers of any module. Global guards are
   * not asked. Default: everybody can read the documents.
   */
  guards?: readonly (Type<CanActivate> | CanActivate)[];
}

/** The documents of a server. */
export interface RpcDocuments {
  /** OpenAPI 3.1 of the interfaces that are served. */
  openApi(): JsonObject;
  /** AsyncAPI 3 of the channels of the contract. */
  asyncApi(): JsonObject;
}

/**
 * Makes the documents of a server. Only here the code that writes them is loaded.
 *
 * @param served returns the interfaces that are served; others of the contract are left out
 * @param schemasOf returns the schemas of an operation that is served
 * @param options returns the names of the server
 */
export async function rpcDocuments(
  contract: Contract,
  served: () => readonly RpcEndpoint[],
  schemasOf: (endpoint: RpcEndpoint, operation: string) => CallSchemas | undefined,
  options: () => DocumentOptions,
): Promise<RpcDocuments> {
  const { asyncApiOf, describedBySchemas, openApiOf } = await import('@linnet/common/contract');
  // Libraries take their time to write a schema, and a document is written for each request.
  const described = new WeakMap<ContractOperation, ContractOperation>();
  const describe = (operation: ContractOperation, endpoint: RpcEndpoint, name: string) => {
    const known = described.get(operation);
    if (known) return known;
    const schemas = schemasOf(endpoint, name);
    const result = schemas ? describedBySchemas(operation, schemas) : operation;
    described.set(operation, result);
    return result;
  };
  return {
    openApi: () => openApiOf(servedPart(contract, served(), describe), options()),
    // The path of the WebSocket is an option of another module.
    asyncApi: () => asyncApiOf(contract, { ...options(), path: undefined }),
  };
}

/** The functions that create the documents, by the paths of the documents. */
export function documentPaths(documents: RpcDocuments, path = '/v3'): Map<string, () => object> {
  const prefix = normalizePath(path);
  return new Map([
    [`${prefix}/openapi.json`, () => documents.openApi()],
    [`${prefix}/asyncapi.json`, () => documents.asyncApi()],
  ]);
}

/** The part of a contract that a server has, under the versions of its definitions. */
function servedPart(
  contract: Contract,
  endpoints: readonly RpcEndpoint[],
  describe: (operation: ContractOperation, endpoint: RpcEndpoint, name: string) => ContractOperation,
): Contract {
  const interfaces = endpoints.flatMap((endpoint) => {
    const { interfaceName, interfaceVersion, operationNames } = endpoint;
    if (!Object.hasOwn(contract.interfaces, interfaceName)) return [];
    const known = contract.interfaces[interfaceName]!;
    const operations = Object.entries(known.operations)
      .filter(([name]) => operationNames.includes(name))
      .map(([name, operation]) => [name, describe(operation, endpoint, name)] as const);
    const shape = { ...known, version: interfaceVersion, operations: Object.fromEntries(operations) };
    return [[interfaceName, shape] as const];
  });
  return { ...contract, interfaces: Object.fromEntries(interfaces) };
}

/** Sentences about interfaces and operations that are served and that the contract does not have. */
export function contractGaps(contract: Contract, endpoints: readonly RpcEndpoint[]): string[] {
  const remedy = 'run linnet contract anew.';
  return endpoints.flatMap(({ interfaceName, interfaceVersion, operationNames }) => {
    const known = Object.hasOwn(contract.interfaces, interfaceName)
      ? contract.interfaces[interfaceName]
      : undefined;
    if (!known) return [`The contract does not have the RPC interface "${interfaceName}": ${remedy}`];
    const missing = operationNames.filter((name) => !Object.hasOwn(known.operations, name));
    if (missing.length > 0)
      return [`The contract of "${interfaceName}" does not have ${missing.join(', ')}: ${remedy}`];
    if (known.version === interfaceVersion) return [];
    return [
      `The contract has "${interfaceName}" ${known.version}, and ${interfaceVersion} is served: ${remedy}`,
    ];
  });
}
