import { request } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication, LoggerService, ModuleMetadata, NestApplicationOptions } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { RpcModule } from '@linnet/backend';
import type { RpcModuleOptions } from '@linnet/backend';
import { LinnetExpressAdapter } from '@linnet/backend/express';

/** A way that a call can take into an application. */
export interface Way {
  readonly adapter: () => AbstractHttpAdapter;
  /** Prepares an application so that its calls go this way. */
  readonly prepare?: (app: INestApplication) => void;
}

/** Every way. A promise on one holds on all of them. */
export const ways: Record<string, Way> = {
  'the stock Express adapter': { adapter: () => new ExpressAdapter() },
  LinnetExpressAdapter: { adapter: () => new LinnetExpressAdapter() },
  'Express behind a middleware': {
    adapter: () => new ExpressAdapter(),
    prepare: (app) => app.use((_request: unknown, _response: unknown, next: () => void) => next()),
  },
  Fastify: { adapter: () => new FastifyAdapter() },
};

export interface AppSetup extends ModuleMetadata {
  way?: Way;
  options?: RpcModuleOptions;
  appOptions?: NestApplicationOptions;
  /** Before `init`, as in an application's `main.ts`. */
  configure?: (app: INestApplication) => unknown;
  build?: (builder: TestingModuleBuilder) => unknown;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; fails if the body is not JSON. */
  readonly json: any;
}

export interface Sent {
  method?: string;
  target?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** An application that listens, and a client of it. */
export interface TestApp {
  app: INestApplication;
  port: number;
  log: LogRecorder;
  /** Calls an operation of version 1.0.0, named `Interface.operation`. */
  call(operation: string, args?: unknown[], headers?: Record<string, string>): Promise<Reply>;
  send(sent: Sent): Promise<Reply>;
  close(): Promise<void>;
}

/** Keeps what an application logs, instead of printing it. */
export class LogRecorder implements LoggerService {
  readonly lines: { level: string; message: string }[] = [];
  log = this.#keep('log');
  error = this.#keep('error');
  warn = this.#keep('warn');
  debug = this.#keep('debug');
  verbose = this.#keep('verbose');
  fatal = this.#keep('fatal');

  /** The messages of a level that contain a text. */
  find(level: string, text: string): string[] {
    return this.lines
      .filter((line) => line.level === level && line.message.includes(text))
      .map(({ message }) => message);
  }

  #keep(level: string) {
    return (message: unknown): void => {
      this.lines.push({ level, message: String(message) });
    };
  }
}

/** Makes an application without starting it. */
export async function makeApp(setup: AppSetup): Promise<{ app: INestApplication; log: LogRecorder }> {
  const {
    way = ways['the stock Express adapter']!,
    options = {},
    appOptions,
    configure,
    build,
    ...module
  } = setup;
  const log = new LogRecorder();
  const builder = Test.createTestingModule({
    ...module,
    imports: [RpcModule.forRoot(options), ...(module.imports ?? [])],
  }).setLogger(log);
  build?.(builder);
  const compiled = await builder.compile();
  const app = compiled.createNestApplication(way.adapter(), { logger: log, ...appOptions });
  way.prepare?.(app);
  await configure?.(app);
  return { app, log };
}

const started: TestApp[] = [];

/** Starts an application on a free port. {@link closeApps} ends it. */
export async function startApp(setup: AppSetup): Promise<TestApp> {
  const { app, log } = await makeApp(setup);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const testApp: TestApp = {
    app,
    port,
    log,
    call: (operation, args = [], headers = {}) => {
      const [name, method] = operation.split('.');
      return send(port, { target: `/${name}-1.0.0-${method}`, body: JSON.stringify(args), headers });
    },
    send: (sent) => send(port, sent),
    close: async () => {
      started.splice(started.indexOf(testApp), 1);
      await app.close();
    },
  };
  started.push(testApp);
  return testApp;
}

/** Tries to start an application, and gives up what it says. */
export async function refusal(setup: AppSetup): Promise<string> {
  try {
    const { app } = await makeApp(setup);
    try {
      await app.init();
    } finally {
      await app.close().catch(() => undefined);
    }
  } catch (error) {
    return (error as Error).message;
  }
  return '(started)';
}

/** For `afterEach`. */
export async function closeApps(): Promise<void> {
  while (started.length > 0) await started[0]!.close();
}

/** The headers that clients of protocol 2 send with a call. */
export const rpcHeaders = {
  'Content-Type': 'text/plain',
  'X-Correlation-ID': 'activity-1',
  'X-Session-Id': 'session-1',
  'X-Application-Id': 'app-1',
  'X-Application-Version': '1.2.3',
  'X-Protocol-Version': '2',
};

/** Sends a request with its target exactly as it is given. */
export function send(
  port: number,
  { method = 'POST', target = '/', headers = {}, body }: Sent,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = method === 'GET' || method === 'HEAD' ? undefined : body;
    const length = sent === undefined ? {} : { 'Content-Length': Buffer.byteLength(sent) };
    const message = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: target,
        headers: { ...rpcHeaders, ...length, ...headers },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            get json() {
              return JSON.parse(text) as unknown;
            },
          });
        });
      },
    );
    message.on('error', reject);
    message.end(sent);
  });
}

/** A definition whose operations have these names. */
export function definitionOf(interfaceName: string, ...operations: string[]): any {
  const definition = { [interfaceName]: class {} }[interfaceName]!;
  Object.assign(definition, { interfaceName, interfaceVersion: '1.0.0' });
  for (const operation of operations)
    Object.defineProperty(definition.prototype, operation, { value: () => undefined, configurable: true });
  return definition;
}
