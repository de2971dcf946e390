import type { Contract, ContractOperation, ContractParameter, JsonSchema } from './contract.js';

/** Makes a copy of a schema and of the schemas in it. */
export function mapSchema(schema: JsonSchema, map: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, anyOf, oneOf, allOf, prefixItems, not } = schema;
  const inner = (each: JsonSchema) => mapSchema(each, map);
  return map({
    ...schema,
    ...(properties && { properties: mapEntries(properties, inner) }),
    ...(items && { items: inner(items) }),
    ...(prefixItems && { prefixItems: prefixItems.map(inner) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
    ...(oneOf && { oneOf: oneOf.map(inner) }),
    ...(allOf && { allOf: allOf.map(inner) }),
    ...(not && { not: inner(not) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: inner(additionalProperties) }),
  });
}

/** Makes an object with other values. A name may be `__proto__`. */
export function mapEntries<T, R>(
  record: Record<string, T>,
  map: (value: T, name: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** The list of arguments that a caller sends. Streams have a place in it. */
export function argumentsSchema(parameters: readonly ContractParameter[], stream: JsonSchema): JsonSchema {
  const rest = parameters.find((parameter) => parameter.rest);
  const fixed = parameters.filter((parameter) => !parameter.rest);
  const required = fixed.reduce((count, { optional }, i) => (optional ? count : i + 1), 0);
  return {
    type: 'array',
    prefixItems: fixed.map(({ name, description, schema, stream: isStream }) => ({
      ...(isStream ? stream : schema),
      title: name,
      ...(description && { description }),
    })),
    minItems: required,
    ...(rest ? { items: rest.schema } : { maxItems: fixed.length }),
  };
}

/** The members of a declared error that distinguish it from others. A schema without keywords may be that of an error without data. */
export function declaredErrorSchema(declaredBy: string, name: string, data: JsonSchema): JsonSchema {
  const isAnything = Object.keys(data).length === 0;
  const isOptional = data.anyOf?.some(({ not }) => not) ?? false;
  return {
    type: 'object',
    properties: {
      name: { const: name },
      declaredBy: { const: declaredBy },
      ...(!isAnything && { data }),
    },
    required: ['name', 'declaredBy', ...(isAnything || isOptional ? [] : ['data'])],
  };
}

/** Looks schemas up in a contract. */
export class ContractSchemas {
  constructor(private readonly $defs: Contract['$defs']) {}

  /** The schema that a reference names, or the schema itself. */
  resolve(schema: JsonSchema, seen = new Set<JsonSchema>()): JsonSchema {
    const name = schema.$ref?.slice('#/$defs/'.length);
    const target = name === undefined ? undefined : this.$defs[name];
    // Names of each other, in a file that was written by hand, say nothing.
    if (!target || seen.has(target)) return schema;
    return this.resolve(target, seen.add(target));
  }

  /** Whether values of a schema can have bytes in them. */
  hasBytes(schema: JsonSchema, seen = new Set<JsonSchema>()): boolean {
    const at = this.resolve(schema);
    if (seen.has(at)) return false;
    seen.add(at);
    if (isBytesSchema(at)) return true;
    const { properties, items, additionalProperties, anyOf = [], prefixItems = [] } = at;
    const parts = [...Object.values(properties ?? {}), ...anyOf, ...prefixItems];
    if (items) parts.push(items);
    if (typeof additionalProperties === 'object') parts.push(additionalProperties);
    return parts.some((part) => this.hasBytes(part, seen));
  }

  /** Whether an operation is routed by a model: one of its parameters is a token. */
  isRouted({ parameters }: ContractOperation): boolean {
    return parameters.some(({ schema }) => {
      const { properties = {} } = this.resolve(schema);
      return Object.hasOwn(properties, 'iModelId') && Object.hasOwn(properties, 'iTwinId');
    });
  }
}

/** Whether a schema is the one of bytes. */
export function isBytesSchema({ format, type }: JsonSchema): boolean {
  return type === 'string' && format === 'binary';
}
