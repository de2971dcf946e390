import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IpcChannel, IpcModule, memoryIpc, RpcInterface } from '@linnet/backend';
import { ipcError, IpcFrontend, rpcError } from '@linnet/common';
import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readContract } from '../../../libs/cli/src/read/contract.reader.js';
import { openSources } from '../../../libs/cli/src/read/program.js';
import { validate } from '../../cli/openapi.validator.js';
import { desk, Stock } from '../../cli/definitions/stock.js';
import type { DeskIpc } from '../../cli/definitions/stock.js';
import { closeApps, startApp } from '../../harness/nest.harness.js';
import type { TestApp } from '../../harness/nest.harness.js';

@RpcInterface(Stock)
class StockImpl implements Pick<Stock, keyof Stock> {
  async take(article: string) {
    if (article === 'closed') throw rpcError(Stock, 'take', 'Closed', undefined, { errorNumber: 7 });
    if (article === 'moved') throw rpcError(Stock, 'take', 'Moved', undefined);
    if (article === 'moved far') throw rpcError(Stock, 'take', 'Moved', 'to the yard');
    if (article === 'lost') throw new Error('lost');
    throw rpcError(Stock, 'take', 'NotEnough', { left: 3 });
  }
}

@IpcChannel(desk)
class DeskHandler implements DeskIpc {
  async order(article: string): Promise<number> {
    if (article === 'nut') throw ipcError(desk, 'order', 'NotEnough', { left: 3 });
    throw ipcError(desk, 'order', 'Closed');
  }
}

@IpcChannel('raw-v1')
class RawHandler {
  async watch() {}
}

const definitions = join(import.meta.dirname, '../../cli/definitions');
const contract = readContract(openSources(definitions, ['stock.ts']));
let app: TestApp;
let openApi: Record<string, any>;
let asyncApi: Record<string, any>;

beforeAll(async () => {
  app = await startApp({
    imports: [IpcModule.forRoot()],
    providers: [StockImpl, DeskHandler],
    options: { docs: { contract } },
  });
  const read = async (name: string) => (await app.send({ method: 'GET', target: `/v3/${name}.json` })).json;
  [openApi, asyncApi] = [await read('openapi'), await read('asyncapi')];
});
afterAll(closeApps);

it('warns of channels and methods that the contract does not have', async () => {
  const { channels, ...rest } = contract;
  const { order: _order, ...methods } = channels['desk-v1']!.methods;
  const partial = { ...rest, channels: { 'desk-v1': { ...channels['desk-v1']!, methods } } };
  const { log } = await startApp({
    imports: [IpcModule.forRoot()],
    providers: [StockImpl, DeskHandler, RawHandler],
    options: { docs: { contract: partial } },
  });
  expect(log.find('warn', 'run linnet contract anew.')).toEqual([
    'The contract of the channel "desk-v1" does not have order: run linnet contract anew.',
    'The contract does not have the channel "raw-v1": run linnet contract anew.',
  ]);
});

describe('an error that an operation declares', () => {
  const errorOf = async (article: string) => {
    const { json, headers } = await app.send({
      target: '/Stock-1.0.0-take',
      headers: { 'content-type': 'application/json', 'x-correlation-id': 'a' },
      body: JSON.stringify([article, 5]),
    });
    expect(headers['content-type']).toContain('application/json');
    return json;
  };
  const schemaOf = (place = '') => {
    const ajv = new Ajv2020({ strict: false }).addSchema({ $id: 'document', ...openApi });
    const path = '/paths/~1Stock-1.0.0-take/post/responses/default/content/application~1json/schema';
    return ajv.compile({ $ref: `document#${path}${place}` });
  };

  it.each([
    ['nut', 'NotEnough'],
    ['closed', 'Closed'],
    ['moved', 'Moved'],
    ['moved far', 'Moved'],
  ])('fits the schema of its name alone in the OpenAPI document (%s)', async (article, name) => {
    const error = await errorOf(article);
    const places = ['/anyOf/0', '/anyOf/1', '/anyOf/2'];
    expect(places.map((place) => schemaOf(place)(error))).toEqual(
      ['NotEnough', 'Closed', 'Moved'].map((each) => each === name),
    );
    expect(schemaOf()(error)).toBe(true);
  });

  it('is not in the document with other data or under another operation', async () => {
    const error = await errorOf('nut');
    const fits = schemaOf('/anyOf/0');
    expect(fits(error)).toBe(true);
    expect(fits({ ...error, data: { left: 'x' } })).toBe(false);
    expect(fits({ ...error, data: undefined, details: error.data })).toBe(false);
    expect(fits({ ...error, declaredBy: 'Stock.give' })).toBe(false);
  });

  it('leaves a place in the document for errors that are not declared', async () => {
    expect(schemaOf()(await errorOf('lost'))).toBe(true);
    const headers = { 'content-type': 'application/xml', 'x-correlation-id': 'a' };
    const refused = await app.send({ target: '/Stock-1.0.0-take', headers, body: '[]' });
    expect([refused.status, schemaOf()(refused.json)]).toEqual([415, true]);
  });
});

describe('the documents of a server without a contract', () => {
  let bare: TestApp;
  let documents: Record<'openapi' | 'asyncapi', Record<string, any>>;

  beforeAll(async () => {
    bare = await startApp({
      imports: [IpcModule.forRoot()],
      providers: [StockImpl, DeskHandler, RawHandler],
      options: { docs: {} },
    });
    const read = async (name: string) =>
      (await bare.send({ method: 'GET', target: `/v3/${name}.json` })).json as Record<string, any>;
    documents = { openapi: await read('openapi'), asyncapi: await read('asyncapi') };
  });

  it('are valid', async () => {
    expect(await validate(documents.openapi)).toMatchObject({ valid: true, version: '3.1' });
    const { diagnostics } = await new Parser().parse(JSON.stringify(documents.asyncapi));
    expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
  });

  it('have the operations, with any arguments where there is no schema', () => {
    const { requestBody, responses } = documents.openapi['paths']['/Stock-1.0.0-take'].post;
    const { schema } = requestBody.content['application/json'];
    expect([schema.prefixItems, schema.items, schema.minItems]).toEqual([[], {}, 0]);
    const { anyOf } = responses.default.content['application/json'].schema;
    expect(anyOf.slice(0, 2).map((each: any) => each.allOf[1].properties)).toEqual([
      {
        name: { const: 'NotEnough' },
        declaredBy: { const: 'Stock.take' },
        data: expect.objectContaining({ type: 'object', required: ['left'] }),
      },
      { name: { const: 'Closed' }, declaredBy: { const: 'Stock.take' } },
    ]);
  });

  it('have the channels that are served, with the schemas of their definitions', () => {
    expect(Object.keys(documents.asyncapi['channels'])).toEqual(['desk-v1', 'raw-v1']);
    const payloadOf = (name: string) => documents.asyncapi['channels']['desk-v1'].messages[name].payload;
    expect(payloadOf('order.call')).toMatchObject({
      items: [{ type: 'string', title: 'argument1' }],
      maxItems: 1,
    });
    expect(payloadOf('order.result')).toMatchObject({ type: 'number' });
    expect(payloadOf('order.error.NotEnough').properties.data).toMatchObject({ required: ['left'] });
    expect(payloadOf('changed.notification')).toMatchObject({
      items: [{ type: 'string' }, { type: 'number' }],
      minItems: 2,
    });
    expect(documents.asyncapi['operations']['raw-v1.watch']).toMatchObject({ action: 'receive' });
  });
});

describe('an AsyncAPI document', () => {
  const compile = (payload: object) =>
    new Ajv({ strict: false }).compile({ ...payload, components: asyncApi['components'] });
  const messages = () => asyncApi['channels']['desk-v1'].messages;

  it('has the errors of a method as they arrive', async () => {
    const names = ['order.error.NotEnough', 'order.error.Closed'];
    const { reply } = asyncApi['operations']['desk-v1.order'];
    expect(reply.messages.map(({ $ref }: { $ref: string }) => $ref.split('/').at(-1))).toEqual([
      'order.result',
      ...names,
    ]);
    const frontend = new IpcFrontend(memoryIpc(app.app));
    const proxy = frontend.makeIpcProxy<DeskIpc>(desk);
    const failures = await Promise.all(
      ['nut', 'bolt'].map((article) => proxy.order(article).catch((error: Error) => error)),
    );
    frontend.close();
    const received = (failures as Error[]).map((error) =>
      Object.assign({}, error, { name: error.name, message: error.message }),
    );
    expect(names.map((name) => received.map((error) => compile(messages()[name].payload)(error)))).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('has the schemas of the arguments of a notification', () => {
    const fits = compile(messages()['changed.notification'].payload);
    expect([['nut', 2], ['nut', 'x'], ['nut'], ['nut', 2, 3]].map((args) => fits(args))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
