/** Endpoints that a server has besides its operations. */
export interface BuiltinEndpoints {
  /** The prefix of their paths: empty, or `/api`. */
  readonly prefix: string;
  readonly ping: boolean;
  readonly greeting: boolean;
  /** Creates the OpenAPI document; `undefined` if the server offers none. */
  readonly openApi: (() => object) | undefined;
}

/** The options of servers for service endpoints. */
export interface ServiceOptions {
  readonly ping?: boolean | undefined;
  readonly openApi?: boolean | undefined;
  readonly greeting?: boolean | undefined;
}

/**
 * Derives the service endpoints from the options.
 *
 * @param document creates the OpenAPI document
 */
export function builtinEndpoints(
  { ping = true, openApi = true, greeting = false }: ServiceOptions,
  prefix: string,
  document: () => object,
): BuiltinEndpoints {
  return { prefix, ping, greeting, openApi: openApi ? document : undefined };
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
  if (services.openApi && path === `${prefix}/v3/swagger.json`)
    return { type: 'application/json; charset=utf-8', text: JSON.stringify(services.openApi()) };
  if (services.greeting) return { type: 'text/html; charset=utf-8', text: '<h1>IModelJs RPC Server</h1>' };
  return undefined;
}
