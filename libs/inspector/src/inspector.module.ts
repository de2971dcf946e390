import { Module } from '@nestjs/common';
import type { DynamicModule, NestModule } from '@nestjs/common';
import { INSPECTOR_OPTIONS, InspectorEndpoint, pathName } from './inspector.endpoint.js';
import type { InspectorOptions } from './inspector.options.js';

/**
 * Serves a page that shows sessions, calls, streams and activities of this backend while they happen. While no page is open it
 * records nothing.
 *
 * ```ts
 * @Module({ imports: [InspectorModule.forRoot({ authorize: (request) => isOperator(request) })] })
 * ```
 */
@Module({})
export class InspectorModule implements NestModule {
  /** @internal Called by Nest. */
  constructor(private readonly endpoint: InspectorEndpoint) {}

  /**
   * Makes the module.
   *
   * @throws Error without `authorize`, unless `NODE_ENV` is `development`, and for the path `/`
   */
  static forRoot(options: InspectorOptions = {}): DynamicModule {
    if (!options.authorize && process.env['NODE_ENV'] !== 'development')
      throw new Error(
        'InspectorModule needs the option `authorize`, because NODE_ENV is not `development`: it shows the users and the calls of ' +
          'all sessions, and can close them.',
      );
    if (pathName(options) === '')
      throw new Error(
        'InspectorModule needs a path other than `/`: its session would be at the path of IPC.',
      );
    return {
      module: InspectorModule,
      providers: [{ provide: INSPECTOR_OPTIONS, useValue: options }, InspectorEndpoint],
    };
  }

  /** @internal Called by Nest, behind the middleware of the application and before its routes: one of them may match every path. */
  configure(): void {
    this.endpoint.serve();
  }
}
