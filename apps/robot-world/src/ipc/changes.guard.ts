import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import { WAREHOUSE_FILE } from '../engine/warehouse.database.js';
import { isTemporary } from '../engine/warehouse.file.js';
import { Features } from '../features.js';

/**
 * Decides whether frontends may change the warehouse: drive robots, or import floor plans. In a temporary warehouse they may: such
 * a change is a simulation that ends with the process. A warehouse in a lasting file changes only if its operator has turned on the
 * feature, as for `moveRobot` over RPC.
 */
@Injectable()
export class ChangesGuard implements CanActivate {
  constructor(
    @Inject(WAREHOUSE_FILE) private readonly file: string,
    private readonly features: Features,
  ) {}

  canActivate(): boolean {
    if (isTemporary(this.file) || this.features.check('robots.write')) return true;
    throw new ForbiddenException('A warehouse in a file can be changed only with the feature robots.write.');
  }
}
