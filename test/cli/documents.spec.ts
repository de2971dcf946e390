import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { run } from '@linnet/cli';

import { asyncApiOf, openApiOf } from '@linnet/common/contract';
import type { Contract } from '@linnet/common/contract';
import { validate } from './openapi.validator.js';

const definitions = join(import.meta.dirname, 'definitions');
let out: string;
let err: string;

function linnet(...args: string[]) {
  out = '';
  err = '';
  return run(args, {
    cwd: definitions,
    out: (text) => (out += text),
    err: (text) => (err += text),
    hasColours: false,
  });
}

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'linnet-documents-'));
  for (const name of ['robots', 'itwin'])
    await linnet('contract', `${name}.ts`, '-o', join(folder, `${name}.json`));
});
afterAll(() => rmSync(folder, { recursive: true }));

const contractOf = (name: string) =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Contract;
/** As a reader of the JSON text has it. */
const written = (document: object) => JSON.parse(JSON.stringify(document)) as Record<string, any>;

describe.each(['robots', 'itwin'])('the documents of the definitions in %s.ts', (name) => {
  it('are valid OpenAPI 3.1', async () => {
    const result = await validate(written(openApiOf(contractOf(name))));
    expect({ errors: result.errors, version: result.version }).toEqual({ errors: [], version: '3.1' });
  });

  it('are valid AsyncAPI 3', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiOf(contractOf(name))));
    expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
  });
});

describe('an OpenAPI document', () => {
  const document = () =>
    written(openApiOf(contractOf('robots'), { info: { title: 'Big Robots', version: 'v2' }, path: '/api' }));
  const operation = (name: string) => {
    const { paths } = document();
    return paths[Object.keys(paths).find((path) => path.endsWith(`-${name}`))!].post;
  };

  it('has a short path for an operation without a token, and the path of iTwin.js for one with a token', () => {
    expect(Object.keys(document().paths).slice(0, 2)).toEqual([
      '/api/Big%20Robots/v2/mode/1/context/{iTwinId}/imodel/{iModelId}/changeset/{changesetId}/Robots-1.2.0-list',
      '/api/Robots-1.2.0-find',
    ]);
  });

  it('has the list of arguments with names, doc comments and the number of required ones', () => {
    expect(operation('list').requestBody.content['application/json'].schema).toEqual({
      type: 'array',
      prefixItems: [
        { $ref: '#/components/schemas/IModelRpcProps', title: 'token', description: 'routes the request' },
        { type: 'number', title: 'limit', description: 'the most robots of a page' },
      ],
      minItems: 1,
      maxItems: 2,
    });
    expect(operation('rename').requestBody.content['application/json'].schema).toMatchObject({
      minItems: 1,
      items: { type: 'string' },
    });
    expect(operation('list').summary).toBe('Lists robots.');
    expect(operation('rename').deprecated).toBe(true);
  });

  it('has bytes, streams and empty results as the server sends them', () => {
    expect(Object.keys(operation('photo').responses[200].content)).toEqual(['application/octet-stream']);
    expect(operation('follow').responses[200].content['text/event-stream']['x-itemSchema']).toEqual({
      $ref: '#/components/schemas/Position',
    });
    expect(operation('upload').requestBody.content['multipart/form-data'].schema.required).toEqual([
      'objects',
      'stream-0',
    ]);
    expect(operation('upload').responses[200]).not.toHaveProperty('content');
  });

  it('has the declared errors of an operation', () => {
    const contract = contractOf('robots');
    contract.interfaces['Robots']!.operations['find']!.errors = { Gone: { type: 'object', properties: {} } };
    const { paths } = written(openApiOf(contract));
    const { anyOf } = paths['/Robots-1.2.0-find'].post.responses.default.content['application/json'].schema;
    expect(anyOf[0].allOf[1].properties.name).toEqual({ const: 'Gone' });
  });
});

describe('linnet openapi and linnet asyncapi', () => {
  it('write a document of source files, or of a contract', async () => {
    expect(
      await linnet('openapi', 'robots.ts', '--title', 'T', '--api-version', 'v3', '--path', '/api'),
    ).toBe(0);
    const { info, paths } = JSON.parse(out);
    expect([info, paths]).toMatchObject([{ title: 'T', version: 'v3' }, { '/api/Robots-1.2.0-find': {} }]);
    expect(await linnet('asyncapi', '--contract', join(folder, 'robots.json'))).toBe(0);
    expect(JSON.parse(out).channels['floor-v1.0'].address).toBe('itwin.floor-v1.0');
    expect(await linnet('asyncapi', '--contract', 'nowhere.json')).toBe(2);
    expect(err).toContain('nowhere.json - error: The file does not exist.');
  });
});
