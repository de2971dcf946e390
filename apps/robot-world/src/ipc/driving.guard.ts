import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import { WAREHOUSE_FILE } from '../engine/warehouse.database.js';
import { Features } from '../features.js';

/**
 * Decides whether frontends may drive robots. In a warehouse in memory they may: a drive is a simulation that ends with the
 * process. A warehouse in a file changes only if its operator has turned on the feature, as for `moveRobot` over RPC.
 */
@Injectable()
export class DrivingGuard implements CanActivate {
  constructor(
    @Inject(WAREHOUSE_FILE) private readonly file: string,
    private readonly features: Features,
  ) {}

  canActivate(): boolean {
    if (this.file === ':memory:' || this.features.check('robots.write')) return true;
    throw new ForbiddenException(
      'The robots of a warehouse in a file can be driven only with the feature robots.write.',
    );
  }
}
