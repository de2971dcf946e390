import { Controller, Get } from '@nestjs/common';

/** Gives the page the addresses that depend on the deployment. */
@Controller()
export class PageController {
  /** The address of the second backend. The page works without it as well. */
  @Get('backends.json')
  backends(): { fleetPlanner: string } {
    return { fleetPlanner: process.env['FLEET_PLANNER_URL'] ?? 'http://127.0.0.1:3002' };
  }
}
