import type { IncomingMessage, Server } from 'node:http';
import { HttpException, Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { IpcHost } from '@linnet/backend';
import { createIpcServer } from '@linnet/backend/node';
import type { PlainIpcServer } from '@linnet/backend/node';
import type { IpcIdentity, IpcServer, IpcSession } from '@linnet/common';
import { HttpError, isFault, pathOf } from '@linnet/common/internal';
import { inspectorChannel } from './channel/inspector.ipc.js';
import { InspectorHandler } from './inspector.handler.js';
import type { InspectorUser } from './inspector.handler.js';
import type { InspectorOptions } from './inspector.options.js';
import { InspectorService } from './inspector.service.js';
import { pageFiles, readPageFile } from './page.files.js';

export const INSPECTOR_OPTIONS = Symbol('linnet:inspector-options');

/** Pages and other backends that have the inspector open at once. */
const MOST_SESSIONS = 20;
/** How long the inspector records for a page whose connection is broken, in milliseconds. */
const GRACE_MS = 10_000;

/** A request and a response of the framework of the application. */
type Handler = (request: IncomingMessage | { raw: IncomingMessage }, response: unknown) => Promise<void>;

/** Serves the page of the inspector, and its session, on the HTTP server of the application. */
@Injectable()
export class InspectorEndpoint implements OnModuleDestroy {
  readonly #logger = new Logger('InspectorModule');
  #ipc: PlainIpcServer | undefined;

  constructor(
    @Inject(INSPECTOR_OPTIONS) private readonly options: InspectorOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
  ) {
    if (adapterHost.listening)
      throw new Error(
        'InspectorModule cannot be loaded lazily, because its page would not be served: import it in a module that is loaded at start.',
      );
  }

  /** Serves the page from now on. */
  serve(): void {
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    // An application context has no HTTP server, and nothing to serve the page with.
    if (!adapter) return;
    const path = `/${pathName(this.options)}`;
    const service = new InspectorService(this.options, () => this.#server);
    this.#servePage(adapter, path, service);
    this.#ipc = createIpcServer({
      path: `${path}/ipc`,
      channels: [
        [
          inspectorChannel,
          class PageHandler extends InspectorHandler {
            constructor(session: IpcSession) {
              super(service, session);
            }
          },
        ],
      ],
      authorize: (request) => identityOf(service, request),
      ...given(this.options),
      resumeGraceMs: GRACE_MS,
      limits: { sessions: MOST_SESSIONS },
      isObserved: false,
      report: (report) => {
        if (report.kind === 'warning') this.#logger.warn(report.message);
        else if (isFault(report)) this.#logger.error(report.thrown);
      },
    });
    this.#ipc.attach(adapter.getHttpServer() as Server);
    this.#logger.log(`The inspector is at ${path}`);
  }

  /** Called by Nest. */
  async onModuleDestroy(): Promise<void> {
    await this.#ipc?.close(0);
  }

  /** The sessions of the application; `undefined` without `IpcModule`. */
  get #server(): IpcServer | undefined {
    try {
      return this.moduleRef.get(IpcHost, { strict: false }).server;
    } catch {
      return undefined;
    }
  }

  #servePage(adapter: AbstractHttpAdapter, path: string, service: InspectorService): void {
    const route = (at: string, name: string) => {
      const handler: Handler = async (framed, response) => {
        const request = 'raw' in framed ? framed.raw : framed;
        await this.#answer(adapter, request, response, service, name).catch((error: unknown) => {
          const refusal = refusalOf(error);
          // Strangers must not fill the log.
          if (!refusal) this.#logger.error(error);
          adapter.reply(response, refusal?.message ?? 'Internal error', refusal?.status ?? 500);
        });
      };
      adapter.get(at, handler);
    };
    for (const name of pageFiles) route(`${path}/${name}`, name);
    route(path, 'index.html');
    // Express, and Fastify with an option, read a path with a slash at its end as the same.
    unlessKnown(() => route(`${path}/`, 'index.html'));
  }

  async #answer(
    adapter: AbstractHttpAdapter,
    request: IncomingMessage,
    response: unknown,
    service: InspectorService,
    name: string,
  ): Promise<void> {
    if ((await service.permission(request)) === false) {
      adapter.reply(response, 'You may not use the inspector.', 403);
      return;
    }
    const path = pathOf(request.url!);
    if (name === 'index.html' && !path.endsWith('/') && !path.endsWith('.html')) {
      // The addresses in the page are relative, because a proxy may serve it under another path.
      adapter.redirect(response, 302, `${path.slice(path.lastIndexOf('/') + 1)}/`);
      return;
    }
    const { headers, content } = await readPageFile(name);
    for (const [header, value] of Object.entries(headers)) adapter.setHeader(response, header, value);
    adapter.reply(response, content, 200);
  }
}

/** The path of the page, without slashes around it; `''` for the root. */
export function pathName({ path = 'inspector' }: InspectorOptions): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** Adds a route, unless Fastify has it already. */
function unlessKnown(add: () => void): void {
  try {
    add();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'FST_ERR_DUPLICATED_ROUTE') throw error;
  }
}

/** The refusal that `authorize` has thrown, if it is one and not a fault. */
function refusalOf(error: unknown): HttpError | undefined {
  if (!(error instanceof HttpException) || error.getStatus() >= 500) return undefined;
  return new HttpError(error.getStatus(), error.message);
}

/** The options for a gateway that are given. */
function given({ origins, hosts }: InspectorOptions): Pick<InspectorOptions, 'origins' | 'hosts'> {
  return { ...(origins ? { origins } : {}), ...(hosts ? { hosts } : {}) };
}

async function identityOf(
  service: InspectorService,
  request: IncomingMessage,
): Promise<IpcIdentity | undefined> {
  const permission = await service.permission(request).catch((error: unknown) => {
    throw refusalOf(error) ?? error;
  });
  if (permission === false) return undefined;
  const user: InspectorUser = { mayClose: permission === true };
  return { user };
}
