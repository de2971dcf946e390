import {
  RpcInterface as ITwinInterface,
  RpcOperation as ITwinOperation,
  RpcResponseCacheControl,
} from '@itwin/core-common';
import { describe, expect, it } from '@jest/globals';
import { RpcOperation } from './decorator.js';
import { operationKey, operationPolicy, operationsOf } from './definition.js';
import { RpcInterface } from './interface.js';
import type { RpcInterfaceDefinition } from './definition.js';

const named = (interfaceName: unknown, interfaceVersion: unknown, ...operations: string[]) => {
  class Def {
    static interfaceName = interfaceName;
    static interfaceVersion = interfaceVersion;
  }
  for (const operation of operations)
    Object.defineProperty(Def.prototype, operation, { value: () => 1, configurable: true });
  return Def as unknown as RpcInterfaceDefinition;
};

describe('the operations of a definition', () => {
  it('are the methods of its class in their order, behind the methods of its base classes', () => {
    class Base extends RpcInterface {
      a() {}
      inherited() {}
      hidden(): unknown {
        return 1;
      }
    }
    class Def extends Base {
      static interfaceName = 'I';
      static interfaceVersion = '1.0.0';
      static notMe() {}
      b() {}
      override a() {}
      get accessor() {
        return 1;
      }
    }
    Object.defineProperty(Def.prototype, 'hidden', { get: () => 1 });
    expect(operationsOf(Def)).toEqual(['a', 'inherited', 'b']);
  });

  it('do not include methods of Object if the definition does not extend RpcInterface', () => {
    abstract class Base {
      static readonly operations: readonly string[] = ['a'];
      abstract a(): void;
      inherited() {}
    }
    abstract class Def extends Base {
      static readonly interfaceName = 'I';
      static readonly interfaceVersion = '1.0.0';
      b() {}
    }
    expect(operationsOf(Def)).toEqual(['inherited', 'b', 'a']);
  });

  it('do not include methods of the base class of iTwin.js', () => {
    class Base extends ITwinInterface {
      async first() {
        return this.forward(arguments);
      }
    }
    class Def extends Base {
      static interfaceName = 'I';
      static interfaceVersion = '1.0.0';
      async op() {
        return this.forward(arguments);
      }
    }
    (Def.prototype as { configurationSupplier?: unknown }).configurationSupplier = () => 1;
    expect(operationsOf(Def as unknown as RpcInterfaceDefinition)).toEqual(['first', 'op']);
  });

  it.each([
    ['without a name', named(undefined, '1.0.0'), 'has no static interfaceName'],
    ['with an empty name', named('', '1.0.0'), 'has no static interfaceName'],
    ['with a number as its name', named(5, '1.0.0'), 'has no static interfaceName'],
    ['with a hyphen in its name', named('a-b', '1.0.0'), 'a path cannot carry'],
    ['with a slash in its name', named('a/b', '1.0.0'), 'a path cannot carry'],
    ['with a blank in its name', named('a b', '1.0.0'), 'a path cannot carry'],
    ['without a version', named('I', ''), 'has no static interfaceVersion'],
    ['with an operation then', named('I', '1.0.0', 'then'), 'cannot be named "then"'],
    ['with an operation toString', named('I', '1.0.0', 'toString'), 'cannot be named "toString"'],
    ['with an operation __proto__', named('I', '1.0.0', '__proto__'), 'cannot be named "__proto__"'],
    ['with a hyphen in an operation', named('I', '1.0.0', 'a-b'), 'cannot be named "a-b"'],
  ])('are refused for a definition %s', (_what, definition, message) => {
    expect(() => operationsOf(definition)).toThrow(message);
    expect(() => operationsOf(definition)).toThrow('RPC definition Def');
  });

  it('are looked up by their name up to the first colon', () => {
    expect([operationKey('op'), operationKey('op:x'), operationKey('op:x:y'), operationKey(':')]).toEqual([
      'op',
      'op:',
      'op:',
      ':',
    ]);
  });
});

describe('the policy of an operation', () => {
  @RpcOperation.setDefaultPolicy({ allowResponseCompression: false })
  class Own extends RpcInterface {
    static interfaceName = 'I';
    static interfaceVersion = '1.0.0';
    plain() {}
    @RpcOperation({ allowResponseCaching: true, allowResponseCompression: true })
    both() {}
    @RpcOperation.allowResponseCaching()
    cached() {}
  }
  class Impl {
    @RpcOperation({ concurrency: 2, allowTokenMismatch: true })
    plain() {}
  }

  it('comes from the implementation, else the method, else the definition, else the default', () => {
    expect(operationPolicy(Own, 'plain')).toEqual({
      allowResponseCaching: false,
      allowResponseCompression: false,
      allowTokenMismatch: false,
      concurrency: Infinity,
      stream: false,
      resumable: false,
    });
    expect(operationPolicy(Own, 'both')).toMatchObject({
      allowResponseCaching: true,
      allowResponseCompression: true,
    });
    expect(operationPolicy(Own, 'cached')).toMatchObject({
      allowResponseCaching: true,
      allowResponseCompression: false,
    });
    expect(operationPolicy(Own, 'plain', Impl.prototype.plain)).toEqual({
      allowResponseCaching: false,
      allowResponseCompression: false,
      allowTokenMismatch: true,
      concurrency: 2,
      stream: false,
      resumable: false,
    });
  });

  it('can be declared with the decorators of iTwin.js', () => {
    class Def extends ITwinInterface {
      static interfaceName = 'I';
      static interfaceVersion = '1.0.0';
      async plain() {}
      @ITwinOperation.allowResponseCaching(RpcResponseCacheControl.Immutable)
      async cached() {}
      @ITwinOperation.allowResponseCaching(RpcResponseCacheControl.None)
      async uncached() {}
      @ITwinOperation.setPolicy({ allowResponseCompression: false, allowTokenMismatch: true })
      async odd() {}
      @ITwinOperation.setPolicy({ allowResponseCaching: (request) => (request.parameters[0] ? 1 : 0) })
      async asks(_x: boolean) {}
    }
    const policy = (operation: string) => operationPolicy(Def, operation);
    expect(policy('plain')).toMatchObject({ allowResponseCaching: false, allowResponseCompression: true });
    expect(policy('cached')).toMatchObject({ allowResponseCaching: true });
    expect(policy('uncached')).toMatchObject({ allowResponseCaching: false });
    expect(policy('odd')).toMatchObject({ allowResponseCompression: false, allowTokenMismatch: true });
    expect(policy('asks')).toMatchObject({ allowResponseCaching: true });
  });

  it('cannot be set on a member that is not a method', () => {
    expect(() => RpcOperation()({}, 'x', { value: 1 })).toThrow('"x" is not a method');
  });
});
