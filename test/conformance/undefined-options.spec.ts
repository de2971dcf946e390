import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  getRpcClientToken,
  IpcHost,
  IpcModule,
  memoryIpc,
  RpcClientModule,
  RpcModule,
} from '@linnet/backend';
import { RpcInterface, RpcOperation } from '@linnet/backend';
import type { IpcModuleOptions, RpcClientModuleOptions, RpcModuleOptions } from '@linnet/backend';
import { ActivityLogger } from '@linnet/backend';
import { createRpcServer } from '@linnet/backend/node';
import type { RpcServerOptions } from '@linnet/backend/node';
import { createTestIpcSession, createTestRpcClient } from '@linnet/backend/testing';
import type { TestRpcClientOptions } from '@linnet/backend/testing';
import {
  createRpcClient,
  defaultIpcLimits,
  defaultWireLimits,
  wireNaming,
  IpcFrontend,
} from '@linnet/common';
import { WebRpcManager } from '@linnet/common';
import type {
  HttpRequest,
  WireNamingProps,
  IpcFrontendOptions,
  IpcInvokeOptions,
  IpcLimits,
  RpcCallOptions,
  RpcClientOptions,
  RpcOperationPolicyProps,
  RpcRetryPolicy,
  WebRpcParams,
  WireLimits,
} from '@linnet/common';
import { webSocketIpc } from '@linnet/frontend';
import type { WebSocketIpcOptions, WebSocketLike } from '@linnet/frontend';
import { operationPolicy } from '../../libs/common/src/rpc/definition/definition.js';
import { Desktop } from '../ipc/electron/desktop.harness.js';
import { definitionOf } from '../harness/nest.harness.js';

/**
 * Options as an application has them whose configuration names none. The compiler asks for every member, so that an option
 * cannot be added without being looked at here.
 */
function nothing<T>(members: { [K in keyof T]-?: 0 }): Partial<T> {
  return Object.fromEntries(Object.keys(members).map((name) => [name, undefined])) as Partial<T>;
}

const callOptions: { [K in keyof RpcCallOptions]-?: 0 } = {
  signal: 0,
  timeoutMs: 0,
  headers: 0,
  onProgress: 0,
  activityId: 0,
  token: 0,
  retry: 0,
};
const clientOptions: { [K in keyof RpcClientOptions]-?: 0 } = {
  timeoutMs: 0,
  headers: 0,
  token: 0,
  retry: 0,
  uriPrefix: 0,
  info: 0,
  interfaces: 0,
  transport: 0,
  send: 0,
  naming: 0,
  authorization: 0,
  applicationId: 0,
  applicationVersion: 0,
  sessionId: 0,
  credentials: 0,
  csrf: 0,
  pendingIntervalMs: 0,
  onNotFound: 0,
  maxResponseBytes: 0,
  maxResponseText: 0,
  context: 0,
  ownHeaders: 0,
  mapError: 0,
};
const noRetry = nothing<RpcRetryPolicy>({
  limit: 0,
  pauseMs: 0,
  longestPauseMs: 0,
  maxRetryAfterMs: 0,
  always: 0,
});
const noLimits = <T extends object>(defaults: T) =>
  Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined])) as Partial<T>;

interface Clock {
  count(): Promise<number>;
}
const definition = definitionOf('Clock', 'count');

@RpcInterface(definition)
class ClockImpl {
  async count() {
    return 7;
  }
}

/** A server that is busy: what a client does about it shows its defaults. */
async function patience(
  make: (send: (request: HttpRequest) => Promise<never>) => any,
): Promise<{ requests: Record<string, unknown>[]; error: string }> {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  const requests: Record<string, unknown>[] = [];
  const send = async ({ method, url, headers, maxBytes }: HttpRequest) => {
    const { 'x-correlation-id': _id, ...rest } = headers;
    requests.push({ at: performance.now(), method, url, headers: rest, maxBytes });
    const header = (name: string) => (name === 'x-linnet-not-begun' ? '1' : null);
    return { status: 503, header, body: new Uint8Array() } as never;
  };
  const failures: unknown[] = [];
  const start = performance.now();
  const proxy = make(send) as Clock;
  void proxy.count().catch((reason: unknown) => failures.push(reason));
  for (let i = 0; i < 50 && failures.length === 0; i++) await jest.advanceTimersByTimeAsync(1000);
  for (const request of requests) request['at'] = Number(request['at']) - start;
  return { requests, error: String(failures[0]) };
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const uriPrefix = 'http://backend';
const shared = {
  timeoutMs: 3000,
  retry: { limit: 1, pauseMs: 50 },
  headers: { 'X-Tenant': 'acme' },
  sessionId: 's1',
};

/** Gives what is to be seen of an entry that is called with options. */
const clients: Record<string, (options: any) => Promise<unknown>> = {
  'createRpcClient(options)': (options) =>
    patience((send) => createRpcClient({ ...options, uriPrefix, send }).client(definition)),
  'createRpcClient({ retry })': ({ retry }) =>
    patience((send) => createRpcClient({ uriPrefix, send, retry }).client(definition)),
  'client.with(options)': (options) =>
    patience((send) =>
      createRpcClient({ ...shared, uriPrefix, send })
        .client<any>(definition)
        .with(options),
    ),
  'client.with(…).with(options)': (options) =>
    patience((send) =>
      createRpcClient({ uriPrefix, send }).client<any>(definition).with(shared).with(options),
    ),
  'WebRpcManager.initializeClient(options)': (options) =>
    patience((send) =>
      WebRpcManager.initializeClient({ ...options, uriPrefix, send }, [definition]).client(definition),
    ),
};
const noClient = {
  ...nothing<WebRpcParams>({ ...clientOptions, pendingRequestListener: 0 }),
  retry: noRetry,
};
const noCall = { ...nothing<RpcCallOptions>(callOptions), retry: noRetry };

describe('options of clients that are undefined', () => {
  it.each(Object.keys(clients))('leave the defaults of %s', async (entry) => {
    const run = clients[entry]!;
    const expected = await run({});
    jest.useRealTimers();
    expect(await run(entry.includes('with') ? noCall : noClient)).toEqual(expected);
    jest.useRealTimers();
    const members = entry.includes('with') ? callOptions : clientOptions;
    expect(await run(nothing<any>(members as any))).toEqual(expected);
  });

  it('leave the options of RpcClientModule.forRoot to clients of forFeature', async () => {
    const run = async (options: RpcClientModuleOptions) => {
      let app: Awaited<ReturnType<typeof NestFactory.createApplicationContext>>;
      const send = { current: undefined as any };
      @Module({
        imports: [
          RpcClientModule.forRoot({ ...shared, uriPrefix, send: (request) => send.current(request) }),
          RpcClientModule.forFeature([{ interface: definition, ...options }]),
        ],
      })
      class AppModule {}
      app = await NestFactory.createApplicationContext(AppModule, { logger: false });
      const seen = await patience((given) => {
        send.current = given;
        return app.get(getRpcClientToken(definition), { strict: false });
      });
      jest.useRealTimers();
      await app.close();
      return seen;
    };
    const none = nothing<RpcClientModuleOptions>({
      ...without(clientOptions, 'interfaces', 'context'),
      forwardAuthorization: 0,
    });
    expect(await run({ ...none, retry: noRetry })).toEqual(await run({}));
  });
});

function without<T extends object, K extends keyof T>(members: T, ...names: K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name as K))) as Omit<
    T,
    K
  >;
}

const handlerOptions = {
  origins: 0,
  hosts: 0,
  developmentMode: 0,
  exposeErrors: 0,
  exposeError: 0,
  path: 0,
  catchAll: 0,
  anyGet: 0,
  errorStatus: 0,
  throwOnTokenMismatch: 0,
  allowedHeaders: 0,
  naming: 0,
  info: 0,
  limits: 0,
  versionCheck: 0,
  ping: 0,
  openApi: 0,
  greeting: 0,
  once: 0,
} as const;
const noModule = nothing<RpcModuleOptions>({
  ...handlerOptions,
  onError: 0,
  interfaces: 0,
  nats: 0,
  docs: 0,
  shutdownTimeoutMs: 0,
});
const noServer = nothing<Omit<RpcServerOptions, 'interfaces'>>({
  ...handlerOptions,
  mapError: 0,
  report: 0,
  around: 0,
  json: 0,
  documents: 0,
});
const noLimitsOfRpc = { ...noLimits<WireLimits>(defaultWireLimits) };

/** The answers of a server to requests that show its defaults. */
async function answers(ask: (request: Request) => Promise<Response>): Promise<unknown[]> {
  const call = '/Clock-1.0.0-count';
  const headers = { 'X-Correlation-ID': 'a', 'X-Protocol-Version': '2', 'Content-Type': 'text/plain' };
  const requests: [string, RequestInit][] = [
    [call, { method: 'POST', headers, body: '[]' }],
    [call, { method: 'POST', headers: { ...headers, Origin: 'https://elsewhere.example' }, body: '[]' }],
    [call, { method: 'POST', headers: { ...headers, Origin: 'http://localhost:5000' }, body: '[]' }],
    [call, { method: 'OPTIONS', headers: { Origin: 'http://localhost:5000' } }],
    [call, { method: 'POST', headers, body: 'x' }],
    [`${call}/mode/1/context/a/imodel/b/changeset/c/Clock-1.0.0-count?parameters=W10=`, { headers }],
    ['/elsewhere', { method: 'POST', headers, body: '[]' }],
    ['/ping', {}],
    ['/v3/swagger.json', {}],
    ['/', {}],
  ];
  const seen: unknown[] = [];
  for (const [target, init] of requests) {
    const response = await ask(new Request(`http://localhost${target}`, init));
    const { date: _date, etag: _etag, ...rest } = Object.fromEntries(response.headers);
    seen.push([target, response.status, rest, await response.text()]);
  }
  return seen;
}

const started: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});

async function makeApp(imports: any[], providers: any[] = [ClockImpl]): Promise<INestApplication> {
  @Module({ imports, providers })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false });
  started.push(() => app.close());
  await app.listen(0, '127.0.0.1');
  return app;
}

describe('options of servers that are undefined', () => {
  it.each([
    ['RpcModule.forRoot(options)', (options: object) => RpcModule.forRoot(options)],
    [
      'RpcModule.forRootAsync()',
      (options: object) => RpcModule.forRootAsync({ useFactory: async () => options }),
    ],
  ])('leave the defaults of %s', async (_entry, module) => {
    const run = async (options: object) => {
      const app = await makeApp([module(options)]);
      const { port } = app.getHttpServer().address();
      return answers((request) => {
        const { pathname, search } = new URL(request.url);
        return fetch(`http://127.0.0.1:${port}${pathname}${search}`, new Request(request));
      });
    };
    const expected = await run({});
    expect(expected[0]).toMatchObject({ 1: 200, 3: '7' });
    expect(await run(noModule)).toEqual(expected);
    expect(await run({ limits: noLimitsOfRpc, info: { title: undefined, version: undefined } })).toEqual(
      expected,
    );
  });

  it('leave the defaults of createRpcServer', async () => {
    const run = (options: object) => {
      const server = createRpcServer({ ...options, interfaces: [[definition, ClockImpl]] });
      jest.spyOn(console, 'error').mockReturnValue(undefined);
      return answers(server.fetch);
    };
    const expected = await run({});
    expect(expected[0]).toMatchObject({ 1: 200, 3: '7' });
    expect(await run(noServer)).toEqual(expected);
    expect(await run({ limits: noLimitsOfRpc })).toEqual(expected);
  });

  it('leave the defaults of IpcModule', async () => {
    const run = async (options: IpcModuleOptions) => {
      const app = await makeApp([IpcModule.forRoot(options)]);
      const host = app.get(IpcHost);
      const frontend = await createTestIpcSession(app);
      const tested = { limits: host.limits, isNative: frontend.isNative, state: frontend.state };
      frontend.close();
      return tested;
    };
    const none = nothing<IpcModuleOptions>({
      origins: 0,
      hosts: 0,
      developmentMode: 0,
      exposeErrors: 0,
      exposeError: 0,
      onError: 0,
      path: 0,
      authorize: 0,
      guards: 0,
      userKey: 0,
      rooms: 0,
      backplane: 0,
      replicate: 0,
      dedicated: 0,
      native: 0,
      mobile: 0,
      frontendGraceMs: 0,
      onFrontendGone: 0,
      requireIpcMethod: 0,
      invokeTimeoutMs: 0,
      heartbeatMs: 0,
      resumeGraceMs: 0,
      ticketMs: 0,
      ticketStore: 0,
      shutdownTimeoutMs: 0,
      limits: 0,
    });
    const expected = await run({});
    expect(expected.limits).toEqual(defaultIpcLimits);
    expect(await run(none)).toEqual(expected);
    expect(await run({ limits: noLimits<IpcLimits>(defaultIpcLimits) })).toEqual(expected);
  });
});

describe('options of frontends that are undefined', () => {
  it('leave the defaults of IpcFrontend', async () => {
    const run = async (options: IpcFrontendOptions) => {
      jest.useFakeTimers();
      jest.spyOn(Math, 'random').mockReturnValue(0.5);
      const connected: number[] = [];
      const start = performance.now();
      const frontend = new IpcFrontend((events) => {
        connected.push(performance.now() - start);
        queueMicrotask(() => events.closed({ code: 1006, reason: '', initiator: 'remote' }));
        return { write() {}, defer: (work: () => void) => work(), close() {}, bufferedBytes: 0 } as never;
      }, options);
      let late: number | undefined;
      frontend.invoke('c', 'm').catch(() => (late ??= performance.now() - start));
      await jest.advanceTimersByTimeAsync(90_000);
      frontend.ready.catch(() => undefined);
      frontend.close();
      jest.useRealTimers();
      return { connected, late };
    };
    const none = nothing<IpcFrontendOptions>({
      invokeTimeoutMs: 0,
      reconnect: 0,
      reconnectMs: 0,
      connectTimeoutMs: 0,
      heartbeatMs: 0,
      limits: 0,
      mapError: 0,
      isObserved: 0,
    });
    const expected = await run({});
    expect(expected.connected.length).toBeGreaterThan(5);
    expect(expected.late).toBe(60_000);
    expect(await run(none)).toEqual(expected);
    expect(
      await run({ reconnectMs: [undefined, undefined] as never, limits: noLimits(defaultIpcLimits) }),
    ).toEqual(expected);
  });

  it('leave the defaults of one call', async () => {
    const app = await makeApp([IpcModule.forRoot()]);
    const frontend = new IpcFrontend(
      memoryIpc(app, { user: undefined, accessToken: undefined, compatible: undefined }),
    );
    const none = nothing<IpcInvokeOptions>({ signal: 0, timeoutMs: 0, activityId: 0, onProgress: 0 });
    const proxy = frontend.makeIpcProxy<{ m(): Promise<void> }>('nowhere', none);
    await expect(proxy.m()).rejects.toThrow('nowhere');
    frontend.close();
  });

  it('leave the defaults of webSocketIpc', () => {
    const run = (options: WebSocketIpcOptions) => {
      const offered: unknown[] = [];
      class Socket {
        constructor(url: string, protocols: string[]) {
          offered.push(url, protocols);
        }
        addEventListener() {}
        close() {}
      }
      const webSocket = Socket as never as new (url: string, protocols: string[]) => WebSocketLike;
      new IpcFrontend(webSocketIpc('ws://localhost/ipc', { ...options, webSocket })).close();
      return offered;
    };
    const none = nothing<WebSocketIpcOptions>({ webSocket: 0, compatible: 0 });
    expect(run(none)).toEqual(run({}));
  });
});

describe('options of tests and tools that are undefined', () => {
  it('leave the defaults of createTestRpcClient', async () => {
    const app = await makeApp([RpcModule.forRoot()]);
    const none = nothing<TestRpcClientOptions>(
      without(clientOptions, 'uriPrefix', 'interfaces', 'transport', 'ownHeaders'),
    );
    const client = await createTestRpcClient<Clock>(app, definition, { ...none, retry: noRetry });
    expect(await client.count()).toBe(7);
  });

  it('leave a session of createTestIpcSession without reconnection', async () => {
    const app = await makeApp([IpcModule.forRoot()]);
    const frontend = await createTestIpcSession(app, {
      reconnect: undefined,
      headers: undefined,
      ticket: undefined,
    });
    const states: string[] = [];
    const closed = new Promise<void>((resolve) =>
      frontend.onStateChange((state) => {
        states.push(state);
        if (state === 'closed' || state === 'connecting') resolve();
      }),
    );
    app.get(IpcHost).sessions[0]!.close(4000, 'over');
    await closed;
    expect(states).toEqual(['interrupted', 'closed']);
    frontend.close();
  });

  it('leave the policy of an operation unchanged', () => {
    const none = nothing<RpcOperationPolicyProps>({
      allowResponseCaching: 0,
      allowResponseCompression: 0,
      allowTokenMismatch: 0,
      concurrency: 0,
      stream: 0,
      resumable: 0,
      idempotency: 0,
      token: 0,
    });
    class Impl {
      @RpcOperation({ concurrency: 3, allowResponseCaching: true })
      async count() {}
    }
    const { prototype } = Impl;
    const { value: method } = Object.getOwnPropertyDescriptor(prototype, 'count')!;
    const declared = Object.assign(definitionOf('Clock', 'count'), { operations: { count: none } });
    const before = operationPolicy(declared, 'count', method);
    expect(before).toMatchObject({ concurrency: 3, allowResponseCaching: true });
    RpcOperation(none)(prototype, 'count', Object.getOwnPropertyDescriptor(prototype, 'count')!);
    expect(operationPolicy(declared, 'count', method)).toEqual(before);
  });

  it('leave the wire of iTwin.js unchanged in wireNaming', async () => {
    const none = nothing<WireNamingProps>({ paths: 0, headers: 0, statuses: 0 });
    const run = (naming: ReturnType<typeof wireNaming> | undefined) =>
      patience((send) => createRpcClient({ uriPrefix, send, naming }).client(definition)).finally(() =>
        jest.useRealTimers(),
      );
    expect(await run(wireNaming(none))).toEqual(await run(undefined));
  });

  it('leave the fields of an activity as members of the JSON lines of ActivityLogger', () => {
    const logger = new ActivityLogger({ json: undefined, flattenParams: undefined });
    expect((logger as unknown as { options: object }).options).toMatchObject({ flattenParams: true });
  });

  it('leave windows of ElectronHost their default preload script and menu', async () => {
    const desktop = await Desktop.start({ developmentServer: true, frontendURL: undefined });
    started.push(() => desktop.stop());
    const given: any[] = [];
    const { BrowserWindow } = desktop.electron;
    jest.spyOn(desktop.electron as any, 'BrowserWindow').mockImplementation((options: any) => {
      given.push(options);
      return new BrowserWindow(options);
    });
    await desktop.backend.openMainWindow({
      autoHideMenuBar: undefined,
      webPreferences: { preload: undefined, contextIsolation: undefined },
    });
    expect(given[0]).toMatchObject({ autoHideMenuBar: true, webPreferences: { contextIsolation: true } });
    expect(given[0].webPreferences.preload).toMatch(/preload\.cjs$/);
  });
});
