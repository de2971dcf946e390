import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IModelStatus, RpcInterfaceStatus } from '@linnet/common';
import { isVersionCompatible } from '@linnet/common/internal';
import { ConformanceModule } from './tables/fixture.js';
import { send } from './http/raw.client.js';
import { adapterNames, startServer } from './tables/server.js';
import type { TestServer } from './tables/server.js';
import { readVectors } from './tables/vectors.js';
import { parseRoute } from '../../libs/common/src/http/protocol/url.reader.js';
import { inflateToken, isToken, routedToken } from '../../libs/common/src/rpc/definition/token.js';
import { encodeError } from '../../libs/common/src/error/error.codec.js';
import { errorTable } from '../../libs/common/src/error/status.table.js';
import { errorName, IModelError } from '../../libs/common/src/error/imodel.error.js';
import { decodeValue, encodeValue } from '../../libs/common/src/value/value.codec.js';

describe('marshaling.json', () => {
  const samples: Record<string, unknown> = {
    undefined: undefined,
    null: null,
    number: 1.5,
    text: 'é',
    array: [1, 'a'],
    arrayWithUndefined: [undefined, 1],
    date: new Date(0),
    bytes: Uint8Array.of(1, 2, 3),
    empty: new Uint8Array(),
    nested: { a: Uint8Array.of(1), b: [Uint8Array.of(2, 3)] },
    sixBytes: Uint8Array.of(1, 2, 3, 4, 5, 6),
    eightBytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    uint16: Uint16Array.of(1, 2),
    nodeBuffer: Buffer.of(1, 2),
    error: new Error('m'),
    bentleyError: new IModelError(65537, 'm'),
    typeError: new TypeError('t'),
    map: new Map([[1, 2]]),
    notAFunction: { f: () => 1, u: undefined },
    nan: [NaN, Infinity, -0],
  };
  /** A Buffer is bytes to us: what a client sends as a list of numbers, we send as what it is. */
  const binaryBuffer = { objects: '{"isBinary":true,"index":0,"size":2,"chunks":1}', data: ['0102'] };
  interface Vector {
    sample: string;
    chunkThreshold: number;
    objects: string;
    data: string[];
  }
  const { vectors, count } = readVectors('marshaling') as { vectors: Vector[]; count: number };

  it('has a sample for every recorded vector', () => {
    expect(vectors).toHaveLength(count);
    expect(new Set(vectors.map(({ sample }) => sample))).toEqual(new Set(Object.keys(samples)));
  });

  /** The reference writes what it has no form for as an object without its content. */
  const refused = new Set(['uint16', 'map']);
  it.each([...refused])('refuses the sample %s', (sample) => {
    expect(() => encodeValue(samples[sample])).toThrow('The value cannot be sent');
  });

  it.each(vectors.filter(({ chunkThreshold, sample }) => chunkThreshold === 0 && !refused.has(sample)))(
    'writes $sample',
    ({ sample, objects, data }) => {
      const written = encodeValue(samples[sample], { exposeErrors: 'all' });
      expect({
        objects: written.objects,
        data: written.data.map((bytes) => Buffer.from(bytes).toString('hex')),
      }).toEqual(sample === 'nodeBuffer' ? binaryBuffer : { objects, data });
    },
  );

  it.each(vectors)('reads $sample in chunks of $chunkThreshold', ({ sample, objects, data }) => {
    const read = decodeValue(
      objects,
      data.map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
      100,
    );
    const value = samples[sample];
    const isBinary = objects.includes('isBinary');
    const expected = isBinary || value === undefined ? value : JSON.parse(JSON.stringify(value));
    expect(read).toEqual(value instanceof Error ? JSON.parse(objects) : expected);
  });
});

describe('paths.json', () => {
  interface Paths {
    getOperationFromPath: {
      path: string;
      result?: {
        interfaceDefinition: string;
        operationName: string;
        interfaceVersion: string;
        encodedRequest: string;
      };
      throws?: string;
    }[];
    inflateToken: { path: string; tokenFromBody: object; result: object }[];
  }
  const { getOperationFromPath, inflateToken: tokens } = readVectors('paths') as Paths;

  it.each(getOperationFromPath)('has the route of $path', ({ path, result, throws }) => {
    if (throws) {
      expect(() => parseRoute(path)).toThrow(path === '/' ? 'The path names no operation.' : throws);
      return;
    }
    const { interfaceName, operation, version, parameters } = parseRoute(path);
    expect({
      interfaceDefinition: interfaceName,
      operationName: operation,
      interfaceVersion: version,
      encodedRequest: parameters,
    }).toEqual(result);
  });

  it.each(tokens)(
    'completes the token $tokenFromBody by the path $path',
    ({ path, tokenFromBody, result }) => {
      expect(isToken(tokenFromBody)).toBe(true);
      expect(inflateToken(tokenFromBody, routedToken(path.split('/')))).toStrictEqual(result);
    },
  );
});

describe('version-matrix.json', () => {
  const { versions, compatible } = readVectors('version-matrix') as {
    versions: string[];
    compatible: Record<string, string[]>;
  };

  it.each(versions)('has the frontends that the backend version "%s" serves', (backend) => {
    expect(versions.filter((frontend) => isVersionCompatible(backend, frontend)).toSorted()).toEqual(
      compatible[backend]!.toSorted(),
    );
  });
});

describe('status-categories.json', () => {
  type Row = [
    enumeration: string,
    member: string,
    number: number,
    status: number,
    category: string,
    isError: boolean,
    name: string,
  ];
  const { rows, unknownNumber, noNumber, unknownNumberName } = readVectors('status-categories') as {
    rows: Row[];
    unknownNumber: number;
    noNumber: number;
    unknownNumberName: string;
  };

  it('has the numbers of the generated table', () => {
    expect(new Set(errorTable.keys())).toEqual(new Set(rows.map(([, , number]) => number)));
  });

  it.each(rows)(
    'has the status and the name of %s.%s (%d)',
    (_enumeration, member, number, status, _category, isError, name) => {
      // Numbers that do not stand for errors are 500 when thrown (docs/differences.md, 11); "no content" is an outcome.
      const own = isError || member === 'NoContent' ? status : 500;
      expect(errorTable.get(number)).toEqual([own, name]);
      const error = new IModelError(number, 'm');
      expect(encodeError(error, '')).toMatchObject({ status: own, body: { name } });
    },
  );

  it('has the numbers that are exported by name', () => {
    const numbers = (name: string) =>
      Object.fromEntries(
        rows.filter(([enumeration]) => enumeration === name).map(([, member, number]) => [member, number]),
      );
    expect(numbers('IModelStatus')).toMatchObject(IModelStatus);
    expect(numbers('RpcInterfaceStatus')).toMatchObject(RpcInterfaceStatus);
  });

  it('has a status for unknown numbers and for errors without a number', () => {
    expect(encodeError(new IModelError(123456789, 'm'), '').status).toBe(unknownNumber);
    expect(errorName(123456789)).toBe(unknownNumberName);
    expect(encodeError(new Error('m'), '').status).toBe(noNumber);
  });
});

describe.each(adapterNames)('openapi.json over %s', (adapter) => {
  const { document } = readVectors('openapi') as { document: { paths: object } };
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(ConformanceModule, adapter);
  });
  afterAll(() => server.stop());

  it('is the description that the server returns, in the same order', async () => {
    const answer = await send(server.port, { method: 'GET', target: '/v3/swagger.json', headers: [] });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const own = JSON.parse(answer.body.toString()) as { paths: object };
    expect(own).toEqual(document);
    expect(Object.keys(own.paths)).toEqual(Object.keys(document.paths));
  });
});
