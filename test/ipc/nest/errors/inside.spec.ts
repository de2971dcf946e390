import {
  BadRequestException,
  ConflictException,
  InternalServerErrorException,
  NotFoundException,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { Exposed, IModelError, IpcChannel, NoContentError, RpcInterface } from '@linnet/backend';
import { closeIpcApps, startIpcApp } from '../../../harness/ipc.harness.js';
import { definitionOf } from '../../../harness/nest.harness.js';

/** As those of database drivers and of HTTP clients: what they say is nobody's business outside. */
const driverError = () =>
  Object.assign(new Error('duplicate key of secret_table'), { query: 'SELECT secret', driverError: {} });

class QueryError extends Error {
  getError() {
    return { message: 'secret_table is gone', query: 'SELECT secret' };
  }
}
class TextError extends Error {
  getError() {
    return 'secret_table is gone';
  }
}
class RobotWsException extends WsException {}
/** Called as those of Nest, and none of them. */
class RpcException extends Error {
  getError() {
    return { message: 'by secret message', robot: 3 };
  }
}

@Exposed()
class RobotError extends Error {
  override readonly name = 'RobotError';
  constructor(readonly details: object) {
    super('stuck');
  }
}

/** An error that was made a plain object on its way, as those of workers and other servers are. */
const plain = (members: object = {}) => ({
  message: 'told',
  stack: 'Error: told\n    at secret.js:1',
  cause: { message: 'secret' },
  ...members,
});

const errors: Record<string, () => unknown> = {
  getErrorObject: () => new QueryError('secret'),
  getErrorText: () => new TextError('secret'),
  ws: () => new WsException('over ws'),
  wsChild: () => new RobotWsException({ message: 'over ws', robot: 3 }),
  rpc: () => new RpcException('by secret message'),
  wsError: () => new WsException(driverError()),
  internal: () => new InternalServerErrorException(driverError()),
  conflict: () => new ConflictException(driverError()),
  notFound: () => new NotFoundException(new QueryError('secret')),
  bad: () => new BadRequestException(new Error('bad')),
  body: () => new ConflictException({ ...plain({ list: [plain()] }), error: driverError() }),
  plain: () => plain(),
  plainDeep: () => plain({ nested: plain({ list: [plain()] }) }),
  plainInside: () => ({ reason: 'r', inner: plain({ deep: { inner: plain() } }), list: [plain()] }),
  member: () => Object.assign(new IModelError(1, 'told'), { details: plain({ list: [plain()] }) }),
  exposed: () => new RobotError({ nested: plain() }),
};

class ErrorsBase {
  async fail(kind: string) {
    throw errors[kind]!();
  }
}
@RpcInterface(definitionOf('Errors', 'fail'))
class ErrorsImpl extends ErrorsBase {}
@IpcChannel('errors')
class ErrorsHandler extends ErrorsBase {}

interface Told {
  status?: number;
  error: any;
}

type App = Awaited<ReturnType<typeof startIpcApp>>;

/** The ways on which a caller is told of an error. */
const tellers: Record<string, (app: App, kind: string) => Promise<Told>> = {
  HTTP: async ({ send }, kind) => {
    const body = JSON.stringify([kind]);
    const { status, json } = await send({ target: '/Errors-1.0.0-fail', body });
    return { status, error: json };
  },
  IPC: async ({ connect }, kind) => ({ error: await (await connect()).fail('errors.fail', kind) }),
  'RPC over IPC': async ({ connect }, kind) => {
    const { fail } = await connect();
    const definition = { interfaceName: 'Errors', interfaceVersion: '1.0.0' };
    const context = { id: 'a1', protocolVersion: '2' };
    const request = { definition, operation: 'fail', parameters: [kind], context };
    return { error: await fail('itwinjs-core/rpc-over-ipc.request', request) };
  },
};

afterEach(closeIpcApps);

const start = () => startIpcApp({ rpc: {}, providers: [ErrorsImpl, ErrorsHandler] });

describe.each(Object.entries(tellers))('the error that a caller gets over %s', (way, tell) => {
  const told = async (kind: string) => {
    const { status, error } = await tell(await start(), kind);
    expect(JSON.stringify(error)).not.toMatch(/secret|SELECT|stack|cause/);
    return { status: way === 'HTTP' ? status : undefined, error };
  };
  const status = (expected: number) => (way === 'HTTP' ? expected : undefined);

  it.each(['getErrorObject', 'getErrorText', 'rpc'])(
    'hides an error that only looks like an error of Nest: %s',
    async (kind) => {
      const { error } = await told(kind);
      expect(error).toMatchObject({ message: 'Internal error', name: 'InternalError' });
    },
  );

  it.each([
    ['ws', { message: 'over ws', name: 'WsException' }],
    ['wsChild', { message: 'over ws', robot: 3, name: 'RobotWsException' }],
    ['wsError', { message: 'Internal error', name: 'WsException' }],
  ])('shows an exception of Nest, and hides an error inside it: %s', async (kind, expected) => {
    expect((await told(kind)).error).toMatchObject(expected);
  });

  it.each([
    ['internal', 500, 'InternalServerErrorException'],
    ['conflict', 409, 'ConflictException'],
    ['notFound', 404, 'NotFoundException'],
  ])(
    'shows an exception made from an internal error, and hides the internal error: %s',
    async (kind, code, name) => {
      const { status: given, error } = await told(kind);
      expect(given).toBe(status(code));
      expect(error).toMatchObject({ name, message: 'Internal error' });
      expect(error).not.toHaveProperty('query');
      expect(error).not.toHaveProperty('driverError');
    },
  );

  it('shows an exception made from an error that is not internal', async () => {
    const { status: given, error } = await told('bad');
    expect(given).toBe(status(400));
    expect(error).toMatchObject({ name: 'BadRequestException', message: 'bad' });
  });

  it('shows an exception with an error as its body, and hides stacks and causes', async () => {
    const { error } = await told('body');
    expect(error).toMatchObject({ name: 'ConflictException', message: 'told', list: [{ message: 'told' }] });
  });

  it.each([
    ['plain', { message: 'told' }],
    ['plainDeep', { message: 'told', nested: { message: 'told', list: [{ message: 'told' }] } }],
    [
      'plainInside',
      {
        reason: 'r',
        inner: { message: 'told', deep: { inner: { message: 'told' } } },
        list: [{ message: 'told' }],
      },
    ],
    ['member', { message: 'told', details: { message: 'told', list: [{ message: 'told' }] } }],
    ['exposed', { message: 'stuck', name: 'RobotError', details: { nested: { message: 'told' } } }],
  ])('hides stacks and causes inside its members: %s', async (kind, expected) => {
    expect((await told(kind)).error).toMatchObject(expected);
  });
});

describe('an answer without content of RPC over IPC', () => {
  it('hides stack, cause and metadata', async () => {
    class EmptyError extends NoContentError {
      readonly robot = 3;
      override readonly cause = new Error('secret');
      readonly _metaData = { secret: true };
    }
    errors['empty'] = () => new EmptyError();
    const { connect } = await start();
    const { ask } = await connect();
    const definition = { interfaceName: 'Errors', interfaceVersion: '1.0.0' };
    const request = { definition, operation: 'fail', parameters: ['empty'] };
    for (const protocolVersion of ['1', '2']) {
      const context = { id: 'a1', protocolVersion };
      const { result } = await ask('itwinjs-core/rpc-over-ipc.request', { ...request, context });
      expect(JSON.stringify(result)).not.toMatch(/secret|cause|_metaData|stack/);
      const { responseValue = result } = result;
      expect(responseValue).toMatchObject({ errorNumber: expect.any(Number), robot: 3 });
    }
  });
});
