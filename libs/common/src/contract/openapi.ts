import { mergeOptions } from '../base/merge.options.js';
import type { Contract, ContractOperation, JsonSchema } from './contract.js';
import {
  argumentsSchema,
  ContractSchemas,
  declaredErrorSchema,
  isBytesSchema,
  mapEntries,
  mapSchema,
} from './schema.forms.js';

/** Options of documents. */
export interface DocumentOptions {
  /** The title and version of the server. Default: `linnet`, `v1.0`. */
  readonly info?: { readonly title: string; readonly version: string };
  /** The prefix of request paths: empty, or `/api`. Default: empty. */
  readonly path?: string;
}

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** Title and version of a server, with their defaults. */
export function infoOf({ info }: DocumentOptions): { title: string; version: string } {
  return mergeOptions({ title: 'linnet', version: 'v1.0' }, info);
}

const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
const MULTIPART = 'multipart/form-data';

/** Schemas of the wire. Their names cannot be names of types. */
const wireSchemas = {
  'linnet.Bytes': {
    type: 'object',
    description: 'Stands for bytes in JSON. The bytes are the part `data-<index>` of the same body.',
    properties: {
      isBinary: { const: true },
      index: { type: 'integer', minimum: 0 },
      size: { type: 'integer', minimum: 0 },
      chunks: { type: 'integer', minimum: 0 },
    },
    required: ['isBinary', 'index', 'size', 'chunks'],
  },
  'linnet.Stream': {
    type: 'object',
    description:
      'Stands for the stream among the arguments. Its bytes are the last part of the body, `stream-0`.',
    properties: {
      isBinary: { const: true },
      isStream: { const: true },
      index: { const: 0 },
      size: { const: 0 },
      chunks: { const: 1 },
    },
    required: ['isBinary', 'isStream', 'index', 'size', 'chunks'],
  },
  'linnet.Error': {
    type: 'object',
    description: 'An error of the method, or of the server.',
    properties: {
      isError: { const: true },
      name: { type: 'string' },
      message: { type: 'string' },
      errorNumber: { type: 'number' },
    },
    required: ['message'],
  },
} satisfies Record<string, JsonSchema>;

const wireRef = (name: keyof typeof wireSchemas) => ({ $ref: `#/components/schemas/${name}` });

/** The parameters of every request. */
const headers = {
  ActivityId: {
    name: 'X-Correlation-ID',
    in: 'header',
    required: true,
    description:
      'Names the activity that the call belongs to, in the logs of all servers. A random id begins one.',
    schema: { type: 'string', minLength: 1 },
  },
};

/** The parameters of a request that is routed by a model. */
const routes = [
  inPath('iTwinId', 'The project of the model.'),
  inPath('iModelId', 'The model.'),
  { ...inPath('changesetId', 'Its state; 0 if it has none.'), example: '0' },
];

function inPath(name: string, description: string): JsonObject {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

/**
 * Describes the operations of a contract as OpenAPI 3.1: each with the path, the body and the answers that a server has.
 *
 * @returns the document, to be written as JSON
 */
export function openApiOf(contract: Contract, options: DocumentOptions = {}): JsonObject {
  return new OpenApiWriter(contract, options).write();
}

class OpenApiWriter {
  readonly #schemas: ContractSchemas;

  constructor(
    private readonly contract: Contract,
    private readonly options: DocumentOptions,
  ) {
    this.#schemas = new ContractSchemas(contract.$defs);
  }

  write(): JsonObject {
    const { interfaces, $defs } = this.contract;
    const paths = Object.entries(interfaces).flatMap(([name, { version, operations }]) =>
      Object.entries(operations).map(([operation, shape]) => [
        this.#path(`${name}-${version}-${operation}`, shape),
        { post: this.#operation(name, operation, shape) },
      ]),
    );
    return {
      openapi: '3.1.0',
      info: infoOf(this.options),
      tags: Object.entries(interfaces).map(([name, { description }]) =>
        description ? { name, description } : { name },
      ),
      paths: Object.fromEntries(paths) as JsonObject,
      components: {
        parameters: headers,
        securitySchemes: { authorization: { type: 'apiKey', in: 'header', name: 'Authorization' } },
        schemas: { ...mapEntries($defs, (schema) => this.#inJson(schema)), ...wireSchemas },
      },
      // With and without authorization: the guards of the application decide.
      security: [{}, { authorization: [] }],
    };
  }

  /** Operations on a model have the path of iTwin.js, which gateways route by. */
  #path(call: string, operation: ContractOperation): string {
    const { path = '' } = this.options;
    if (!this.#schemas.isRouted(operation)) return `${path}/${call}`;
    const info = infoOf(this.options);
    const server = [info.title, info.version].map(encodeURIComponent).join('/');
    return `${path}/${server}/mode/1/context/{iTwinId}/imodel/{iModelId}/changeset/{changesetId}/${call}`;
  }

  #operation(owner: string, name: string, operation: ContractOperation): JsonObject {
    const { description, deprecated, parameters } = operation;
    const summary = description?.split(/(?<=\.)\s/, 1)[0];
    return {
      operationId: `${owner}_${name}`,
      tags: [owner],
      ...(summary && { summary }),
      ...(description !== summary && { description }),
      ...(deprecated && { deprecated }),
      parameters: [
        { $ref: '#/components/parameters/ActivityId' },
        ...(this.#schemas.isRouted(operation) ? routes : []),
      ],
      requestBody: { required: true, content: this.#request(parameters) },
      responses: { 200: this.#answer(operation), default: this.#failure(`${owner}.${name}`, operation) },
    };
  }

  #request(parameters: ContractOperation['parameters']): JsonObject {
    const schema = this.#inJson(argumentsSchema(parameters, wireRef('linnet.Stream')));
    const isStreamed = parameters.some(({ stream }) => stream);
    const [first, ...others] = parameters;
    const isOnlyBytes =
      first && others.length === 0 && !isStreamed && isBytesSchema(this.#schemas.resolve(first.schema));
    if (isOnlyBytes) return { [BYTES_TYPE]: {} };
    const hasBytes = parameters.some((parameter) => this.#schemas.hasBytes(parameter.schema));
    if (isStreamed || hasBytes) return { [MULTIPART]: { schema: multipart(schema, isStreamed) } };
    return { [JSON_TYPE]: { schema } };
  }

  #answer({ result, resultOptional, stream }: ContractOperation): JsonObject {
    if (!result) return { description: 'The call has ended. The body is empty.' };
    const schema = this.#inJson(result);
    if (stream)
      return {
        description:
          'The items, as server-sent events. The data of each is an item as JSON. The last event, `end`, has no data.',
        content: { 'text/event-stream': { schema: { type: 'string' }, 'x-itemSchema': schema } },
      };
    const description = resultOptional ? 'The result. The body is empty if there is none.' : 'The result.';
    if (isBytesSchema(this.#schemas.resolve(result))) return { description, content: { [BYTES_TYPE]: {} } };
    return {
      description,
      content: this.#schemas.hasBytes(result)
        ? { [MULTIPART]: { schema: multipart(schema, false) } }
        : { [JSON_TYPE]: { schema } },
    };
  }

  #failure(declaredBy: string, { errors = {} }: ContractOperation): JsonObject {
    const own = wireRef('linnet.Error');
    const declared = Object.entries(errors).map(([name, data]) => ({
      allOf: [own, declaredErrorSchema(declaredBy, name, this.#inJson(data))],
    }));
    const schema = declared.length > 0 ? { anyOf: [...declared, own] } : own;
    // An error has the content type of a result: one with bytes is a multipart body.
    const hasBytes = Object.values(errors).some((data) => this.#schemas.hasBytes(data));
    return {
      description: 'An error.',
      content: {
        [JSON_TYPE]: { schema },
        ...(hasBytes && { [MULTIPART]: { schema: multipart(schema, false) } }),
      },
    };
  }

  /** A schema as it is in JSON: without bytes, and with its references into this document. */
  #inJson(schema: JsonSchema): JsonSchema {
    return mapSchema(schema, (each) => {
      if (isBytesSchema(each)) return wireRef('linnet.Bytes');
      return each.$ref ? { ...each, $ref: each.$ref.replace('#/$defs/', '#/components/schemas/') } : each;
    });
  }
}

/** A body of JSON text and byte strings. */
function multipart(schema: JsonSchema, isStreamed: boolean): JsonSchema {
  const binary = { type: 'string', contentMediaType: BYTES_TYPE };
  return {
    type: 'object',
    properties: {
      objects: { type: 'string', contentMediaType: JSON_TYPE, contentSchema: schema },
      ...(isStreamed && { 'stream-0': binary }),
    },
    required: ['objects', ...(isStreamed ? ['stream-0'] : [])],
    // The byte strings: `data-0`, `data-1` and so on.
    additionalProperties: binary,
  };
}
