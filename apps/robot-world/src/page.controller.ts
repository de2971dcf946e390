import { Controller, Get } from '@nestjs/common';

/** Tells the page what it cannot know by itself. */
@Controller()
export class PageController {
  /** Where the other backend is. The page works without it, too. */
  @Get('backends.json')
  backends(): { fleetPlanner: string } {
    return { fleetPlanner: process.env['FLEET_PLANNER_URL'] ?? 'http://127.0.0.1:3002' };
  }
}
