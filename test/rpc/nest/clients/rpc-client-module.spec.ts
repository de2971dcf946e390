import { jest } from '@jest/globals';
import { ForbiddenException, Injectable, Module } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { createRpcClient } from '@linnet/common';
import {
  CallContext,
  ClientRequestContext,
  getRpcClientToken,
  IModelError,
  IModelStatus,
  InjectRpcClient,
  NoContentError,
  RpcClientModule,
  RpcInterface,
  RpcModule,
  RpcNotFoundResponse,
  RpcPendingResponse,
  TransientError,
} from '@linnet/backend';
import type { RpcClientModuleOptions, RpcInterfaceDefinition, RpcProxy } from '@linnet/backend';
import { createTestRpcClient } from '@linnet/backend/testing';
import { closeApps, startApp } from '../../../harness/nest.harness.js';
import { startTime, stopTime } from '../../../harness/stopped.time.js';

/** The context of a call in the server. */
interface Seen {
  activityId: string;
  sessionId: string;
  application: string;
  accessToken: string;
  /** Milliseconds. */
  left: number | undefined;
}

abstract class Maps extends RpcInterface {
  static readonly interfaceName = 'Maps';
  static interfaceVersion = '1.0.0';
  async see(): Promise<Seen[]> {
    return this.forward(arguments);
  }
  async mirror(_value: unknown, ..._more: unknown[]): Promise<unknown> {
    return this.forward(arguments);
  }
  async fail(_kind: string): Promise<unknown> {
    return this.forward(arguments);
  }
  async survey(_steps: number): Promise<string> {
    return this.forward(arguments);
  }
  async wait(): Promise<void> {
    return this.forward(arguments);
  }
}

abstract class Routes extends RpcInterface {
  static readonly interfaceName = 'Routes';
  static interfaceVersion = '1.0.0';
  async see(): Promise<Seen[]> {
    return this.forward(arguments);
  }
  async wait(): Promise<void> {
    return this.forward(arguments);
  }
}

abstract class Plans extends RpcInterface {
  static readonly interfaceName = 'Plans';
  static interfaceVersion = '1.0.0';
  async see(): Promise<Seen[]> {
    return this.forward(arguments);
  }
}

function look(): Seen {
  const { activityId, sessionId, applicationId, applicationVersion, accessToken, deadline } =
    ClientRequestContext.current;
  const left = deadline === undefined ? undefined : deadline - Date.now();
  return { activityId, sessionId, application: `${applicationId} ${applicationVersion}`, accessToken, left };
}

class Hole extends RpcNotFoundResponse {
  missing = 'sheet 7';
}

let entered: () => void;
let left: () => void;
let surveys = 0;
let busy = 0;
/** Runs in a call of the routes, before the call asks for maps. */
let work: () => void = () => undefined;

@RpcInterface(Maps)
class MapsImpl implements Maps {
  async see() {
    return [look()];
  }
  async mirror(...values: unknown[]) {
    return values.length === 1 ? values[0] : values;
  }
  async fail(kind: string): Promise<unknown> {
    if (kind === 'number')
      throw Object.assign(new IModelError(IModelStatus.NotFound, 'There is no such sheet.'), { sheet: 7 });
    if (kind === 'forbidden') throw new ForbiddenException('Not for you.');
    if (kind === 'nothing') throw new NoContentError();
    if (kind === 'hole') throw new Hole();
    if (kind === 'busy' && ++busy < 3) throw new TransientError('busy', 503, 0.01);
    if (kind === 'busy') return busy;
    throw new Error('torn');
  }
  async survey(steps: number) {
    if (surveys++ < steps) throw new RpcPendingResponse(`${surveys} of ${steps}`);
    return 'surveyed';
  }
  async wait() {
    entered();
    await new Promise<void>((resolve) =>
      ClientRequestContext.current.signal.addEventListener('abort', () => resolve()),
    );
    left();
  }
}

@RpcInterface(Routes)
class RoutesImpl implements Routes {
  constructor(@InjectRpcClient(Maps) private readonly maps: RpcProxy<Maps>) {}
  async see() {
    const seen = look();
    work();
    return [seen, ...(await this.maps.see())];
  }
  async wait() {
    await this.maps.wait();
  }
}

@RpcInterface(Plans)
class PlansImpl implements Plans {
  constructor(@InjectRpcClient(Routes) private readonly routes: RpcProxy<Routes>) {}
  async see() {
    return [look(), ...(await this.routes.see())];
  }
}

afterEach(() => {
  startTime();
  work = () => undefined;
  return closeApps();
});

const at = (port: number) => `http://127.0.0.1:${port}`;

/** The server of maps, and one in front of it that is its client. */
async function startTwo(options: Partial<RpcClientModuleOptions> & { expose?: boolean } = {}) {
  const maps = await startApp({ providers: [MapsImpl] });
  const feature = { interface: Maps as RpcInterfaceDefinition, uriPrefix: at(maps.port), ...options };
  const routes = await startApp({
    imports: [RpcClientModule.forFeature([feature])],
    providers: [RoutesImpl],
    // Node's fetch opens a connection for nothing after an abort, and closing would wait for that.
    appOptions: { forceCloseConnections: true },
  });
  return { maps, routes };
}

const page = {
  applicationId: 'page',
  applicationVersion: '2.1',
  sessionId: 's1',
  authorization: 'Bearer t',
};
const call = { activityId: 'click' };

describe('a client of RpcClientModule', () => {
  it('passes the ids of a call on through three tiers', async () => {
    const { routes } = await startTwo();
    const plans = await startApp({
      imports: [RpcClientModule.forFeature([{ interface: Routes, uriPrefix: at(routes.port) }])],
      providers: [PlansImpl],
    });
    const seen = await createRpcClient({ uriPrefix: at(plans.port), ...page })
      .client(Plans)
      .with(call)
      .see();
    const names = { activityId: 'click', sessionId: 's1', application: 'page 2.1', left: undefined };
    expect(seen).toEqual([
      { ...names, accessToken: 'Bearer t' },
      { ...names, accessToken: '' },
      { ...names, accessToken: '' },
    ]);
  });

  it('passes on the time that is left until the deadline', async () => {
    const { routes } = await startTwo();
    const server = createRpcClient({ uriPrefix: at(routes.port) }).client(Routes);
    stopTime();
    work = () => jest.advanceTimersByTime(20);
    const [first, second] = await server.with({ timeoutMs: 5000 }).see();
    expect([first!.left, second!.left]).toEqual([5000, 4980]);
  });

  it('passes on credentials with forwardAuthorization, unless it has its own', async () => {
    const forwarding = await startTwo({ forwardAuthorization: true });
    const ask = (port: number) =>
      createRpcClient({ uriPrefix: at(port), ...page })
        .client(Routes)
        .see();
    expect((await ask(forwarding.routes.port))[1]).toMatchObject({ accessToken: 'Bearer t' });
    const own = await startTwo({ forwardAuthorization: true, authorization: async () => 'Service s' });
    expect((await ask(own.routes.port))[1]).toMatchObject({ accessToken: 'Service s' });
  });

  it('aborts its call when the call around it is aborted', async () => {
    const { routes } = await startTwo();
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const gone = new Promise<void>((resolve) => (left = resolve));
    const abort = new AbortController();
    const waiting = createRpcClient({ uriPrefix: at(routes.port) })
      .client(Routes)
      .with({ signal: abort.signal })
      .wait();
    await inside;
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await gone;
  });

  it('works outside of calls, with a new activity for each call', async () => {
    const { routes } = await startTwo({ applicationId: 'routes', applicationVersion: '1' });
    const maps = routes.app.get<RpcProxy<Maps>>(getRpcClientToken(Maps), { strict: false });
    const seen = [...(await maps.see()), ...(await maps.see())];
    expect(seen.map(({ application }) => application)).toEqual(['routes 1', 'routes 1']);
    expect(seen[0]!.activityId).toMatch(/^[\da-f-]{36}$/);
    expect(seen[1]!.activityId).not.toBe(seen[0]!.activityId);
  });

  it('repeats a pending call', async () => {
    surveys = 0;
    const { routes } = await startTwo({ pendingIntervalMs: 5 });
    const maps = routes.app.get<RpcProxy<Maps>>(getRpcClientToken(Maps), { strict: false });
    expect(await maps.survey(2)).toBe('surveyed');
  });
});

describe('RpcClientModule', () => {
  const seeing = (module: Parameters<typeof Test.createTestingModule>[0]) =>
    Test.createTestingModule({ ...module, imports: [RpcModule.forRoot(), ...(module.imports ?? [])] });

  /** Where the maps are, and who asks. */
  @Injectable()
  class Directory {
    static url: string;
    readonly url = Directory.url;
  }
  @Module({ providers: [Directory], exports: [Directory] })
  class DirectoryModule {}

  it.each<[string, (uriPrefix: string) => NonNullable<Parameters<typeof seeing>[0]['imports']>]>([
    [
      'shared options',
      (uriPrefix) => [
        RpcClientModule.forRoot({ uriPrefix, applicationId: 'shared' }),
        RpcClientModule.forFeature([{ interface: Maps }]),
      ],
    ],
    [
      'shared options that one client overrides',
      (uriPrefix) => [
        RpcClientModule.forRoot({ uriPrefix: 'http://127.0.0.1:1', applicationId: 'shared' }),
        RpcClientModule.forFeature([{ interface: Maps, uriPrefix }]),
      ],
    ],
    [
      'shared options of injected services',
      () => [
        RpcClientModule.forRootAsync({
          imports: [DirectoryModule],
          inject: [Directory],
          useFactory: ({ url }: Directory) => ({ uriPrefix: url, applicationId: 'shared' }),
        }),
        RpcClientModule.forFeature([{ interface: Maps }]),
      ],
    ],
    [
      'options of injected services',
      () => [
        RpcClientModule.forFeatureAsync([
          {
            interface: Maps,
            imports: [DirectoryModule],
            inject: [Directory],
            useFactory: async ({ url }: Directory) => ({ uriPrefix: url, applicationId: 'shared' }),
          },
        ]),
      ],
    ],
  ])('makes clients with %s', async (_name, imports) => {
    const { port } = await startApp({ providers: [MapsImpl] });
    Directory.url = at(port);
    const module = await seeing({ imports: imports(at(port)), providers: [RoutesImpl] }).compile();
    const routes = await createTestRpcClient(module, Routes);
    expect((await routes.see())[1]).toMatchObject({ application: 'shared ' });
    await module.close();
  });

  it('lets a test replace a client', async () => {
    const module = await seeing({
      imports: [RpcClientModule.forFeature([{ interface: Maps, uriPrefix: 'http://127.0.0.1:1' }])],
      providers: [RoutesImpl],
    })
      .overrideProvider(getRpcClientToken(Maps))
      .useValue({ see: async () => [] })
      .compile();
    const routes = await createTestRpcClient(module, Routes);
    expect(await routes.see()).toHaveLength(1);
    await module.close();
  });

  it('does not start if a client has no uriPrefix', async () => {
    const imports = [RpcClientModule.forFeature([{ interface: Maps }])];
    await expect(seeing({ imports }).compile()).rejects.toThrow(
      'RpcClientModule: the client of Maps needs a uriPrefix, the address of its server.',
    );
  });

  it('names a missing client in the error of the start', async () => {
    await expect(seeing({ providers: [RoutesImpl] }).compile()).rejects.toThrow('RpcClient of Maps');
  });
});

describe('an interface that a relay exposes', () => {
  beforeEach(() => {
    surveys = busy = 0;
  });

  const ask = async (options: RpcClientModuleOptions = {}) => {
    const servers = await startTwo({ expose: true, ...options });
    const server = createRpcClient({
      uriPrefix: at(servers.routes.port),
      ...page,
      pendingIntervalMs: 5,
      retry: { pauseMs: 5 },
    });
    return { there: servers.maps, routes: servers.routes, server, maps: server.client(Maps) };
  };

  it('is served like an interface with an implementation', async () => {
    const { server, routes, maps } = await ask();
    const endpoints = await server.describeEndpoints();
    expect(endpoints.map(({ interfaceName }) => interfaceName)).toEqual(['Routes', 'Maps']);
    expect(
      routes.log.find('log', 'MapsRelay answers Maps 1.0.0: see, mirror, fail, survey, wait'),
    ).toHaveLength(1);
    const bytes = new Uint8Array([0, 13, 10, 255]);
    expect(await maps.mirror({ a: [null, 'é', bytes] }, 2)).toEqual([{ a: [null, 'é', bytes] }, 2]);
    expect(await maps.mirror(bytes)).toEqual(bytes);
    expect(await maps.mirror(bytes, 1)).toEqual([bytes, 1]);
    expect(await maps.with(call).see()).toEqual([
      { activityId: 'click', sessionId: 's1', application: 'page 2.1', accessToken: '', left: undefined },
    ]);
  });

  it.each([
    [
      'number',
      {
        errorNumber: IModelStatus.NotFound,
        name: 'Not Found',
        message: 'There is no such sheet.',
        sheet: 7,
      },
    ],
    ['forbidden', { name: 'ForbiddenException', message: 'Not for you.' }],
    ['plain', { name: 'Error', message: 'torn' }],
    ['nothing', { errorNumber: IModelStatus.NoContent, message: 'No Content' }],
  ])('fails with the error of the server behind the relay: %s', async (kind, error) => {
    const { maps } = await ask();
    await expect(maps.fail(kind)).rejects.toMatchObject(error);
  });

  it('answers that a call is pending, and the first client repeats it', async () => {
    const { maps, server } = await ask({ pendingIntervalMs: 60_000 });
    const told: string[] = [];
    server.addListener((event) => event.kind === 'pending' && told.push(event.message));
    expect(await maps.survey(2)).toBe('surveyed');
    expect(told).toEqual(['1 of 2', '2 of 2']);
  });

  it('answers "not found", and the first client repairs the call', async () => {
    const { routes } = await ask();
    const told: object[] = [];
    const onNotFound = ({ response }: { response: object }) => {
      told.push(response);
      return told.length < 2 || ['plain'];
    };
    const maps = createRpcClient({ uriPrefix: at(routes.port), onNotFound }).client(Maps);
    await expect(maps.fail('hole')).rejects.toThrow('torn');
    expect(told).toEqual(Array.from({ length: 2 }, () => ({ message: 'Not found', missing: 'sheet 7' })));
  });

  it('answers that the server is busy, and the first client repeats the call', async () => {
    const { maps, server } = await ask();
    const pauses: number[] = [];
    server.addListener((event) => event.kind === 'retry' && pauses.push(event.pauseMs));
    const chance = jest.spyOn(Math, 'random').mockReturnValue(0);
    expect(await maps.fail('busy').finally(() => chance.mockRestore())).toBe(3);
    expect(pauses).toEqual([10, 10]);
  });

  it('reports that the server cannot be reached, but not its address', async () => {
    const { maps, there } = await ask();
    await there.close();
    const error = await maps.see().catch((error: Error) => error);
    expect(error).toMatchObject({
      name: 'ServerError',
      message: expect.stringContaining('cannot be reached'),
    });
    expect(JSON.stringify(error) + String(error)).not.toMatch(new RegExp(`127|${there.port}`));
  });

  it('shows nobody the credentials in the URL of a server that cannot be reached', async () => {
    const uriPrefix = 'http://desk:secret@127.0.0.1:9';
    const front = await startApp({
      imports: [RpcClientModule.forFeature([{ interface: Maps, uriPrefix, expose: true }])],
    });
    const maps = createRpcClient({ uriPrefix: at(front.port), ...page }).client(Maps);
    const error = await maps.see().catch((error: Error) => error);
    expect(error).toMatchObject({ name: 'ServerError' });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/desk|secret|127/);
  });

  it('is protected by guards', async () => {
    class Guard implements CanActivate {
      canActivate(context: ExecutionContext) {
        return CallContext.from(context)?.operation !== 'see';
      }
    }
    const { port } = await startApp({ providers: [MapsImpl] });
    const front = await startApp({
      imports: [RpcClientModule.forFeature([{ interface: Maps, uriPrefix: at(port), expose: true }])],
      providers: [{ provide: APP_GUARD, useClass: Guard }],
    });
    const maps = createRpcClient({ uriPrefix: at(front.port) }).client(Maps);
    expect(await maps.mirror(1)).toBe(1);
    await expect(maps.see()).rejects.toMatchObject({ status: 403 });
  });

  it('is answered by the object that a test provides as client', async () => {
    const module = await Test.createTestingModule({
      imports: [
        RpcModule.forRoot(),
        RpcClientModule.forFeature([{ interface: Maps, uriPrefix: 'http://127.0.0.1:1', expose: true }]),
      ],
    })
      .overrideProvider(getRpcClientToken(Maps))
      .useValue({ survey: async () => 'mocked' })
      .compile();
    expect(await (await createTestRpcClient(module, Maps)).survey(9)).toBe('mocked');
    await module.close();
  });
});
