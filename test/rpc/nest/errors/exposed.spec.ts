import { createServer } from 'node:http';
import { IpcChannel, RpcInterface } from '@linnet/backend';
import type { IpcModuleOptions } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import { listen } from '../../plain/plain.servers.js';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { definitionOf } from '../../../harness/nest.harness.js';

class DriverError extends Error {
  override readonly name = 'DriverError';
  readonly table = 'robots';
}

const makeError = () =>
  Object.assign(new TypeError('wrong', { cause: new Error('cause of it') }), {
    code: 'E7',
    inner: new DriverError('inner'),
  });

class FailingBase {
  async fail(): Promise<void> {
    throw makeError();
  }
  async give() {
    return [makeError()];
  }
}
const definition = definitionOf('Failing', 'fail', 'give');
@RpcInterface(definition)
class FailingImpl extends FailingBase {}
@IpcChannel('failing')
class FailingHandler extends FailingBase {}

type Policy = Pick<IpcModuleOptions, 'exposeErrors' | 'exposeError' | 'developmentMode'>;
/** Calls a method: what it was answered with, be it a result or an error. */
type Call = (method: 'fail' | 'give') => Promise<any>;

const start = (policy: Policy) =>
  startIpcApp({ ipc: policy, rpc: policy, providers: [FailingImpl, FailingHandler] });

const ways: Record<string, (policy: Policy) => Promise<Call>> = {
  HTTP: async (policy) => {
    const { send } = await start(policy);
    return async (method) => (await send({ target: `/Failing-1.0.0-${method}`, body: '[]' })).json;
  },
  'a plain server': async (policy) => {
    const rpc = createRpcServer({
      ...policy,
      interfaces: [[definition, FailingBase]],
      report: () => undefined,
    });
    const { url, stop } = await listen(createServer(rpc.handler));
    stops.push(stop);
    const headers = { 'X-Correlation-Id': 'a', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' };
    return async (method) =>
      (await fetch(`${url}/Failing-1.0.0-${method}`, { method: 'POST', headers, body: '[]' })).json();
  },
  'an IPC channel': async (policy) => {
    const { ask } = await (await start(policy)).connect();
    return async (method) => {
      const { error, result } = await ask(`failing.${method}`);
      return error ?? result;
    };
  },
  'RPC over IPC': async (policy) => {
    const { ask } = await (await start(policy)).connect();
    return async (operation) => {
      const request = {
        definition: { interfaceName: 'Failing', interfaceVersion: '1.0.0' },
        operation,
        parameters: [],
        context: { id: 'a1', protocolVersion: '2' },
      };
      const { error, result } = await ask('itwinjs-core/rpc-over-ipc.request', request);
      return error ?? result;
    };
  },
};
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await closeIpcApps();
  for (const stop of stops.splice(0)) await stop();
});

describe.each(Object.entries(ways))('errors over %s', (_way, open) => {
  const whole = { message: 'wrong', code: 'E7', inner: { message: 'inner', table: 'robots' } };

  it('are hidden without an option', async () => {
    const call = await open({});
    expect(await call('fail')).toMatchObject({ message: 'Internal error', name: 'InternalError' });
    const results = await call('give');
    expect(results).toMatchObject([{ message: 'Internal error', name: 'InternalError' }]);
    expect(JSON.stringify([await call('fail'), results])).not.toMatch(/wrong|E7|inner|robots|cause of it/);
  });

  it('are sent with all members except stack and cause if exposeErrors is all', async () => {
    const call = await open({ exposeErrors: 'all' });
    const error = await call('fail');
    const results = await call('give');
    expect(error).toMatchObject(whole);
    expect(results).toMatchObject([whole]);
    expect(JSON.stringify([error, results])).not.toMatch(/stack|cause/);
  });

  it('are hidden by exposeError, also inside other errors and results', async () => {
    const exposeError = (error: unknown) => (error instanceof DriverError ? false : undefined);
    const call = await open({ exposeErrors: 'all', exposeError });
    const told = { message: 'wrong', inner: { message: 'Internal error' } };
    expect(await call('fail')).toMatchObject(told);
    expect(await call('give')).toMatchObject([told]);
  });

  it('are hidden if the options are undefined', async () => {
    const call = await open({ exposeErrors: undefined, exposeError: undefined });
    expect(await call('fail')).toMatchObject({ message: 'Internal error' });
  });
});

describe('the log of a hidden error', () => {
  it.each([
    [true, 2],
    [false, 0],
  ])('names @Exposed() in development mode only (developmentMode: %p)', async (developmentMode, lines) => {
    const { send, connect, log } = await start({ developmentMode });
    await send({ target: '/Failing-1.0.0-fail', body: '[]' });
    await (await connect()).fail('failing.fail');
    expect(log.find('warn', '@Exposed()')).toHaveLength(lines);
  });
});
