import { describe, expect, it } from '@jest/globals';
import { ContractSchemas } from './schema.forms.js';

describe('the schemas of a contract', () => {
  it('resolve names of names, and end at names of each other', () => {
    const named = (name: string) => ({ $ref: `#/$defs/${name}` });
    const schemas = new ContractSchemas({
      Text: { type: 'string' },
      Name: named('Text'),
      Left: named('Right'),
      Right: named('Left'),
    });
    expect(schemas.resolve(named('Name'))).toEqual({ type: 'string' });
    expect(schemas.resolve(named('Left'))).toEqual(named('Left'));
    expect(schemas.hasBytes(named('Left'))).toBe(false);
  });
});
