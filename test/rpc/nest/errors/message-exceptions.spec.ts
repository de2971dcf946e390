import { jest } from '@jest/globals';

// Stands for `@nestjs/microservices`, which is not installed here.
class a extends Error {
  constructor(private readonly error: string | object) {
    super(typeof error === 'string' ? error : (error as { message: string }).message);
  }
  getError() {
    return this.error;
  }
}
jest.unstable_mockModule('@nestjs/microservices/exceptions/rpc-exception.js', () => ({ RpcException: a }), {
  virtual: true,
});
const { IpcChannel, RpcInterface } = await import('@linnet/backend');
const { closeIpcApps, startIpcApp } = await import('../../../harness/ipc.harness.js');
const { definitionOf } = await import('../../../harness/nest.harness.js');

class Own extends a {
  override readonly name = 'Own';
}
const thrown: Record<string, () => unknown> = {
  text: () => new a('by message'),
  object: () => new Own({ message: 'by message', robot: 3, cause: 'secret' }),
  error: () => new a(new TypeError('secret')),
};
class FailingBase {
  async fail(kind: string): Promise<void> {
    throw thrown[kind]!();
  }
}
class FailingImpl extends FailingBase {}
RpcInterface(definitionOf('Failing', 'fail'))(FailingImpl);
class FailingHandler extends FailingBase {}
IpcChannel('failing')(FailingHandler);

afterEach(closeIpcApps);

it.each([
  ['text', { name: 'RpcException', message: 'by message' }],
  ['object', { name: 'Own', message: 'by message', robot: 3 }],
  ['error', { name: 'RpcException', message: 'Internal error' }],
])('an RpcException of @nestjs/microservices is recognised by its class (%s)', async (kind, members) => {
  const { send, connect } = await startIpcApp({ rpc: {}, providers: [FailingImpl, FailingHandler] });
  const { json, status } = await send({ target: '/Failing-1.0.0-fail', body: JSON.stringify([kind]) });
  expect(status).toBe(500);
  expect(json).toEqual({ ...members, isError: true });
  expect(await (await connect()).fail('failing.fail', kind)).toEqual(members);
});
