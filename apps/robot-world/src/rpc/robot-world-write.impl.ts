import { Body, StandardSchemaValidationPipe, UsePipes } from '@nestjs/common';
import { RpcInterface } from '@linnet/backend';
import type {
  Id64String,
  NewRobotProps,
  Position,
  RobotProps,
  WarehouseToken,
} from '../common/robot-world.props.js';
import { RobotWorldWriteRpcInterface } from '../common/robot-world.rpc.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import * as schema from '../argument.schema.js';

/** Answers {@link RobotWorldWriteRpcInterface} if it is exposed. */
@RpcInterface(RobotWorldWriteRpcInterface)
@UsePipes(StandardSchemaValidationPipe)
export class RobotWorldWriteRpcImpl implements RobotWorldWriteRpcInterface {
  constructor(private readonly engine: RobotWorldEngine) {}

  async addRobot(
    _token: WarehouseToken,
    @Body({ schema: schema.newRobot }) robot: NewRobotProps,
  ): Promise<Id64String> {
    return this.engine.addRobot(robot);
  }

  async moveRobot(
    _token: WarehouseToken,
    @Body({ schema: schema.id64 }) robotId: Id64String,
    @Body({ schema: schema.position }) to: Position,
  ): Promise<RobotProps> {
    return this.engine.moveRobot(robotId, to);
  }
}
