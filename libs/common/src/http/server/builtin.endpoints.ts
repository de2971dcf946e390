/** Endpoints that a server has besides its operations. */
export interface BuiltinEndpoints {
  /** The prefix of their paths: empty, or `/api`. */
  readonly prefix: string;
  readonly ping: boolean;
  readonly greeting: boolean;
  /** Creates the OpenAPI document; `undefined` if the server offers none. */
  readonly openApi: (() => object) | undefined;
  /** Further documents, each a function that creates it, by their paths under the prefix. */
  readonly documents: ReadonlyMap<string, () => object>;
}

/** The options of servers for service endpoints. */
export interface ServiceOptions {
  readonly ping?: boolean | undefined;
  readonly openApi?: boolean | undefined;
  readonly greeting?: boolean | undefined;
  readonly documents?: ReadonlyMap<string, () => object> | undefined;
}

/**
 * Derives the service endpoints from the options.
 *
 * @param document creates the OpenAPI document
 */
export function builtinEndpoints(
  { ping = true, openApi = true, greeting = false, documents = new Map() }: ServiceOptions,
  prefix: string,
  document: () => object,
): BuiltinEndpoints {
  return { prefix, ping, greeting, openApi: openApi ? document : undefined, documents };
}

/** The answer of a service endpoint. */
export interface BuiltinAnswer {
  readonly type: string;
  readonly text: string;
}

/** The response of a service endpoint, if the path is one (docs/wire.md#29-service-endpoints). */
export function builtinAnswer(
  services: BuiltinEndpoints,
  method: string,
  path: string,
): BuiltinAnswer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const { prefix } = services;
  if (services.ping && path === `${prefix}/ping`)
    return { type: 'text/plain; charset=utf-8', text: 'Success' };
  if (services.openApi && path === `${prefix}/v3/swagger.json`) return jsonAnswer(services.openApi());
  const document = path.startsWith(prefix) ? services.documents.get(path.slice(prefix.length)) : undefined;
  if (document) return jsonAnswer(document());
  if (services.greeting) return { type: 'text/html; charset=utf-8', text: '<h1>IModelJs RPC Server</h1>' };
  return undefined;
}

function jsonAnswer(document: object): BuiltinAnswer {
  return { type: 'application/json; charset=utf-8', text: JSON.stringify(document) };
}
