import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { readContract } from '../../libs/cli/src/read/contract.reader.js';
import { openSources } from '../../libs/cli/src/read/program.js';
import type { Contract } from '@linnet/common/contract';

const read = (...files: string[]) =>
  readContract(openSources(join(import.meta.dirname, 'definitions'), files));
const ref = (name: string) => ({ $ref: `#/$defs/${name}` });
const bytes = { type: 'string', format: 'binary', contentMediaType: 'application/octet-stream' };

describe('a contract', () => {
  let contract: Contract;
  beforeAll(() => {
    contract = read('robots.ts');
  });
  const operations = () => contract.interfaces['Robots']!.operations;

  it('has the name, the version and the doc comment of an interface', () => {
    expect(Object.keys(contract.interfaces)).toEqual(['Robots']);
    expect(contract.interfaces['Robots']).toMatchObject({
      version: '1.2.0',
      description: 'Robots of a warehouse.',
    });
  });

  it('has names, doc comments and optionality of parameters', () => {
    expect(operations()['list']!.parameters).toEqual([
      { name: 'token', description: 'routes the request', schema: ref('IModelRpcProps') },
      { name: 'limit', description: 'the most robots of a page', optional: true, schema: { type: 'number' } },
    ]);
    expect(operations()['rename']!.parameters.at(-1)).toEqual({
      name: 'names',
      rest: true,
      schema: { type: 'string' },
    });
  });

  it('has the operations of a definition, without its protected methods and its base', () => {
    expect(Object.keys(operations()).toSorted()).toEqual([
      'built',
      'find',
      'follow',
      'list',
      'photo',
      'rename',
      'tags',
      'upload',
    ]);
  });

  it('has doc comments and deprecations of operations', () => {
    expect(operations()['list']!.description).toBe('Lists robots.');
    expect(operations()['rename']!.deprecated).toBe(true);
  });

  it('has results, whether they can be absent, and results that are nothing', () => {
    expect(operations()['find']).toMatchObject({ result: ref('Robot'), resultOptional: true });
    expect(operations()['upload']).not.toHaveProperty('result');
  });

  it('has streams as results and as parameters, with the schema of their items', () => {
    expect(operations()['follow']).toMatchObject({ stream: true, result: ref('Position') });
    expect(operations()['upload']!.parameters[1]).toEqual({ name: 'content', stream: true, schema: bytes });
  });

  it('has policies from the list of operations and from decorators', () => {
    const policies = Object.entries(operations()).flatMap(([name, { policy }]) =>
      policy ? [[name, policy]] : [],
    );
    expect(Object.fromEntries(policies)).toEqual({
      list: { idempotency: 'safe' },
      photo: { allowResponseCaching: true },
      follow: { resumable: true },
      upload: { concurrency: 2 },
    });
  });

  it('keeps the names of aliases of strings', () => {
    expect(operations()['photo']!.parameters[0]!.schema).toEqual({ type: 'array', items: ref('Id64String') });
    expect(contract.$defs['Id64String']).toEqual({
      type: 'string',
      description: 'Id of a robot: `0x` and hexadecimal digits.',
    });
  });

  it('has bytes, dates, tuples, records, enums and unions as schemas', () => {
    expect(operations()['photo']!.result).toEqual(bytes);
    expect(operations()['built']!.result).toEqual({ type: 'string', format: 'date-time' });
    expect(operations()['tags']!.parameters[0]!.schema).toEqual({
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'number' }],
      minItems: 1,
      maxItems: 2,
      items: false,
    });
    expect(operations()['tags']!.result).toMatchObject({ additionalProperties: { type: 'boolean' } });
    expect(contract.$defs['Wheel']).toEqual({ enum: ['left', 'right'] });
    expect(contract.$defs['Robot']!.properties!['state']).toEqual({
      anyOf: [{ enum: ['idle', 'driving'] }, { type: 'null' }],
    });
  });

  it('has generic types with their arguments, and recursive types by reference', () => {
    expect(operations()['list']!.result).toEqual(ref('Page_Robot'));
    expect(contract.$defs['Page_Robot']!.properties!['items']).toEqual({
      type: 'array',
      items: ref('Robot'),
    });
    expect(contract.$defs['Part']!.properties!['parts']).toEqual({ type: 'array', items: ref('Part') });
  });

  it('leaves methods of values out, and keeps doc comments of members', () => {
    expect(Object.keys(contract.$defs['Robot']!.properties!)).toEqual([
      'id',
      'name',
      'parts',
      'state',
      'x',
      'y',
    ]);
    expect(contract.$defs['Robot']!.properties!['name']!.description).toBe('The name for people.');
    expect(contract.$defs['Robot']!.required).toEqual(['id', 'parts', 'state', 'x', 'y']);
  });

  it('has channels with the methods that can be called, and notifications', () => {
    const channel = contract.channels['floor-v1.0']!;
    expect(channel.description).toBe('The floor of the warehouse.');
    expect(channel.methods).toMatchObject({
      rebuild: { description: 'Builds the floor anew.', result: ref('Position') },
      tail: { stream: true },
    });
    expect(channel.methods).not.toHaveProperty('hidden');
    expect(channel.notifications).toEqual({
      moved: {
        description: 'A robot has moved.',
        parameters: [
          { name: 'id', schema: ref('Id64String') },
          { name: 'to', schema: ref('Position') },
        ],
      },
    });
  });
});

describe('a contract of definitions of iTwin.js', () => {
  let contract: Contract;
  beforeAll(() => {
    contract = read('itwin.ts');
  });

  it('has every operation of three interfaces of core-common, with versions from their code', async () => {
    const itwin = await import('@itwin/core-common');
    for (const name of [
      'IModelReadRpcInterface',
      'IModelTileRpcInterface',
      'SnapshotIModelRpcInterface',
    ] as const) {
      const methods = Object.getOwnPropertyNames(itwin[name].prototype).filter(
        (method) => method !== 'constructor',
      );
      expect(contract.interfaces[name]!.version).toBe(itwin[name].interfaceVersion);
      expect(Object.keys(contract.interfaces[name]!.operations).toSorted()).toEqual(methods.toSorted());
    }
  });

  it('has bytes, ids and optional results', () => {
    const { operations } = contract.interfaces['IModelReadRpcInterface']!;
    expect(operations['getViewThumbnail']).toMatchObject({ result: bytes, deprecated: true });
    expect(operations['getDefaultViewId']!.result).toEqual(ref('Id64String'));
    expect(operations['loadElementProps']).toMatchObject({
      result: ref('ElementProps'),
      resultOptional: true,
    });
  });

  it('has schemas that a validator accepts', () => {
    const ajv = new Ajv.default({ strict: false });
    addFormats.default(ajv);
    const names = Object.keys(contract.$defs);
    expect(names.length).toBeGreaterThan(100);
    ajv.addSchema({ $id: 'contract', $defs: contract.$defs });
    for (const name of names) ajv.compile({ $ref: `contract#/$defs/${name}` });
  });
});
