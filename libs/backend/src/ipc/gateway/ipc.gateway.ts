import type { Server } from 'node:http';
import { HttpException, Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { compatibleWire } from '@linnet/common';
import { HttpError } from '@linnet/common/internal';
import { clientAddress } from '../../http/client.address.js';
import { drainOnClose, SHUTDOWN_MS } from '../../http/http.mount.js';
import { mapNestException } from '../../nest/errors/exception.mapper.js';
import { SafeLogger } from '../../nest/logging/safe.logger.js';
import { checkPath } from '../../node/http/path.check.js';
import { UpgradeHandler } from '../../node/ipc/upgrade.handler.js';
import { IpcRegistry } from '../handlers/handler.registry.js';
import { IpcHost } from '../host/ipc.host.js';
import type { IpcModuleOptions } from '../host/ipc.options.js';
import { IPC_OPTIONS } from '../host/ipc.tokens.js';
import { IpcAuthorizer } from './ipc.authorizer.js';
import { mobileWire } from './mobile.link.js';
import { NestSessions } from './nest.sessions.js';

/** Applications, by their adapter, that already have a gateway. */
const served = new WeakSet<object>();

/**
 * Connects frontends to the application: takes the upgrade requests of its path on the HTTP server of the application,
 * beside controllers and other gateways, and admits those that authorization allows.
 */
@Injectable()
export class IpcGateway implements OnModuleInit {
  readonly #logger = new SafeLogger('IpcModule');
  readonly #upgrades: UpgradeHandler;

  constructor(
    @Inject(IPC_OPTIONS) private readonly options: IpcModuleOptions,
    private readonly host: IpcHost,
    private readonly registry: IpcRegistry,
    private readonly sessions: NestSessions,
    private readonly authorizer: IpcAuthorizer,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    if (adapterHost.listening)
      throw new Error(
        'IpcModule cannot be loaded lazily, because it would serve nothing: import it in a module that is loaded at start.',
      );
    this.#upgrades = new UpgradeHandler(host.server, options, {
      fallback: options.mobile ? mobileWire : compatibleWire,
      authorize: (request, socket) => this.authorizer.authorize(request, socket),
      addressOf: (request) => clientAddress(this.adapterHost.httpAdapter, request),
      refusalOf: (error) => this.#refusalOf(error),
    });
  }

  async onModuleInit(): Promise<void> {
    try {
      this.registry.registerAll();
      await this.authorizer.prepare();
    } catch (error) {
      await this.host.onApplicationShutdown();
      throw error;
    }
    // An application context has no HTTP server, and its handlers are checked as well.
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (adapter) this.#serve(adapter);
  }

  #serve(adapter: AbstractHttpAdapter): void {
    if (served.has(adapter))
      throw new Error('IpcModule.forRoot() is imported twice, but one module serves the whole application.');
    served.add(adapter);
    const { shutdownTimeoutMs = SHUTDOWN_MS } = this.options;
    checkPath(
      this.options.path ?? '',
      'The path of IpcModule',
      'name one, and have `authorize` read what differs from the URL of the upgrade.',
    );
    // With or without slashes around it.
    const { path: given = this.options.mobile ? '/' : '/ipc' } = this.options;
    const path = `/${given.replace(/^\/+|\/+$/g, '')}`;
    this.#upgrades.attach(adapter.getHttpServer() as Server, path);
    this.#logger.log(`Frontends connect at ${path}`);
    drainOnClose(adapter, async () => {
      this.host.lifetime.close();
      this.#upgrades.stop();
      const left = await this.sessions.close(shutdownTimeoutMs);
      await this.#upgrades.close();
      await this.sessions.ended();
      if (left > 0)
        this.#logger.warn(`${left} sessions still had calls running after ${shutdownTimeoutMs} ms.`);
    });
  }

  #refusalOf(error: unknown): { status: number; reason: string } {
    try {
      if (error instanceof HttpError) return { status: error.status, reason: error.message };
      if (error instanceof HttpException) {
        const { status, body } = mapNestException(error)!;
        return { status, reason: String(body['message']) };
      }
    } catch {
      // A proxy, or an exception whose answer cannot be read, is a fault like all others.
    }
    this.#logger.error(error);
    return { status: 500, reason: 'Internal error' };
  }
}
