import { Controller, Get, Header, Module, ServiceUnavailableException } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import type { HealthOptions, HealthReport } from './health.options.js';
import { HEALTH_OPTIONS, HealthService } from './health.service.js';

/**
 * Reports whether an instance lives and wants requests, at `GET /health/live` and `GET /health/ready`, and keeps serving while
 * load balancers notice that it ends.
 *
 * ```ts
 * @Module({ imports: [HealthModule.forRoot({ drainDelayMs: 10_000 })] })
 * ```
 */
@Module({})
export class HealthModule {
  /** Makes the module; all options have defaults. */
  static forRoot(options: HealthOptions = {}): DynamicModule {
    const { path = 'health' } = options;
    return {
      module: HealthModule,
      global: true,
      controllers: path === false ? [] : [controllerAt(path)],
      providers: [{ provide: HEALTH_OPTIONS, useValue: options }, HealthService],
      exports: [HealthService],
    };
  }
}

function controllerAt(path: string): Type {
  @Controller(path)
  class HealthController {
    constructor(private readonly health: HealthService) {}

    /** An instance that answers lives. */
    @Get('live')
    @Header('Cache-Control', 'no-store')
    live(): { status: 'up' } {
      return { status: 'up' };
    }

    /** 200 or 503. */
    @Get('ready')
    @Header('Cache-Control', 'no-store')
    async ready(): Promise<HealthReport> {
      const report = await this.health.report();
      if (report.status === 'down') throw new ServiceUnavailableException(report);
      return report;
    }
  }
  return HealthController;
}
