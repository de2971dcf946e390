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
  /** Files, by their paths under the prefix. */
  readonly files: ReadonlyMap<string, BuiltinFile>;
}

/** Makes the answer of a file. @param acceptEncoding the header of the request; empty if it has none */
export type BuiltinFile = (acceptEncoding: string) => BuiltinAnswer;

/** The options of servers for service endpoints. */
export interface ServiceOptions {
  readonly ping?: boolean | undefined;
  readonly openApi?: boolean | undefined;
  readonly greeting?: boolean | undefined;
  readonly documents?: ReadonlyMap<string, () => object> | undefined;
  readonly files?: ReadonlyMap<string, BuiltinFile> | undefined;
}

/**
 * Derives the service endpoints from the options.
 *
 * @param document creates the OpenAPI document
 */
export function builtinEndpoints(
  { ping = true, openApi = true, greeting = false, documents = new Map(), files = new Map() }: ServiceOptions,
  prefix: string,
  document: () => object,
): BuiltinEndpoints {
  return { prefix, ping, greeting, openApi: openApi ? document : undefined, documents, files };
}

/** The answer of a service endpoint. */
export interface BuiltinAnswer {
  /** Names and values in turn, `Content-Type` among them. */
  readonly headers: string[];
  readonly body: string | Uint8Array;
}

/**
 * The response of a service endpoint, if the path is one (docs/wire.md#29-service-endpoints).
 *
 * @param acceptEncoding the header of the request; empty if it has none
 */
export function builtinAnswer(
  services: BuiltinEndpoints,
  method: string,
  path: string,
  acceptEncoding: string,
): BuiltinAnswer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const { prefix } = services;
  if (services.ping && path === `${prefix}/ping`) return textAnswer('text/plain', 'Success');
  if (services.openApi && path === `${prefix}/v3/swagger.json`) return jsonAnswer(services.openApi());
  const own = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  const document = own !== undefined && services.documents.get(own);
  if (document) return jsonAnswer(document());
  const file = own !== undefined && services.files.get(own);
  if (file) return file(acceptEncoding);
  return services.greeting ? textAnswer('text/html', '<h1>IModelJs RPC Server</h1>') : undefined;
}

const jsonAnswer = (document: object) => textAnswer('application/json', JSON.stringify(document));

function textAnswer(type: string, body: string): BuiltinAnswer {
  return { headers: ['Content-Type', `${type}; charset=utf-8`], body };
}
