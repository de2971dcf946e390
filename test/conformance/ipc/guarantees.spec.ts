import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { ClientRequestContext, IpcChannel, IpcModule } from '@linnet/backend';
import { rowsOf, WHOLE_ADAPTER } from '../tables/columns.js';
import { envelopeError, errors } from '../tables/errors.js';
import { GuaranteesBase, GuaranteesModule, last, rpcRequest } from '../tables/guarantees.fixture.js';
import { failures } from '../tables/hostile.fixture.js';
import { ITwinIpcFrontend } from './itwin.ipc.js';
import { adapterNames, startServer } from '../tables/server.js';
import type { TestServer } from '../tables/server.js';
import { argumentOf, expectedOf, refused, values } from '../tables/values.js';

@IpcChannel('guarantees')
class GuaranteesHandler extends GuaranteesBase {}

@Module({ imports: [GuaranteesModule, IpcModule.forRoot({ path: '/ipc' })], providers: [GuaranteesHandler] })
class IpcGuaranteesModule {}

const frontend = new ITwinIpcFrontend();
/** Both give the envelope of the answer. */
const ways: Record<string, (method: string, ...args: unknown[]) => Promise<unknown>> = {
  'a channel': (method, ...args) => frontend.invoke('itwin.guarantees', method, ...args),
  'RPC over IPC': (operation, ...parameters) =>
    frontend.invoke('itwin.itwinjs-core/rpc-over-ipc', 'request', rpcRequest(operation, parameters)),
};
const combinations = adapterNames.flatMap((adapter) => Object.keys(ways).map((way) => ({ adapter, way })));

describe.each(combinations)('values and errors over $way on $adapter', ({ adapter, way }) => {
  const isWhole = adapter === WHOLE_ADAPTER;
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(IpcGuaranteesModule, adapter);
    await frontend.connect(server.port);
  });
  afterAll(() => server.stop());
  const call = ways[way]!;

  it.each(rowsOf('values', values, isWhole))('the value "$name" reaches the frontend', async (each) => {
    const expected = expectedOf(each);
    // An absent result is an absent member.
    expect(await call('value', each.name)).toStrictEqual(expected === undefined ? {} : { result: expected });
  });

  it.each(
    rowsOf('values', values, isWhole).filter(
      ({ fromServerOnly, value }) => !fromServerOnly && !(value instanceof Buffer),
    ),
  )('the value "$name" reaches the backend and comes back', async (each) => {
    last.received = 'nothing came';
    const back = await call('echo', each.name, each.value);
    expect(last.received).toStrictEqual(argumentOf(each));
    expect(back).toStrictEqual({ result: argumentOf(each) });
  });

  it.each(rowsOf('refused values', refused, isWhole))(
    'the value "$name" is refused, and the error names the place',
    async ({ name, message }) => {
      expect(await call('value', name)).toEqual({
        error: expect.objectContaining({
          errorNumber: 32768,
          message: expect.stringContaining(`The value cannot be sent: ${message}`),
        }),
      });
    },
  );

  it('a value that cannot be sent is logged in the activity of the call', async () => {
    const told: unknown[] = [];
    const silent = () => undefined;
    server.app.useLogger({
      log: silent,
      warn: silent,
      error: (error: Error) => told.push([error.message, ClientRequestContext.current.activityId]),
    });
    await call('value', 'a BigInt by itself');
    server.app.useLogger(false);
    const activityId = way === 'a channel' ? expect.stringMatching(/^[\da-f-]{36}$/) : 'errors';
    const name = way === 'a channel' ? 'guarantees.value' : 'value';
    expect(told).toEqual([[`${name}: The value cannot be sent: value is a BigInt.`, activityId]]);
  });

  it.each(rowsOf('errors', errors, isWhole))('the error "$name" is received as promised', async (each) => {
    const activityId = way === 'a channel' ? expect.stringMatching(/^[\da-f-]{36}$/) : 'errors';
    expect(await call('fail', each.name)).toStrictEqual({ error: envelopeError(each, activityId) });
  });

  it.each(Object.keys(failures))('a thrown value (%s) is an error and harms no other call', async (name) => {
    const [{ error }, other] = (await Promise.all([call('failAnyhow', name), call('echo', '', 1)])) as [
      { error?: unknown },
      unknown,
    ];
    expect(error).toBeDefined();
    expect(other).toEqual({ result: 1 });
  });
});
