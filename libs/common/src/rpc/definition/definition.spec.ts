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
  it('are the methods of its class, behind those of classes that it extends, in their order', () => {
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

  it('that extends one without RpcInterface end where every object begins', () => {
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

  it('of iTwin.js do not include what its base class adds', () => {
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
    [named(undefined, '1.0.0'), 'has no static interfaceName'],
    [named('', '1.0.0'), 'has no static interfaceName'],
    [named(5, '1.0.0'), 'has no static interfaceName'],
    [named('a-b', '1.0.0'), 'a path cannot carry'],
    [named('a/b', '1.0.0'), 'a path cannot carry'],
    [named('a b', '1.0.0'), 'a path cannot carry'],
    [named('I', ''), 'has no static interfaceVersion'],
    [named('I', '1.0.0', 'then'), 'cannot be named "then"'],
    [named('I', '1.0.0', 'toString'), 'cannot be named "toString"'],
    [named('I', '1.0.0', '__proto__'), 'cannot be named "__proto__"'],
    [named('I', '1.0.0', 'a-b'), 'cannot be named "a-b"'],
  ])('cannot be told of %p', (definition, message) => {
    expect(() => operationsOf(definition)).toThrow(message);
    expect(() => operationsOf(definition)).toThrow('RPC definition Def');
  });

  it('are looked up up to their first colon', () => {
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

  it('is that of the implementation, else of the method, else of the definition, else the default', () => {
    expect(operationPolicy(Own, 'plain')).toEqual({
      allowResponseCaching: false,
      allowResponseCompression: false,
      allowTokenMismatch: false,
      concurrency: Infinity,
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
    });
  });

  it('may be written for iTwin.js', () => {
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

  it('decorates methods only', () => {
    expect(() => RpcOperation()({}, 'x', { value: 1 })).toThrow('"x" is none');
  });
});
