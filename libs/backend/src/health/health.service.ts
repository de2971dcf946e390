import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { within } from '@linnet/common/internal';
import { delayDrains } from '../http/http.mount.js';
import { IpcHost } from '../ipc/host/ipc.host.js';
import { SafeLogger } from '../nest/logging/safe.logger.js';
import type { HealthOptions, HealthReport } from './health.options.js';

export const HEALTH_OPTIONS = Symbol('linnet:health-options');

/** The interval of the samples of the event loop, which every sample contains, in milliseconds. */
const RESOLUTION_MS = 10;
/** How long samples count, in milliseconds. */
const WINDOW_MS = 5_000;
/** Answers of backends count for this time, so that requests for the state do not become requests to backends. */
const BACKENDS_MS = 1_000;

type Backends = Readonly<Record<string, 'up' | 'down'>>;

/** The state of this instance, for endpoints and for indicators of `@nestjs/terminus`. */
@Injectable()
export class HealthService implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new SafeLogger('HealthModule');
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #window: NodeJS.Timeout | undefined;
  #lastDelayMs = 0;
  #isDraining = false;
  #backends: { readonly asked: number; readonly answers: Promise<Backends> } | undefined;
  readonly #unreachable = new Set<string>();

  constructor(
    @Inject(HEALTH_OPTIONS) private readonly options: HealthOptions,
    private readonly adapterHost: HttpAdapterHost,
    private readonly moduleRef: ModuleRef,
  ) {
    if (adapterHost.listening && options.path !== false)
      throw new Error(
        'HealthModule cannot be loaded lazily, because its endpoints would not be served: import it in a module that is loaded at start.',
      );
  }

  /** Called by Nest. */
  onModuleInit(): void {
    this.#loop.enable();
    this.#window = setInterval(() => {
      this.#lastDelayMs = this.#measured();
      this.#loop.reset();
    }, WINDOW_MS).unref();
    const adapter = this.adapterHost.httpAdapter as AbstractHttpAdapter | undefined;
    if (!adapter) return;
    const { drainDelayMs = 0 } = this.options;
    delayDrains(adapter, async () => {
      this.#isDraining = true;
      if (drainDelayMs > 0) await delay(drainDelayMs);
    });
  }

  /** Called by Nest. */
  onApplicationShutdown(): void {
    this.#loop.disable();
    clearInterval(this.#window);
  }

  /** Whether the shutdown has begun. RPC and IPC are still served for `drainDelayMs`. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The state of this instance. Never rejects. */
  async report(): Promise<HealthReport> {
    const { maxEventLoopDelayMs = 1_000 } = this.options;
    const backends = await this.#askBackends();
    const eventLoopDelayMs = Math.round(Math.max(this.#lastDelayMs, this.#measured()));
    const isUp =
      !this.#isDraining &&
      eventLoopDelayMs <= maxEventLoopDelayMs &&
      Object.values(backends).every((state) => state === 'up');
    return {
      status: isUp ? 'up' : 'down',
      draining: this.#isDraining,
      eventLoopDelayMs,
      sessions: this.#sessions(),
      backends,
    };
  }

  /**
   * An indicator of `@nestjs/terminus`: `health.check([() => linnet.isHealthy('linnet')])`.
   *
   * @param key names the indicator in the answer
   */
  async isHealthy<Key extends string>(key: Key): Promise<Record<Key, HealthReport>> {
    return { [key]: await this.report() } as Record<Key, HealthReport>;
  }

  #measured(): number {
    const milliseconds = this.#loop.percentile(99) / 1e6 - RESOLUTION_MS;
    return Math.max(0, milliseconds || 0);
  }

  #sessions(): number {
    try {
      return this.moduleRef.get(IpcHost, { strict: false }).sessions.length;
    } catch {
      // The application has no IPC.
      return 0;
    }
  }

  #askBackends(): Promise<Backends> {
    const now = performance.now();
    if (!this.#backends || now - this.#backends.asked > BACKENDS_MS)
      this.#backends = { asked: now, answers: this.#reach() };
    return this.#backends.answers;
  }

  async #reach(): Promise<Backends> {
    const { backends = {}, backendTimeoutMs = 2_000 } = this.options;
    const states = Object.entries(backends).map(async ([name, check]) => {
      let failure: unknown = new Error(`No answer within ${backendTimeoutMs} ms.`);
      const work = (async () => {
        try {
          await check();
          failure = undefined;
        } catch (error) {
          failure = error ?? new Error('The check has failed.');
        }
      })();
      await within(backendTimeoutMs, work);
      this.#log(name, failure);
      return [name, failure === undefined ? 'up' : 'down'] as const;
    });
    return Object.fromEntries(await Promise.all(states));
  }

  /** Logs changes only, because probes come every few seconds. */
  #log(name: string, failure: unknown): void {
    if (failure === undefined) this.#unreachable.delete(name);
    else if (!this.#unreachable.has(name)) {
      this.#unreachable.add(name);
      this.#logger.warn(`The backend ${name} cannot be reached.`);
      this.#logger.error(failure);
    }
  }
}
