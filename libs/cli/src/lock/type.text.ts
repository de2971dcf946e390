import type { ContractParameter, JsonSchema } from '@linnet/common/contract';

/** A schema as a type in TypeScript, in short. */
function typeText(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice('#/$defs/'.length);
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.not) return 'never';
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' | ');
  if (schema.format === 'binary') return 'Uint8Array';
  if (schema.format === 'date-time') return 'Date';
  if (schema.type === 'array') {
    if (schema.prefixItems) return `[${schema.prefixItems.map(typeText).join(', ')}]`;
    const item = typeText(schema.items || {});
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type !== 'object') return schema.type ?? 'unknown';
  const members = Object.entries(schema.properties ?? {}).map(
    ([name, member]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${typeText(member)}`,
  );
  return members.length > 0 ? `{ ${members.join('; ')} }` : 'object';
}

/** A parameter or a result, with its type. */
export function valueText({ schema, stream, optional, rest }: Omit<ContractParameter, 'name'>): string {
  const type = rest
    ? `...${typeText(schema)}[]`
    : stream
      ? `stream of ${typeText(schema)}`
      : typeText(schema);
  return optional ? `${type} | undefined` : type;
}
