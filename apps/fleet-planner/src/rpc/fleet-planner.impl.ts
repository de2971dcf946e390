import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { RpcInterface, RpcOperation } from '@linnet/backend';
import type {
  Id64String,
  Position,
  WarehouseToken,
} from '../../../robot-world/src/common/robot-world.props.js';
import * as schema from '../argument.schema.js';
import { FleetPlannerRpcInterface } from '../common/fleet-planner.rpc.js';
import type { RouteProps } from '../common/fleet-planner.rpc.js';
import { RoutePlanner } from '../planner/route.planner.js';

/** Answers {@link FleetPlannerRpcInterface}: checks the arguments, and calls the planner. */
@RpcInterface(FleetPlannerRpcInterface)
@UsePipes(StandardSchemaValidationPipe)
export class FleetPlannerRpcImpl implements FleetPlannerRpcInterface {
  constructor(private readonly planner: RoutePlanner) {}

  // Each search needs about 20 MB for the floor.
  @RpcOperation({ concurrency: 4 })
  async planRoute(
    token: WarehouseToken,
    @Body({ schema: schema.id64 }) robotId: Id64String,
    @Body({ schema: schema.position }) goal: Position,
  ): Promise<RouteProps> {
    return this.planner.plan(token, robotId, goal);
  }
}
