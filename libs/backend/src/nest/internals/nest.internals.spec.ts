import { createRequire } from 'node:module';
import {
  Body,
  Controller,
  createParamDecorator,
  Headers,
  Inject,
  Injectable,
  Ip,
  ParseArrayPipe,
  Post,
  Req,
  Res,
  Scope,
  UseFilters,
  UseGuards,
  ValidationPipe,
  forwardRef,
} from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  ENTRY_PROVIDER_WATERMARK,
  PATH_METADATA,
  ROUTE_ARGS_METADATA,
  RouteParamtypes,
  selectExceptionFilterMetadata,
} from '@nestjs/common/internal';
import {
  APP_GUARD,
  ContextIdFactory,
  DiscoveryModule,
  DiscoveryService,
  ExternalContextCreator,
  HttpAdapterHost,
  ModulesContainer,
  REQUEST,
} from '@nestjs/core';
import type { ContextId, HostComponentInfo } from '@nestjs/core';
import {
  ExecutionContextHost,
  FORBIDDEN_MESSAGE,
  Injector,
  REQUEST_CONTEXT_ID,
  STATIC_CONTEXT,
} from '@nestjs/core/internal';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { filtersOf, nestParts } from './pipeline.parts.js';
import { contextIdOf, instanceInContext } from './scoped.instances.js';

// Everything that Linnet uses of Nest and Express beyond their public interfaces. A new version that changes
// one of these has to be looked at; none of them may be missed silently.

const Custom = createParamDecorator(() => 1);

@Injectable()
class Impl {
  @UseFilters({ catch: () => undefined })
  run(@Body() _body: string, @Req() _req: object, @Res() _res: object, @Custom('data') _custom: number) {}
}

@Injectable({ scope: Scope.REQUEST })
class Scoped {}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard {
  canActivate() {
    return true;
  }
}

@Injectable()
class Marked {}
Reflect.defineMetadata(ENTRY_PROVIDER_WATERMARK, true, Marked);

@Injectable({ scope: Scope.TRANSIENT })
class Inner {}

@Injectable({ scope: Scope.TRANSIENT })
class Tool {
  constructor(readonly inner: Inner) {}
}

@Injectable({ scope: Scope.REQUEST, durable: true })
class Durable {
  constructor(readonly tool: Tool) {}
}

@UseGuards(ScopedGuard)
@Injectable()
class Owner {
  @Inject() readonly durable!: Durable;
  constructor(
    readonly tool: Tool,
    readonly scoped: Scoped,
    @Inject(forwardRef(() => Other)) readonly other: object,
  ) {}
}

@Injectable({ scope: Scope.REQUEST })
class Other {
  constructor(@Inject(forwardRef(() => Owner)) readonly owner: object) {}
}

@Controller()
class Listed {
  @Post()
  run(@Headers('x') _x: string, @Ip() _ip: string) {}
}

let module: TestingModule;
let creator: ExternalContextCreator;
let discovery: DiscoveryService;

beforeAll(async () => {
  module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    controllers: [Listed],
    providers: [
      Impl,
      Scoped,
      Marked,
      Inner,
      Tool,
      Durable,
      Owner,
      Other,
      { provide: APP_GUARD, useClass: ScopedGuard },
      { provide: 'ALIAS', useExisting: Impl },
      { provide: 'FACTORY', useFactory: () => new Impl() },
    ],
  }).compile();
  creator = module.get(ExternalContextCreator);
  discovery = module.get(DiscoveryService);
});
afterAll(() => module.close());

const wrapperOf = (token: unknown) =>
  [...discovery.getProviders(), ...discovery.getControllers()].find((wrapper) => wrapper.token === token)!;

describe('ExternalContextCreator of Nest', () => {
  it.each([
    ['guardsContextCreator', 'create'],
    ['interceptorsContextCreator', 'create'],
    ['pipesContextCreator', 'create'],
    ['pipesContextCreator', 'createConcreteContext'],
    ['pipesContextCreator', 'setModuleContext'],
    ['pipesConsumer', 'apply'],
    ['filtersContextCreator', 'create'],
    ['contextUtils', 'reflectCallbackMetadata'],
    ['contextUtils', 'reflectCallbackParamtypes'],
  ] as const)('has %s.%s', (part, method) => {
    expect((nestParts(creator)[part] as unknown as Record<string, unknown>)[method]).toBeInstanceOf(Function);
  });

  it('returns the filters of a method', () => {
    const instance = module.get(Impl);
    const filters = filtersOf(nestParts(creator), instance, instance.run, wrapperOf(Impl).host!.id);
    expect(filters).toEqual([{ func: expect.any(Function), exceptionMetatypes: expect.any(Array) }]);
    expect(selectExceptionFilterMetadata(filters, new Error('any'))).toBe(filters[0]);
  });

  it('passes the type of a body to pipes by its number', async () => {
    const seen: unknown[] = [];
    const pipe = { transform: (_value: unknown, metadata: { type: string }) => seen.push(metadata.type) };
    const { pipesConsumer } = nestParts(creator);
    await pipesConsumer.apply(1, { type: RouteParamtypes.BODY as never }, [pipe]);
    await pipesConsumer.apply(1, { type: 'custom' }, [pipe]);
    expect(seen).toEqual(['body', 'custom']);
  });
});

describe('InstanceWrapper of Nest', () => {
  it('has the members that Linnet reads', () => {
    const wrapper = wrapperOf(Impl);
    expect(wrapper).toMatchObject({
      name: 'Impl',
      token: Impl,
      metatype: Impl,
      instance: expect.any(Impl),
      id: expect.any(String),
      isTransient: false,
      isNotMetatype: false,
      host: { id: expect.any(String), providers: expect.any(Map), controllers: expect.any(Map) },
    });
    expect(wrapper.isAlias).toBeFalsy();
    expect(wrapperOf('ALIAS').isAlias).toBe(true);
    expect(wrapperOf('FACTORY').isNotMetatype).toBe(true);
    expect(wrapper.isDependencyTreeStatic()).toBe(true);
    expect(wrapper.isDependencyTreeDurable()).toBe(false);
    expect(wrapperOf(Scoped).isDependencyTreeStatic()).toBe(false);
    expect(wrapperOf(Listed).host!.controllers.get(Listed)).toBe(wrapperOf(Listed));
  });

  it('counts request-scoped global enhancers only for a marked class', () => {
    expect(wrapperOf(Marked).isDependencyTreeStatic()).toBe(false);
    expect(wrapperOf(Impl).isDependencyTreeStatic()).toBe(true);
  });
});

describe('the request scope of Nest', () => {
  it('is kept on the request under the key that Nest reads', async () => {
    const request = {};
    const contextId = contextIdOf(creator, request, false);
    expect((request as Record<symbol | string, unknown>)[REQUEST_CONTEXT_ID]).toBe(contextId);
    expect(ContextIdFactory.getByRequest(request)).toBe(contextId);
    expect(contextIdOf(creator, request, false)).toBe(contextId);
    const first = await instanceInContext(wrapperOf(Scoped), contextId);
    expect(first).toBeInstanceOf(Scoped);
    expect(await instanceInContext(wrapperOf(Scoped), contextId)).toBe(first);
    expect(await instanceInContext(wrapperOf(Scoped), contextIdOf(creator, {}, false))).not.toBe(first);
  });

  it('has instances that can be found without being made, and can be removed', async () => {
    const contextId = contextIdOf(creator, {}, false);
    const wrapper = wrapperOf(Scoped);
    const existing = () => wrapper.getExistingInstancesByContextId(contextId);
    expect(existing()).toEqual([]);
    // A placeholder is not an instance.
    wrapper.getInstanceByContextId(contextId);
    expect(existing()).toEqual([{ instance: {}, isResolved: false, isPending: false }]);
    const instance = await instanceInContext(wrapper, contextId);
    expect(existing()).toEqual([expect.objectContaining({ isResolved: true, isConstructorCalled: true })]);
    expect(existing()[0]!.instance).toBe(instance);
    wrapper.removeInstanceByContextId(contextId, wrapper.id);
    expect(existing()).toEqual([]);
    const [kept] = wrapperOf(Impl).getExistingInstancesByContextId(STATIC_CONTEXT);
    expect(kept!.instance).toBe(module.get(Impl));
  });

  it('keeps the request beside the instances, marked as not made by Nest', () => {
    const request = {};
    const contextId = contextIdOf(creator, request, false);
    const hosts = [...module.get(ModulesContainer).values()]
      .flatMap(({ providers }) => [providers.get(REQUEST)])
      .flatMap((wrapper) => wrapper?.getExistingInstancesByContextId(contextId) ?? []);
    expect(hosts).toEqual([{ instance: request, isResolved: true }]);
    expect(hosts[0]!.instance).toBe(request);
  });

  it('keeps transient instances under the ids of their owners', async () => {
    const contextId = contextIdOf(creator, {}, false);
    const [owner, tool, inner] = [wrapperOf(Owner), wrapperOf(Tool), wrapperOf(Inner)];
    await instanceInContext(owner, contextId);
    await instanceInContext(tool, contextId);
    for (const wrapper of [tool, inner]) {
      const count = () => wrapper.getExistingInstancesByContextId(contextId).length;
      expect(count()).toBe(3);
      for (const [index, { id }] of [owner, tool, wrapperOf(Durable)].entries()) {
        wrapper.removeInstanceByContextId(contextId, id);
        expect(count()).toBe(2 - index);
      }
    }
  });

  it('keeps durable instances in the parent context, without their transient instances', async () => {
    const parent = { id: 7 };
    const asked: HostComponentInfo[] = [];
    const contextId: ContextId = {
      id: 8,
      getParent: (info) => {
        asked.push(info);
        return info.isTreeDurable ? parent : contextId;
      },
    };
    const [durable, tool] = [wrapperOf(Durable), wrapperOf(Tool)];
    const instance = (await instanceInContext(durable, contextId)) as Durable;
    expect(durable.getExistingInstancesByContextId(contextId)).toEqual([]);
    expect(durable.getExistingInstancesByContextId(parent)[0]!.instance).toBe(instance);
    expect(tool.getExistingInstancesByContextId(parent)).toEqual([]);
    expect(tool.getExistingInstancesByContextId(contextId)[0]!.instance).toBe(instance.tool);
    expect(asked).toContainEqual({ token: Durable, isTreeDurable: true });
    expect(asked).toContainEqual({ token: Tool, isTreeDurable: false });
  });

  it('knows dependants of dependants: by parameter, property, guard and in a cycle', () => {
    const dependants = (token: unknown) => [...wrapperOf(token).getDependents()].map((one) => one.token);
    expect(new Set(dependants(Inner))).toEqual(new Set([Tool, Durable, Owner, Other]));
    expect(new Set(dependants(Durable))).toEqual(new Set([Owner, Other]));
    expect(new Set(dependants(Owner))).toEqual(new Set([Owner, Other]));
    const { injectables } = wrapperOf(Owner).host!;
    expect([...injectables.get(ScopedGuard)!.getDependents()]).toContain(wrapperOf(Owner));
    expect(wrapperOf(Tool).isTransient).toBe(true);
    expect(wrapperOf(Durable).isDependencyTreeDurable()).toBe(true);
  });

  it('has an injector and a static context', () => {
    expect(Injector.prototype.loadPerContext).toBeInstanceOf(Function);
    expect(STATIC_CONTEXT).toEqual({ id: 1 });
    expect(FORBIDDEN_MESSAGE).toBe('Forbidden resource');
    const context = new ExecutionContextHost([1, 2, 3, 4], Impl, Impl.prototype.run);
    context.setType('ws');
    expect([context.getType(), context.getArgByIndex(3), context.getClass()]).toEqual(['ws', 4, Impl]);
  });
});

describe('the decorators of Nest', () => {
  it('record parameters by type and index', () => {
    const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, Impl, 'run') as Record<string, any>;
    const { BODY, REQUEST, RESPONSE } = RouteParamtypes;
    expect(Object.keys(parameters)).toEqual(
      expect.arrayContaining([`${BODY}:0`, `${REQUEST}:1`, `${RESPONSE}:2`]),
    );
    const custom = Object.entries(parameters).find(([key]) => key.includes(CUSTOM_ROUTE_ARGS_METADATA))!;
    expect(custom[0]).toMatch(/:3$/);
    expect(custom[1]).toMatchObject({ index: 3, data: 'data', pipes: [], factory: expect.any(Function) });
    const listed = Reflect.getMetadata(ROUTE_ARGS_METADATA, Listed, 'run') as Record<string, any>;
    expect(listed).toMatchObject({
      [`${RouteParamtypes.HEADERS}:0`]: { index: 0, data: 'x' },
      [`${RouteParamtypes.IP}:1`]: { index: 1 },
    });
    expect(Reflect.getMetadata(PATH_METADATA, Listed)).toBe('/');
  });
});

describe('the HTTP adapters of Nest', () => {
  it('for Express add one layer first that calls hooks, and two parsers', () => {
    const adapter = new ExpressAdapter();
    const { stack } = adapter.getInstance().router;
    expect(stack).toHaveLength(1);
    expect(stack[0].handle.toString()).toMatch(/this\.onResponseHook[^]*this\.onRequestHook/);
    const hook = () => undefined;
    adapter.setOnRequestHook(hook);
    adapter.setOnResponseHook(hook);
    expect(adapter).toMatchObject({ onRequestHook: hook, onResponseHook: hook });
    adapter.registerParserMiddleware('', false);
    expect(stack.slice(1).map((layer: any) => layer.name)).toEqual(['jsonParser', 'urlencodedParser']);
    adapter.useStaticAssets('.', {});
    adapter.enableCors({});
    expect(stack.slice(3).map((layer: any) => layer.name)).toEqual(['serveStatic', 'corsMiddleware']);
    expect(adapter.beforeClose).toBeInstanceOf(Function);
  });

  it('for Express have layers that match paths, and routes that know methods', () => {
    const app = new ExpressAdapter().getInstance();
    app.use('/a', () => undefined).post('/b', () => undefined);
    const [, a, b] = app.router.stack;
    expect([Boolean(a.match('/a/x')), Boolean(a.match('/b')), a.route]).toEqual([true, false, undefined]);
    expect([Boolean(b.match('/b')), b.route._handlesMethod('POST'), b.route._handlesMethod('GET')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([typeof app.request, typeof app.response]).toEqual(['object', 'object']);
  });

  it('for Fastify have methods for middleware, for requests without a route and for the close', () => {
    const adapter = new FastifyAdapter();
    expect(adapter.createMiddlewareFactory).toBeInstanceOf(Function);
    expect(adapter.setNotFoundHandler).toBeInstanceOf(Function);
    expect(adapter.beforeClose).toBeInstanceOf(Function);
  });

  it('for Fastify keep the class of requests under a symbol', () => {
    const fastify = new FastifyAdapter().getInstance() as object;
    const keys = Object.getOwnPropertySymbols(fastify).map(({ description }) => description);
    expect(keys).toContain('fastify.Request');
  });

  it('are reported to a subscriber that comes late', () => {
    const host = new HttpAdapterHost();
    host.httpAdapter = new ExpressAdapter() as never;
    let reports = 0;
    host.init$.subscribe(() => reports++);
    expect(reports).toBe(1);
  });
});

it('ValidationPipe of Nest has the steps between class-transformer and class-validator', () => {
  const pipe = new ValidationPipe() as unknown as Record<string, unknown>;
  expect(typeof pipe['validate']).toBe('function');
  expect(typeof pipe['findNestedBinaryValues']).toBe('function');
  expect((new ParseArrayPipe() as unknown as Record<string, unknown>)['validationPipe']).toBeInstanceOf(
    ValidationPipe,
  );
});

it('Nest has the major version whose sources the internals were read in', () => {
  const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };
  expect(version).toMatch(/^12\./);
});
