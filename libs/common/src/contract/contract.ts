/** A JSON Schema (draft 2020-12), with the keywords that contracts use. */
export interface JsonSchema {
  /** Refers to a shared schema, as `#/$defs/Name`. */
  $ref?: string;
  /** The name of a type of JSON. */
  type?: string;
  /** The only value. */
  const?: unknown;
  /** The only values. */
  enum?: unknown[];
  /** Alternatives. */
  anyOf?: JsonSchema[];
  /** Alternatives, of which exactly one fits. */
  oneOf?: JsonSchema[];
  /** Schemas that all fit. */
  allOf?: JsonSchema[];
  /** Always `{}`: the schema of a value that does not exist. */
  not?: JsonSchema;
  /** The known members of an object. */
  properties?: Record<string, JsonSchema>;
  /** The members that are always present. */
  required?: string[];
  /** All other members of an object. */
  additionalProperties?: JsonSchema | boolean;
  /** The items of a list, after those of `prefixItems`. */
  items?: JsonSchema | false;
  /** The first items of a list, each with its own schema. */
  prefixItems?: JsonSchema[];
  /** The least length of a list. */
  minItems?: number;
  /** The greatest length of a list. */
  maxItems?: number;
  /** The format of a text: `date-time`, or `binary` for bytes. */
  format?: string;
  /** The content of bytes: `application/octet-stream`. */
  contentMediaType?: string;
  /** The doc comment. */
  description?: string;
  /** Whether the member is not to be used any more. */
  deprecated?: boolean;
  /** Any other keyword, of schemas that a library has made. */
  [keyword: string]: unknown;
}

/** A parameter of an operation, of a method or of a notification. */
export interface ContractParameter {
  /** Its name in the source. Callers do not depend on it. */
  name: string;
  /** The doc comment. */
  description?: string;
  /** `true` if a caller can leave it out. */
  optional?: true;
  /** `true` if it takes all further arguments; the schema is that of each. */
  rest?: true;
  /** `true` if it is a stream; the schema is that of its items. */
  stream?: true;
  /** The values that it accepts. */
  schema: JsonSchema;
}

/** Members of the policy that source code states as plain values, by name. `token` is `true` if there is a function. */
export type ContractPolicy = Record<string, string | number | boolean>;

/** An operation of an interface, or a method of a channel. */
export interface ContractOperation {
  /** The doc comment. */
  description?: string;
  /** `true` if it is not to be called any more. */
  deprecated?: true;
  /** The parameters, in their order. */
  parameters: ContractParameter[];
  /** The schema of the result, or of each item of a stream. Absent if nothing is returned. */
  result?: JsonSchema;
  /** `true` if the result can be absent as well. */
  resultOptional?: true;
  /** `true` if the result is a stream of items. */
  stream?: true;
  /** The declared errors by name, each with the schema of its data. It is `{}` for an error without data. */
  errors?: Record<string, JsonSchema>;
  /** The members of the policy that differ from the default, or are stated. */
  policy?: ContractPolicy;
}

/** An RPC interface: the shape of a definition. */
export interface ContractInterface {
  /** The `interfaceVersion` of the definition. */
  version: string;
  /** The doc comment. */
  description?: string;
  /** The operations by name. */
  operations: Record<string, ContractOperation>;
}

/** A notification of a channel. */
export interface ContractNotification {
  /** The doc comment. */
  description?: string;
  /** The parameters, in their order. */
  parameters: ContractParameter[];
}

/** An IPC channel. Its version, if there is one, is a part of its name. */
export interface ContractChannel {
  /** The doc comment. */
  description?: string;
  /** The methods that frontends call, by name. */
  methods: Record<string, ContractOperation>;
  /** The notifications that frontends receive, by name. */
  notifications: Record<string, ContractNotification>;
}

/** The shape of all definitions that a server and its clients share, as `linnet contract` writes it. */
export interface Contract {
  /** The version of this format. */
  linnetContract: 1;
  /** RPC interfaces by name. */
  interfaces: Record<string, ContractInterface>;
  /** IPC channels by name. */
  channels: Record<string, ContractChannel>;
  /** Schemas with a name, which other schemas refer to. */
  $defs: Record<string, JsonSchema>;
}

/** The schema of `Uint8Array`. Over HTTP bytes travel beside the JSON text, over IPC in their frame. */
export const bytesSchema: Readonly<JsonSchema> = {
  type: 'string',
  format: 'binary',
  contentMediaType: 'application/octet-stream',
};
