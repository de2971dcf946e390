import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Controller, forwardRef, Get, Inject, Injectable, Scope, UseGuards } from '@nestjs/common';
import type { Provider, Type } from '@nestjs/common';
import { ContextIdFactory, ExternalContextCreator, ModuleRef, ModulesContainer, REQUEST } from '@nestjs/core';
import type { ContextId, HostComponentInfo } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { destroyContext } from './context.scope.js';
import { contextIdOf, instanceInContext } from './scoped.instances.js';

/** The destroyed instances, in order. */
let destroyed: unknown[] = [];
let errors: unknown[] = [];
let module: TestingModule;

beforeEach(() => {
  destroyed = [];
  errors = [];
});
afterEach(() => module.close());

/** Tells of its destruction. No two are equal. */
class Mortal {
  readonly number = Math.random();
  onModuleDestroy(): unknown {
    return destroyed.push(this);
  }
}

class Session extends Mortal {}

@Injectable()
class Singleton extends Mortal {}

@Injectable({ scope: Scope.TRANSIENT })
class InnerTool extends Mortal {}

@Injectable({ scope: Scope.TRANSIENT })
class Tool extends Mortal {
  constructor(readonly inner: InnerTool) {
    super();
  }
}

@Injectable({ scope: Scope.REQUEST })
class Store extends Mortal {
  constructor(
    readonly session: Session,
    readonly singleton: Singleton,
  ) {
    super();
  }
}

/** In the context only because of what it depends on. */
@Injectable()
class Handler extends Mortal {
  constructor(
    readonly store: Store,
    readonly tool: Tool,
  ) {
    super();
  }
}

const sessionProvider: Provider = {
  provide: Session,
  scope: Scope.REQUEST,
  inject: [REQUEST],
  useFactory: (session: Session) => session,
};
const basic = [Singleton, sessionProvider, Store, InnerTool, Tool, Handler];

const start = async (providers: Provider[], controllers: Type[] = []) => {
  module = await Test.createTestingModule({ providers, controllers }).compile();
  await module.init();
};
const open = (session: object = new Session(), durable = false) =>
  contextIdOf(module.get(ExternalContextCreator), session, durable);
const wrapperOf = (token: Type) => {
  const modules = [...module.get(ModulesContainer).values()];
  const host = modules.find(({ providers, controllers }) => providers.has(token) || controllers.has(token))!;
  return (host.providers.get(token) ?? host.controllers.get(token))!;
};
const make = <T>(type: Type<T>, contextId: ContextId) =>
  instanceInContext(wrapperOf(type), contextId) as Promise<T>;
const destroy = (contextId: ContextId) =>
  destroyContext(module.get(ModulesContainer), contextId, (error) => errors.push(error));

describe('an instance of a Nest context', () => {
  it('is destroyed once and after its dependants, unlike singletons and the session', async () => {
    // In the wrong order, so that the right one comes from nowhere else.
    await start(basic.toReversed());
    const contextId = open();
    const handler = await make(Handler, contextId);
    expect(handler.store.session).toBeInstanceOf(Session);
    await destroy(contextId);
    expect(destroyed).toHaveLength(4);
    expect(destroyed[0]).toBe(handler);
    expect(new Set(destroyed)).toEqual(new Set([handler, handler.store, handler.tool, handler.tool.inner]));
    expect(destroyed.indexOf(handler.tool)).toBeLessThan(destroyed.indexOf(handler.tool.inner));
    await destroy(contextId);
    expect(destroyed).toHaveLength(4);
    expect(errors).toEqual([]);
  });

  it('is destroyed once if two calls destroy its context at the same time', async () => {
    await start(basic);
    const contextId = open();
    await make(Handler, contextId);
    await Promise.all([destroy(contextId), destroy(contextId)]);
    expect(destroyed).toHaveLength(4);
  });

  it('is not destroyed with another context', async () => {
    await start(basic);
    const [first, second] = [open(), open()];
    const [a, b] = [await make(Handler, first), await make(Handler, second)];
    await destroy(first);
    expect(destroyed).toContain(a.store);
    expect(destroyed).not.toContain(b.store);
    expect(await make(Handler, second)).toBe(b);
    destroyed = [];
    await destroy(second);
    expect(destroyed).toEqual([b, expect.any(Mortal), expect.any(Mortal), expect.any(Mortal)]);
    expect(destroyed).toEqual(expect.arrayContaining([b.store, b.tool, b.tool.inner]));
  });

  it('is made and destroyed again if its context is used after its end', async () => {
    await start(basic);
    const session = new Session();
    const contextId = open(session);
    const before = await make(Handler, contextId);
    await destroy(contextId);
    const after = await make(Handler, contextId);
    expect(after).not.toBe(before);
    expect(after.store.session).toBe(session);
    destroyed = [];
    await destroy(contextId);
    expect(destroyed).toContain(after);
    expect(destroyed).not.toContain(session);
  });

  it('is not destroyed if it is only a placeholder', async () => {
    await start(basic);
    const contextId = open();
    await destroy(contextId);
    wrapperOf(Handler).getInstanceByContextId(contextId);
    wrapperOf(Tool).getInstanceByContextId(contextId, wrapperOf(Handler).id);
    await destroy(contextId);
    expect(destroyed).toEqual([]);
  });

  it('is destroyed if its dependant could not be made', async () => {
    @Injectable()
    class Failing extends Mortal {
      constructor(_store: Store) {
        super();
        throw new Error('not made');
      }
    }
    await start([...basic, Failing]);
    const contextId = open();
    await expect(make(Failing, contextId)).rejects.toThrow('not made');
    await destroy(contextId);
    expect(destroyed).toEqual([expect.any(Store)]);
  });

  it('is destroyed if it was resolved by itself', async () => {
    await start(basic);
    const contextId = open();
    const tools = [
      await module.get(ModuleRef).resolve(Tool, contextId),
      (await make(Handler, contextId)).tool,
    ];
    await destroy(contextId);
    expect(destroyed).toEqual(expect.arrayContaining([...tools, ...tools.map((tool) => tool.inner)]));
    expect(destroyed).toHaveLength(6);
  });

  it('is left for a later call if it is still being made', async () => {
    let finish!: (made: Mortal) => void;
    const making = new Promise<Mortal>((resolve) => (finish = resolve));
    @Injectable()
    class Slow extends Mortal {
      constructor(
        @Inject('SLOW') readonly slow: Mortal,
        readonly singleton: Singleton,
      ) {
        super();
      }
    }
    await start([Singleton, Slow, { provide: 'SLOW', scope: Scope.REQUEST, useFactory: () => making }]);
    const contextId = open();
    const made = make(Slow, contextId);
    await turn();
    await destroy(contextId);
    expect(destroyed).toEqual([]);
    finish(new Mortal());
    const slow = await made;
    await destroy(contextId);
    expect(destroyed).toEqual([slow, slow.slow]);
  });
});

describe('the order of destruction in a Nest context', () => {
  it('follows properties, and dependants of dependants', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Last extends Mortal {}
    @Injectable({ scope: Scope.REQUEST })
    class Middle extends Mortal {
      @Inject() readonly last!: Last;
    }
    @Injectable({ scope: Scope.REQUEST })
    class First extends Mortal {
      @Inject() readonly last!: Last;
      @Inject() readonly middle!: Middle;
    }
    await start([Last, First, Middle]);
    // Nest has a shorter path for the second context. The result is the same.
    for (const contextId of [open(), open()]) {
      destroyed = [];
      const first = await make(First, contextId);
      await destroy(contextId);
      expect(destroyed).toEqual([first, first.middle, first.last]);
    }
  });

  it('is free in a cycle, with dependants of the cycle before it and its dependencies after it', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Below extends Mortal {}
    @Injectable({ scope: Scope.REQUEST })
    class Hen extends Mortal {
      @Inject(forwardRef(() => Egg)) readonly egg!: Mortal;
      @Inject() readonly below!: Below;
    }
    @Injectable({ scope: Scope.REQUEST })
    class Egg extends Mortal {
      constructor(@Inject(forwardRef(() => Hen)) readonly hen: Mortal) {
        super();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Above extends Mortal {
      constructor(readonly hen: Hen) {
        super();
      }
    }
    const providers = [Below, Hen, Egg, Above];
    for (const order of [providers, providers.toReversed()]) {
      await start(order);
      const contextId = open();
      const above = await make(Above, contextId);
      destroyed = [];
      await destroy(contextId);
      expect(destroyed).toHaveLength(4);
      expect([destroyed[0], destroyed[3]]).toEqual([above, above.hen.below]);
      expect(destroyed).toEqual(expect.arrayContaining([above.hen, above.hen.egg]));
      await module.close();
    }
  });

  it('puts the target of a guard before the guard, and the guard before its own dependencies', async () => {
    const guards: Guard[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Guard extends Mortal {
      constructor(readonly tool: Tool) {
        super();
        guards.push(this);
      }
      canActivate() {
        return true;
      }
    }
    @UseGuards(Guard)
    @Injectable()
    class GuardedProvider extends Mortal {}
    @Controller()
    class GuardedController extends Mortal {
      @UseGuards(Guard)
      @Get()
      get() {
        return 1;
      }
    }
    await start([InnerTool, Tool, GuardedProvider], [GuardedController]);
    const contexts = [open(), open()] as const;
    const guarded = [
      await make(GuardedProvider, contexts[0]),
      await make(GuardedController, contexts[1]),
    ] as const;
    for (const [index, contextId] of contexts.entries()) {
      destroyed = [];
      await destroy(contextId);
      const { tool } = guards[index]!;
      expect(destroyed).toEqual([guarded[index], guards[index], tool, tool.inner]);
    }
  });

  it('waits for each hook before the next', async () => {
    const steps: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Under {
      onModuleDestroy() {
        steps.push('under');
      }
    }
    @Injectable()
    class Over {
      constructor(readonly under: Under) {}
      async onModuleDestroy() {
        steps.push('over begins');
        await turn();
        steps.push('over ends');
      }
    }
    await start([Under, Over]);
    const contextId = open();
    await make(Over, contextId);
    await destroy(contextId);
    expect(steps).toEqual(['over begins', 'over ends', 'under']);
  });
});

describe('a factory in a Nest context', () => {
  it('makes instances that are destroyed once each, in their place', async () => {
    class Made extends Mortal {}
    @Injectable({ scope: Scope.REQUEST })
    class Third extends Mortal {
      constructor(@Inject('MADE') readonly made: Made) {
        super();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Second extends Mortal {
      constructor(readonly third: Third) {
        super();
      }
    }
    // Fewer providers depend on the value that this one passes on than on the second.
    @Injectable({ scope: Scope.REQUEST })
    class First extends Mortal {
      constructor(
        readonly second: Second,
        @Inject('PASSED') readonly passed: Made,
        @Inject('ALIAS') readonly alias: Made,
      ) {
        super();
      }
    }
    await start([
      { provide: 'PASSED', scope: Scope.REQUEST, inject: ['MADE'], useFactory: (made: Made) => made },
      { provide: 'ALIAS', useExisting: 'MADE' },
      { provide: 'ALIAS_OF_ALIAS', useExisting: 'ALIAS' },
      { provide: 'MADE', scope: Scope.REQUEST, useFactory: async () => new Made() },
      First,
      Second,
      Third,
    ]);
    const contextId = open();
    const first = await make(First, contextId);
    const { third } = first.second;
    expect(await module.get(ModuleRef).resolve('ALIAS_OF_ALIAS', contextId)).toBe(third.made);
    expect([first.passed, first.alias]).toEqual([third.made, third.made]);
    await destroy(contextId);
    expect(destroyed).toEqual([first, first.second, third, third.made]);
  });

  it('can return singletons, values, the request or nothing, which are not destroyed', async () => {
    const value = new Mortal();
    const scope = Scope.REQUEST;
    @Injectable()
    class User extends Mortal {
      constructor(
        @Inject('SINGLETON') readonly singleton: Mortal,
        @Inject('VALUE') readonly value: Mortal,
        @Inject('PROMISED') readonly promised: Mortal,
        @Inject(REQUEST) readonly request: Mortal,
        @Inject('NOTHING') readonly nothing: undefined,
        @Inject('TEXT') readonly text: string,
        readonly session: Session,
      ) {
        super();
      }
    }
    await start([
      Singleton,
      sessionProvider,
      User,
      { provide: 'SINGLETON', scope, inject: [Singleton], useFactory: (one: Singleton) => one },
      { provide: 'STATIC_VALUE', useValue: value },
      { provide: 'VALUE', scope, inject: ['STATIC_VALUE'], useFactory: (one: Mortal) => one },
      { provide: 'PROMISED', useValue: Promise.resolve(new Mortal()) },
      { provide: 'NOTHING', scope, useFactory: () => undefined },
      { provide: 'TEXT', scope, useFactory: () => 'text' },
    ]);
    const session = new Session();
    const contextId = open(session);
    const user = await make(User, contextId);
    expect(user).toMatchObject({ value, session, request: session, singleton: module.get(Singleton) });
    expect(user.promised).toBeInstanceOf(Mortal);
    await destroy(contextId);
    expect(destroyed).toEqual([user]);
  });
});

describe('a durable provider in a Nest context', () => {
  const tenant = { id: 7 };
  const given = Object.getOwnPropertyDescriptor(ContextIdFactory, 'strategy');

  beforeEach(() =>
    ContextIdFactory.apply({
      attach: (contextId) => ({
        resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tenant : contextId),
        payload: { tenant: 7 },
      }),
    }),
  );
  afterEach(() => {
    if (given) Object.defineProperty(ContextIdFactory, 'strategy', given);
    else Reflect.deleteProperty(ContextIdFactory, 'strategy');
  });

  it('is shared and kept with its dependencies until its own context ends', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Durable extends Mortal {
      constructor(readonly tool: Tool) {
        super();
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class DurableTool extends Mortal {
      constructor(readonly durable: Durable) {
        super();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class UsesDurable extends Mortal {
      constructor(
        readonly durable: Durable,
        readonly store: Store,
        readonly tool: Tool,
        @Inject('PASSED') readonly passed: Durable,
      ) {
        super();
      }
    }
    await start([
      ...basic,
      Durable,
      DurableTool,
      UsesDurable,
      {
        provide: 'PASSED',
        scope: Scope.REQUEST,
        inject: [Durable],
        useFactory: (durable: Durable) => durable,
      },
    ]);
    const [first, second] = [open(), open()];
    const [a, b] = [await make(UsesDurable, first), await make(UsesDurable, second)];
    expect(a.durable).toBe(b.durable);
    expect(a.passed).toBe(a.durable);
    expect(a.tool).not.toBe(a.durable.tool);
    for (const [contextId, made] of [[first, a] as const, [second, b] as const]) {
      destroyed = [];
      await destroy(contextId);
      expect(destroyed[0]).toBe(made);
      expect(destroyed).toHaveLength(4);
      expect(destroyed).toEqual(expect.arrayContaining([made.store, made.tool, made.tool.inner]));
    }
    const third = open();
    const tool = await make(DurableTool, third);
    expect(tool.durable).toBe(a.durable);
    destroyed = [];
    await destroy(third);
    expect(destroyed).toEqual([tool]);
    destroyed = [];
    await destroy(tenant);
    expect(destroyed).toEqual([a.durable]);
  });
});

describe('a hook of destruction in a Nest context', () => {
  it('runs also if another one has failed', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Rejects extends Mortal {
      override async onModuleDestroy() {
        super.onModuleDestroy();
        throw new Error('rejected');
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Throws extends Mortal {
      constructor(readonly rejects: Rejects) {
        super();
      }
      override onModuleDestroy() {
        super.onModuleDestroy();
        throw undefined;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Plain {
      readonly onModuleDestroy = 'not a hook';
      constructor(
        readonly store: Store,
        readonly throws: Throws,
      ) {}
    }
    await start([...basic, Rejects, Throws, Plain]);
    const contextId = open();
    const { store, throws } = await make(Plain, contextId);
    await destroy(contextId);
    expect(destroyed).toEqual(expect.arrayContaining([store, throws, throws.rejects]));
    expect(errors).toEqual([undefined, new Error('rejected')]);
    await destroy(contextId);
    expect(destroyed).toHaveLength(3);
  });
});

it('a destroyed Nest context keeps no instance alive', async () => {
  await start(basic);
  const contextId = open();
  const references = await (async () => {
    const handler = await make(Handler, contextId);
    return [handler, handler.store, handler.tool, handler.tool.inner].map((one) => new WeakRef<object>(one));
  })();
  const alive = async () => {
    await turn();
    collectGarbage();
    return references.filter((reference) => reference.deref()).length;
  };
  expect(await alive()).toBe(4);
  await destroy(contextId);
  destroyed = [];
  expect(await alive()).toBe(0);
  await destroy(contextId);
  expect(destroyed).toEqual([]);
});

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();
