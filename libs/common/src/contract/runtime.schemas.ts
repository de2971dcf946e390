import { ownMember } from '../base/own.member.js';
import { isThenable } from '../base/settle.js';
import { isItems } from '../schema/call.schemas.js';
import type { CallSchemas, ParameterSchema } from '../schema/call.schemas.js';
import type { StandardSchema } from '../schema/standard.schema.js';
import type { ContractNotification, ContractOperation, ContractParameter, JsonSchema } from './contract.js';
import { mapEntries } from './schema.forms.js';

/** The members of https://standardschema.dev/json-schema. */
interface JsonSchemaConverter {
  readonly jsonSchema?: Record<'input' | 'output', (options: { target: string }) => JsonSchema>;
}

/** An operation, or a method of a channel, as a server knows it without types. */
export interface ServedCall {
  /** The schemas that check it. */
  readonly schemas?: CallSchemas | undefined;
  /** Whether its result is a stream. */
  readonly stream: boolean;
}

/** A schema of arguments, results and errors is one of values that a server reads, or of values that it writes. */
type Side = 'input' | 'output';

/**
 * Describes a call by the schemas that check it, rather than by its types: schemas say more, such as lengths and ranges.
 * A schema that has no JSON Schema, or one with references, leaves the description of the types in place.
 *
 * @param known as the contract describes it; without it the description has only what the schemas say
 */
export function describedCall(known: ContractOperation | undefined, call: ServedCall): ContractOperation {
  const operation = known ?? unknownCall(call);
  if (!call.schemas) return operation;
  const { args, result, items, errors = {} } = call.schemas;
  const returned = items ?? result;
  return {
    ...operation,
    parameters: checkedParameters(operation.parameters, args, 'input'),
    ...(operation.result && returned && { result: jsonOf(returned, 'output') ?? operation.result }),
    ...(operation.errors && {
      errors: mapEntries(operation.errors, (data, name) => {
        const schema = ownMember(errors, name);
        // Only the types say whether data can be missing.
        return (!data.anyOf && schema && jsonOf(schema, 'output')) || data;
      }),
    }),
  };
}

/** As {@link describedCall}, for a notification. Frontends get what its schemas return. */
export function describedNotification(
  known: ContractNotification | undefined,
  args: CallSchemas['args'],
): ContractNotification {
  const notification = known ?? { parameters: unknownParameters(args) };
  return { ...notification, parameters: checkedParameters(notification.parameters, args, 'output') };
}

function unknownCall({ schemas, stream }: ServedCall): ContractOperation {
  const errors =
    schemas?.errors && mapEntries(schemas.errors, (schema): JsonSchema => (schema ? unknownData : {}));
  return {
    parameters: unknownParameters(schemas?.args),
    result: {},
    ...(stream ? { stream } : !schemas?.result && { resultOptional: true }),
    ...(errors && { errors }),
  };
}

/** Any value; `{}` stands for an error without data. */
const unknownData: JsonSchema = { description: 'Data of the error.' };

/** Names are in source code alone. */
function unknownParameters(args: CallSchemas['args']): ContractParameter[] {
  if (!Array.isArray(args)) return [{ name: 'arguments', rest: true, schema: {} }];
  return (args as readonly ParameterSchema[]).map((schema, index) => {
    const parameter: ContractParameter = { name: `argument${index + 1}`, schema: {} };
    if (isItems(schema)) parameter.stream = true;
    return parameter;
  });
}

/** The server refuses more arguments than it has schemas. */
function checkedParameters(
  parameters: readonly ContractParameter[],
  args: CallSchemas['args'],
  side: Side,
): ContractParameter[] {
  if (!Array.isArray(args)) return [...parameters];
  const schemas = args as readonly ParameterSchema[];
  return parameters
    .slice(0, schemas.length)
    .map((parameter, index) => checkedParameter(parameter, schemas[index]!, side));
}

function checkedParameter(
  parameter: ContractParameter,
  schema: ParameterSchema,
  side: Side,
): ContractParameter {
  if (schema === null) return parameter;
  if (isItems(schema)) return { ...parameter, schema: jsonOf(schema.items, side) ?? parameter.schema };
  const json = jsonOf(schema, side) ?? parameter.schema;
  const { optional, ...each } = parameter;
  const isOptional = allowsNothing(schema, side) ?? optional;
  return { ...each, ...(isOptional && { optional: true as const }), schema: json };
}

/**
 * Whether a schema reads a missing argument, or leaves one missing; `undefined` if it is asynchronous, so that this is not known.
 */
function allowsNothing(schema: StandardSchema, side: Side): boolean | undefined {
  try {
    const outcome = schema['~standard'].validate(undefined);
    if (!isThenable(outcome)) return !outcome.issues && (side === 'input' || outcome.value === undefined);
    Promise.resolve(outcome).catch(() => undefined);
  } catch {
    // A schema that fails refuses the call.
    return false;
  }
  return undefined;
}

function jsonOf(schema: StandardSchema, side: Side): JsonSchema | undefined {
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
