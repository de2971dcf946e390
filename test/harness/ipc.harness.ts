import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IpcHost, IpcModule, RpcModule } from '@linnet/backend';
import type { IpcModuleOptions, IpcSession, RpcModuleOptions } from '@linnet/backend';
import { IpcFrontend, webSocketIpc } from '@linnet/frontend';
import { RawFrontend, UpgradeRefused } from '../ipc/wire/raw.frontend.js';
import type { RawFrontendOptions } from '../ipc/wire/raw.frontend.js';
import { LogRecorder, send, ways } from './nest.harness.js';
import type { AppSetup, Reply, Sent, Way } from './nest.harness.js';
import { until } from './waiting.js';

/** Every adapter that has a way of its own into an application for upgrades. */
export const adapters: Record<string, Way> = {
  'the stock Express adapter': ways['the stock Express adapter']!,
  LinnetExpressAdapter: ways['LinnetExpressAdapter']!,
  Fastify: ways['Fastify']!,
};

export interface IpcAppSetup extends Omit<AppSetup, 'options'> {
  /** Options of `IpcModule`. */
  ipc?: IpcModuleOptions;
  /** Options of `RpcModule`, which is imported where there are any. */
  rpc?: RpcModuleOptions;
}

/** A frontend by hand, with a word for calls of handlers. */
export interface TestFrontend {
  readonly raw: RawFrontend;
  /** Calls `channel.method`, and resolves with the envelope: `{ result }` or `{ error }`. */
  ask(target: string, ...args: unknown[]): Promise<any>;
  /** As {@link ask}; resolves with the error. */
  fail(target: string, ...args: unknown[]): Promise<any>;
}

export interface IpcTestApp {
  app: INestApplication;
  host: IpcHost;
  port: number;
  log: LogRecorder;
  connect(options?: RawFrontendOptions): Promise<TestFrontend>;
  /** How an upgrade is refused. */
  refused(options?: RawFrontendOptions): Promise<UpgradeRefused>;
  /** The only session, as soon as there is one. */
  session(): Promise<IpcSession>;
  send(sent: Sent): Promise<Reply>;
  close(): Promise<void>;
}

/** Makes an application without starting it. */
export async function makeIpcApp(setup: IpcAppSetup): Promise<{ app: INestApplication; log: LogRecorder }> {
  const { way = ways['the stock Express adapter']!, ipc = {}, rpc } = setup;
  const { appOptions, configure, build, imports = [], controllers = [], providers = [] } = setup;
  const log = new LogRecorder();
  // A test that does not wait for its calls does not wait for them at the end either.
  const ours = [
    IpcModule.forRoot({ shutdownTimeoutMs: 500, ...ipc }),
    ...(rpc ? [RpcModule.forRoot(rpc)] : []),
  ];
  const builder = Test.createTestingModule({
    imports: [...ours, ...imports],
    controllers,
    providers,
  }).setLogger(log);
  build?.(builder);
  const compiled = await builder.compile();
  const app = compiled.createNestApplication(way.adapter(), { logger: log, ...appOptions });
  way.prepare?.(app);
  await configure?.(app);
  return { app, log };
}

const started: IpcTestApp[] = [];
const frontends: RawFrontend[] = [];

/** Starts an application on a free port. {@link closeIpcApps} ends it. */
export async function startIpcApp(setup: IpcAppSetup = {}): Promise<IpcTestApp> {
  const { app, log } = await makeIpcApp(setup);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const host = app.get(IpcHost);
  const testApp: IpcTestApp = {
    app,
    host,
    port,
    log,
    connect: (options) => connect(port, options),
    refused: (options) => RawFrontend.refusal(port, options),
    session: () => until(() => host.sessions[0]),
    send: (sent) => send(port, sent),
    close: async () => {
      started.splice(started.indexOf(testApp), 1);
      await app.close();
    },
  };
  started.push(testApp);
  return testApp;
}

/** Connects a frontend, which ends with the test. */
export async function connect(port: number, options?: RawFrontendOptions): Promise<TestFrontend> {
  const raw = await RawFrontend.open(port, options);
  frontends.push(raw);
  const ask = (target: string, ...args: unknown[]) => {
    const dot = target.lastIndexOf('.');
    return raw.invoke(`itwin.${target.slice(0, dot)}`, target.slice(dot + 1), ...args);
  };
  const fail = async (target: string, ...args: unknown[]) => {
    const envelope = (await ask(target, ...args)) as Record<string, unknown>;
    if (!('error' in envelope)) throw new Error(`${target} did not fail: ${JSON.stringify(envelope)}`);
    return envelope['error'];
  };
  return { raw, ask, fail };
}

/** Connects our own frontend to an application at an HTTP address. It does not reconnect. */
export async function openFrontend(url: string): Promise<IpcFrontend> {
  const at = `${url.replace('http', 'ws')}/ipc`;
  const frontend = new IpcFrontend(webSocketIpc(at), { reconnect: false });
  await frontend.ready;
  return frontend;
}

/** Connects a frontend, and finds its session. */
export async function pair(app: IpcTestApp): Promise<{ frontend: TestFrontend; session: IpcSession }> {
  const before = app.host.sessions;
  const frontend = await app.connect();
  const session = await until(() => app.host.sessions.find((each) => !before.includes(each)));
  return { frontend, session };
}

/** Tries to start an application, and returns the message of its failure. */
export async function ipcRefusal(setup: IpcAppSetup): Promise<string> {
  const { app } = await makeIpcApp(setup);
  try {
    await app.init();
  } catch (error) {
    return (error as Error).message;
  } finally {
    await app.close().catch(() => undefined);
  }
  return '(started)';
}

/** For `afterEach`. */
export async function closeIpcApps(): Promise<void> {
  for (const frontend of frontends.splice(0)) frontend.terminate();
  while (started.length > 0) await started[0]!.close();
}
