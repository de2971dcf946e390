import { Injectable, Module } from '@nestjs/common';

/** The features that a deployment may turn on. */
export type Feature = 'robots.write';

/**
 * The features of this deployment: a comma-separated list in the environment variable `ROBOT_WORLD_FEATURES`. All are off by
 * default, so that a server changes data only if its operator allows it.
 */
@Injectable()
export class Features {
  readonly #on = new Set(
    (process.env['ROBOT_WORLD_FEATURES'] ?? '').split(',').map((feature) => feature.trim()),
  );

  check(feature: Feature): boolean {
    return this.#on.has(feature);
  }
}

@Module({ providers: [Features], exports: [Features] })
export class FeaturesModule {}
