import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RpcInterface } from '@linnet/backend';
import { rpcOperations } from '@linnet/common';
import type { Contract, JsonSchema } from '@linnet/common/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { z } from 'zod';
import { closeApps, startApp } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';

const robot = z.object({
  id: z.string().min(1).max(5),
  speed: z.number().positive().optional(),
  wheels: z.number().int().max(9).default(4),
});
const kinds = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('point'), x: z.number() }),
  z.strictObject({ kind: z.literal('line'), to: z.tuple([z.number(), z.string().optional()]) }),
]);
const counts = z.record(z.string(), z.array(z.number().int()).max(2));
const choice = z.union([z.null(), z.boolean(), z.enum(['a', 'b']), z.string().regex(/^x+$/)]);

abstract class Fuzzed {
  static readonly interfaceName = 'Fuzzed';
  static readonly interfaceVersion = '1.0.0';
  static readonly operations = rpcOperations<Fuzzed>()({
    robot: { args: [robot] },
    kinds: { args: [kinds] },
    counts: { args: [counts] },
    choice: { args: [choice] },
    several: { args: [z.string(), z.number().optional(), z.boolean().nullish()] },
  });
  abstract robot(value: z.input<typeof robot>): Promise<void>;
  abstract kinds(value: z.input<typeof kinds>): Promise<void>;
  abstract counts(value: z.input<typeof counts>): Promise<void>;
  abstract choice(value: z.input<typeof choice>): Promise<void>;
  abstract several(a: string, b?: number, c?: boolean | null): Promise<void>;
}

@RpcInterface(Fuzzed)
class FuzzedImpl implements Fuzzed {
  async robot() {}
  async kinds() {}
  async counts() {}
  async choice() {}
  async several() {}
}

// Types that say nothing: the document has the schemas that the server checks with.
const parameters = (...names: string[]) => ({ parameters: names.map((name) => ({ name, schema: {} })) });
const contract: Contract = {
  linnetContract: 1,
  channels: {},
  $defs: {},
  interfaces: {
    Fuzzed: {
      version: '1.0.0',
      operations: {
        robot: parameters('value'),
        kinds: parameters('value'),
        counts: parameters('value'),
        choice: parameters('value'),
        several: parameters('a', 'b', 'c'),
      },
    },
  },
};

/** Values that fit a schema, or nearly. */
function near(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, items, prefixItems, properties, additionalProperties } = schema;
  const union = (anyOf ?? oneOf) as JsonSchema[] | undefined;
  const types = [schema.type].flat();
  let some: fc.Arbitrary<unknown> = fc.jsonValue();
  if (union) some = fc.oneof(...union.map(near));
  else if ('const' in schema || schema.enum) some = fc.constantFrom(...(schema.enum ?? [schema.const]));
  else if (types.includes('string'))
    some = fc.oneof(fc.string({ maxLength: 7 }), fc.constantFrom('x', 'xx', ''));
  else if (types.includes('number') || types.includes('integer'))
    some = fc.oneof(fc.integer({ min: -2, max: 11 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
  else if (types.includes('boolean')) some = fc.oneof(fc.boolean(), fc.constant(null));
  else if (prefixItems)
    some = fc
      .tuple(fc.tuple(...prefixItems.map(near)), fc.nat(prefixItems.length + 1), fc.jsonValue())
      .map(([list, length, more]) => [...list, more].slice(0, length));
  else if (types.includes('array')) some = fc.array(near(items || {}), { maxLength: 4 });
  else if (properties)
    some = fc.record(
      {
        ...Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, near(each)])),
        more: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
  else if (typeof additionalProperties === 'object')
    some = fc.dictionary(fc.string({ maxLength: 3 }), near(additionalProperties), { maxKeys: 3 });
  return fc.oneof({ weight: 9, arbitrary: some }, { weight: 1, arbitrary: fc.jsonValue() });
}

/** Values for each schema. A longer search is one with another number here. */
const RUNS = Number(process.env['LINNET_FUZZ_RUNS'] ?? 200);
let app: TestApp;
let document: Record<string, any>;

beforeAll(async () => {
  app = await startApp({ providers: [FuzzedImpl], options: { docs: { contract } } });
  document = (await app.send({ method: 'GET', target: '/v3/openapi.json' })).json;
});
afterAll(closeApps);

describe.each(Object.keys(contract.interfaces['Fuzzed']!.operations))('the schema of %s', (operation) => {
  const path = `/Fuzzed-1.0.0-${operation}`;

  it('accepts the same arguments in the document as on the server', async () => {
    const { schema } = document['paths'][path].post.requestBody.content['application/json'];
    const fits = new Ajv2020({ strict: false }).compile(schema as object);
    const headers = {
      'content-type': 'application/json',
      'x-correlation-id': 'a',
      'x-protocol-version': '2',
    };
    const seen = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(near(schema as JsonSchema), async (args) => {
        if (!Array.isArray(args)) return;
        const body = JSON.stringify(args);
        // The server refuses this name before it looks at a schema.
        if (body.includes('"__proto__"')) return;
        const response = await fetch(`http://127.0.0.1:${app.port}${path}`, {
          method: 'POST',
          headers,
          body,
        });
        const text = await response.text();
        const isAccepted = response.status === 200;
        if (!isAccepted)
          expect([response.status, text]).toEqual([400, expect.stringContaining('ValidationError')]);
        // As the server reads the text.
        expect([text, fits(JSON.parse(body))]).toEqual([text, isAccepted]);
        seen.add(isAccepted);
      }),
      { numRuns: RUNS },
    );
    expect(seen.size).toBe(2);
  });
});
