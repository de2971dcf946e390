import type { CallSchemas, ParameterSchema } from '../schema/call.schemas.js';
import { isThenable } from '../base/settle.js';
import type { StandardSchema } from '../schema/standard.schema.js';
import type { ContractOperation, ContractParameter, JsonSchema } from './contract.js';
import { mapEntries } from './schema.forms.js';

/** The members of https://standardschema.dev/json-schema. */
interface JsonSchemaConverter {
  readonly jsonSchema?: Record<'input' | 'output', (options: { target: string }) => JsonSchema>;
}

/**
 * Describes an operation by the schemas that check it, rather than by its types: schemas say more, such as lengths and ranges.
 * A schema that has no JSON Schema, or one with references, leaves the description of the types in place.
 */
export function describedBySchemas(
  operation: ContractOperation,
  { args, result, items, errors = {} }: CallSchemas,
): ContractOperation {
  const returned = items ?? result;
  return {
    ...operation,
    parameters: Array.isArray(args)
      ? checkedParameters(operation.parameters, args as readonly ParameterSchema[])
      : operation.parameters,
    ...(operation.result && returned && { result: jsonOf(returned, 'output') ?? operation.result }),
    ...(operation.errors && {
      errors: mapEntries(operation.errors, (data, name) => {
        const schema = Object.hasOwn(errors, name) ? errors[name] : undefined;
        // Only the types say whether data can be missing.
        return (!data.anyOf && schema && jsonOf(schema, 'output')) || data;
      }),
    }),
  };
}

/** The server refuses more arguments than it has schemas. */
function checkedParameters(
  parameters: readonly ContractParameter[],
  schemas: readonly ParameterSchema[],
): ContractParameter[] {
  return parameters
    .slice(0, schemas.length)
    .map((parameter, index) => checkedParameter(parameter, schemas[index]!));
}

function checkedParameter(parameter: ContractParameter, schema: ParameterSchema): ContractParameter {
  if (schema === null) return parameter;
  const isStream = !('~standard' in schema);
  const json = jsonOf(isStream ? schema.items : schema, 'input') ?? parameter.schema;
  if (isStream) return { ...parameter, schema: json };
  const { optional, ...each } = parameter;
  const isOptional = acceptsNothing(schema) ?? optional;
  return { ...each, ...(isOptional && { optional: true as const }), schema: json };
}

/** Whether a schema accepts a missing argument; `undefined` if it is asynchronous, so that this is not known. */
function acceptsNothing(schema: StandardSchema): boolean | undefined {
  try {
    const outcome = schema['~standard'].validate(undefined);
    if (!isThenable(outcome)) return !outcome.issues;
    Promise.resolve(outcome).catch(() => undefined);
  } catch {
    // A schema that fails refuses the call.
    return false;
  }
  return undefined;
}

function jsonOf(schema: StandardSchema, side: 'input' | 'output'): JsonSchema | undefined {
  const { jsonSchema } = schema['~standard'] as JsonSchemaConverter;
  try {
    const { $schema: _dialect, ...json } = jsonSchema?.[side]({ target: 'draft-2020-12' }) ?? { $ref: '#' };
    // References are relative to the schema of the library, which becomes a part of a document.
    return JSON.stringify(json).includes('"$ref"') ? undefined : json;
  } catch {
    // Dates and bytes, for instance, have no JSON Schema in some libraries.
    return undefined;
  }
}
