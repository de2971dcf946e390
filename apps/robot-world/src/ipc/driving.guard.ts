import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import { WAREHOUSE_FILE } from '../engine/warehouse.database.js';
import { Features } from '../features.js';

/**
 * Says whether robots may be driven here. In a warehouse that is only in memory they may, so that there is
 * something to see at once: such a drive is a simulation, gone with the process. One that is kept in a file
 * changes only where somebody has asked for a server that changes things, as for RPC's `moveRobot`.
 */
@Injectable()
export class DrivingGuard implements CanActivate {
  constructor(
    @Inject(WAREHOUSE_FILE) private readonly file: string,
    private readonly features: Features,
  ) {}

  canActivate(): boolean {
    if (this.file === ':memory:' || this.features.check('robot.imodel.readwrite')) return true;
    throw new ForbiddenException(
      'Robots of a warehouse in a file are driven only with the feature robot.imodel.readwrite.',
    );
  }
}
