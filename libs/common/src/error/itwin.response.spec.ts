import { describe, expect, it, jest } from '@jest/globals';
import * as itwin from '@itwin/core-common';
import { itwinResponseKind } from './itwin.response.js';
import { RpcControlResponse, RpcNotFoundResponse, RpcPendingResponse } from './control.response.js';
import { outcomeOf } from '../rpc/server/dispatcher.js';

class Missing extends itwin.RpcNotFoundResponse {
  readonly code = 7;
}

/** As a minifier leaves the classes of core-common. */
class a {
  message = 'RpcControlResponse';
}
class b extends a {
  override message: string;
  constructor(c = '') {
    super();
    this.message = c;
  }
}
class d extends a {
  override message = 'Not found';
}

/** As a compiler for ES5 leaves them. */
function Base(this: { message: string }) {
  this.message = 'RpcControlResponse';
}
function Pending(this: { message: string }, message?: string) {
  Base.call(this);
  this.message = message === undefined ? '' : message;
}
Pending.prototype = Object.create(Base.prototype, { constructor: { value: Pending } }) as object;

describe('a control response of core-common', () => {
  it.each([
    ['RpcPendingResponse', () => new itwin.RpcPendingResponse('opening'), 'pending'],
    ['RpcNotFoundResponse', () => new itwin.RpcNotFoundResponse(), 'notFound'],
    ['IModelNotFoundResponse', () => new itwin.IModelNotFoundResponse(), 'notFound'],
    ['a subclass with members', () => new Missing(), 'notFound'],
    ['a minified RpcPendingResponse', () => new b('opening'), 'pending'],
    ['a minified RpcNotFoundResponse', () => new d(), 'notFound'],
    ['a subclass of a minified one', () => new (class extends d {})(), 'notFound'],
    ['an RpcPendingResponse in ES5', () => Reflect.construct(Pending, ['opening']), 'pending'],
  ] as [string, () => object, string][])('has its outcome: %s', (_name, make, kind) => {
    const thrown = make();
    expect(outcomeOf(thrown)).toEqual(
      kind === 'pending' ? { kind, message: 'opening' } : { kind, response: thrown },
    );
    expect(thrown).toBeInstanceOf(RpcControlResponse);
    expect(thrown instanceof RpcPendingResponse).toBe(kind === 'pending');
    expect(thrown instanceof RpcNotFoundResponse).toBe(kind === 'notFound');
  });

  it('is not an instance of a subclass of RpcNotFoundResponse of Linnet', () => {
    class Own extends RpcNotFoundResponse {}
    expect(new itwin.RpcNotFoundResponse()).not.toBeInstanceOf(Own);
    expect(new Own()).toBeInstanceOf(Own);
  });
});

describe('a thrown value that is not a control response of core-common', () => {
  class Named {
    message = 'Named';
  }
  const impostor = { RpcPendingResponse: class extends Named {} }.RpcPendingResponse;
  class WithMembers extends a {
    go() {}
  }
  it.each([
    ['plain data, as a peer may send it', () => ({ message: 'RpcControlResponse' })],
    ['plain data that names a constructor', () => ({ constructor: itwin.RpcPendingResponse, message: '' })],
    ['a class with the name of one', () => new impostor()],
    ['the base class itself', () => new a()],
    ['a subclass that is neither', () => new (class extends a {})()],
    ['a subclass with methods', () => new WithMembers()],
    ['an object without a prototype', () => Object.create(null)],
    ['an error', () => new RangeError('')],
    ['nothing', () => undefined],
  ] as [string, () => unknown][])('has an error outcome: %s', (_name, make) => {
    const thrown = make();
    expect(itwinResponseKind(thrown)).toBeUndefined();
    expect(outcomeOf(thrown)).toEqual({ kind: 'error', error: thrown });
  });

  it('has an error outcome, and the constructor of its class is not run', () => {
    const made = jest.fn();
    class Other {
      message = 'another';
    }
    class Sub extends Other {
      constructor() {
        super();
        made();
      }
    }
    const thrown = new Sub();
    expect([itwinResponseKind(thrown), itwinResponseKind(thrown)]).toEqual([undefined, undefined]);
    expect(made).toHaveBeenCalledTimes(1);
  });
});
