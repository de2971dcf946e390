/** Endpoints that a server has besides its operations. */
export interface BuiltinEndpoints {
  /** The prefix of their paths: empty, or `/api`. */
  readonly prefix: string;
  /** By their paths under the prefix. */
  readonly files: ReadonlyMap<string, BuiltinFile>;
  /** Answers every other path. */
  readonly greeting: boolean;
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
  const all = new Map(files);
  for (const [path, create] of documents) all.set(path, jsonFile(create));
  if (openApi) all.set('/v3/swagger.json', jsonFile(document));
  if (ping) all.set('/ping', () => textAnswer('text/plain', 'Success'));
  return { prefix, files: all, greeting };
}

/** A document as a file. @param create is called for each request */
export function jsonFile(create: () => object): BuiltinFile {
  return () => textAnswer('application/json', JSON.stringify(create()));
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
  const { prefix, files, greeting } = services;
  const file = path.startsWith(prefix) ? files.get(path.slice(prefix.length)) : undefined;
  if (file) return file(acceptEncoding);
  return greeting ? textAnswer('text/html', '<h1>IModelJs RPC Server</h1>') : undefined;
}

function textAnswer(type: string, body: string): BuiltinAnswer {
  return { headers: ['Content-Type', `${type}; charset=utf-8`], body };
}
