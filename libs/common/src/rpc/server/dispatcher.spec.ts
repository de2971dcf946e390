/* eslint-disable unicorn/no-thenable -- what an implementation may return is tested, sound or not */
import { describe, expect, it } from '@jest/globals';
import { Activity } from '../../call/activity.js';
import { NoContentError } from '../../error/imodel.error.js';
import { ALREADY_ANSWERED } from './call.js';
import type { RpcHandler, RpcOutcome, RpcTransport } from './call.js';
import { RpcOperation } from '../definition/decorator.js';
import { RpcInterface } from '../definition/interface.js';
import { RpcDispatcher } from './dispatcher.js';
import { RpcNotFoundResponse, RpcPendingResponse } from '../../error/control.response.js';

class Def extends RpcInterface {
  static interfaceName = 'I';
  static interfaceVersion = '1.2.3';
  op() {}
  missing() {}
  @RpcOperation({ concurrency: 1 })
  single() {}
}

function dispatcherWith(handler: RpcHandler): RpcDispatcher {
  const dispatcher = new RpcDispatcher({ waitingCalls: 1 });
  dispatcher.register(Def, {
    name: 'Impl',
    handlerOf: (operation) => (operation === 'missing' ? undefined : handler),
  });
  return dispatcher;
}

const call = (dispatcher: RpcDispatcher, operation = 'op') =>
  new Promise<RpcOutcome>((resolve) => {
    const target = dispatcher.lookup('I', '1.2.3', operation);
    const transport = {} as RpcTransport;
    dispatcher.dispatch({ target, arguments: [], activity: new Activity(), transport }, resolve);
  });
const throwing = (thrown: unknown) => dispatcherWith(() => Promise.reject(thrown));

describe('the lookup of an operation', () => {
  const dispatcher = dispatcherWith(() => 1);

  it.each([
    ['I', '1.2.3', 'nope', 'does not does not declare operation "nope"'],
    ['I', '1.2.3', 'constructor', 'declare operation "constructor"'],
    ['I', '1.2.3', 'toString', 'declare operation "toString"'],
    ['I', '1.2.3', '__proto__', 'declare operation "__proto__"'],
    ['I', '1.2.3', 'forward', 'declare operation "forward"'],
    ['I', '1.2.3', '', 'declare operation ""'],
    ['I', '1.2.3', 'op:x', 'declare operation "op:"'],
    ['__proto__', '1.2.3', 'op', 'RPC interface "__proto__" is not initialized.'],
    ['constructor', '1.2.3', 'op', 'RPC interface "constructor" is not initialized.'],
    ['I', '2.0.0', 'op', 'Backend version 1.2.3 does not match frontend version 2.0.0 for RPC interface op.'],
    ['I', 'CONTROL', 'op', 'Backend version 1.2.3 does not match frontend version CONTROL'],
    ['I', 'CONTROL', 'register', 'declare operation "register"'],
  ])('throws for %s-%s-%s', (name, version, operation, message) => {
    expect(() => dispatcher.lookup(name, version, operation)).toThrow(message);
  });

  it('throws if the version rule returns a promise', () => {
    const isCompatible = (async () => false) as never;
    const judged = new RpcDispatcher({ waitingCalls: 1, isCompatible });
    judged.register(Def, { name: 'Impl', handlerOf: () => () => 1 });
    expect(() => judged.lookup('I', '2.0.0', 'op')).toThrow('does not match');
  });

  it('finds describeEndpoints under any interface name', async () => {
    const target = dispatcher.lookup('anything', 'CONTROL', 'describeEndpoints');
    expect(target.handler({} as never)).toEqual([
      {
        interfaceName: 'I',
        interfaceVersion: '1.2.3',
        operationNames: ['op', 'missing', 'single'],
        compatible: true,
      },
    ]);
  });

  it('rejects a second registration of an interface', () => {
    expect(() => dispatcher.register(Def, { name: 'Other', handlerOf: () => undefined })).toThrow('"I"');
  });
});

describe('the outcome of an RPC call', () => {
  it.each([[undefined], [null], [0], [''], [false]])('can be the result %p', async (value) => {
    expect(await call(dispatcherWith(() => value))).toEqual({ kind: 'result', value });
    expect(await call(dispatcherWith(async () => value))).toEqual({ kind: 'result', value });
  });

  it.each([[undefined], [null], [0], [''], ['x'], [new Error('m')]])(
    'can be the thrown value %p',
    async (error) => {
      expect(await call(throwing(error))).toEqual({ kind: 'error', error });
      const sync = dispatcherWith(() => {
        throw error;
      });
      expect(await call(sync)).toEqual({ kind: 'error', error });
    },
  );

  it('can be pending, not found, no content or already answered', async () => {
    const response = new RpcNotFoundResponse();
    const error = new NoContentError();
    expect(await call(throwing(new RpcPendingResponse('m')))).toEqual({ kind: 'pending', message: 'm' });
    expect(await call(throwing(response))).toEqual({ kind: 'notFound', response });
    expect(await call(throwing(error))).toEqual({ kind: 'noContent', error });
    expect(await call(dispatcherWith(() => ALREADY_ANSWERED))).toEqual({ kind: 'answered' });
  });

  it('is an error if the implementation lacks the operation', async () => {
    expect(
      await call(
        dispatcherWith(() => 1),
        'missing',
      ),
    ).toMatchObject({
      kind: 'error',
      error: {
        errorNumber: 32768,
        message: 'RPC interface class "Impl" does not implement operation "missing".',
      },
    });
  });

  it('is reported once for a thenable that breaks the rules', async () => {
    const outcomes: RpcOutcome[] = [];
    const error = new Error('m');
    const thenables = [
      {
        then(resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
          resolve(1);
          resolve(2);
          reject(error);
          throw error;
        },
      },
      {
        then() {
          throw error;
        },
      },
      Object.defineProperty({}, 'then', {
        get: () => {
          throw error;
        },
      }),
    ];
    for (const thenable of thenables) {
      const dispatcher = dispatcherWith(() => thenable);
      const target = dispatcher.lookup('I', '1.2.3', 'op');
      const transport = {} as RpcTransport;
      dispatcher.dispatch({ target, arguments: [], activity: new Activity(), transport }, (outcome) =>
        outcomes.push(outcome),
      );
      await new Promise(setImmediate);
    }
    expect(outcomes).toEqual([
      { kind: 'result', value: 1 },
      { kind: 'error', error },
      { kind: 'error', error },
    ]);
  });

  it('is 503 if too many calls wait for a concurrent one', async () => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const dispatcher = dispatcherWith(() => released);
    const calls = [1, 2, 3].map(() => call(dispatcher, 'single'));
    await calls[2];
    release();
    const outcomes = await Promise.all(calls);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['result', 'result', 'error']);
    expect(outcomes[2]).toMatchObject({ error: { status: 503 } });
  });
});
