import { RpcInterface, rpcError, RpcOperation } from '@linnet/backend';
import type {
  Id64String,
  NewRobotProps,
  Position,
  RobotProps,
  WarehouseToken,
} from '../common/robot-world.props.js';
import { errorNumbers, NotFoundError } from '../common/robot-world.errors.js';
import { RobotWorldWriteRpcInterface } from '../common/robot-world.rpc.js';
import { NoPlaceError } from '../engine/no-place.error.js';
import { RobotWorldEngine } from '../engine/robot-world.engine.js';
import * as schema from '../argument.schema.js';

/** Answers {@link RobotWorldWriteRpcInterface} if it is exposed. */
@RpcInterface(RobotWorldWriteRpcInterface)
export class RobotWorldWriteRpcImpl implements RobotWorldWriteRpcInterface {
  constructor(private readonly engine: RobotWorldEngine) {}

  @RpcOperation({ args: [null, schema.newRobot], result: schema.id64 })
  async addRobot(_token: WarehouseToken, robot: NewRobotProps): Promise<Id64String> {
    try {
      return this.engine.addRobot(robot);
    } catch (error) {
      throw declared('addRobot', error);
    }
  }

  @RpcOperation({ args: [null, schema.id64, schema.position] })
  async moveRobot(_token: WarehouseToken, robotId: Id64String, to: Position): Promise<RobotProps> {
    try {
      return this.engine.moveRobot(robotId, to);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw declared('moveRobot', error);
      const { message, errorNumber } = error;
      throw rpcError(RobotWorldWriteRpcInterface, 'moveRobot', 'RobotNotFound', undefined, {
        message,
        errorNumber,
      });
    }
  }
}

/** The error that the interface declares for an error of the engine. The number is for clients of iTwin.js. */
function declared(operation: 'addRobot' | 'moveRobot', error: unknown): unknown {
  if (!(error instanceof NoPlaceError)) return error;
  const options = { message: error.message, errorNumber: errorNumbers.notPossible };
  return rpcError(RobotWorldWriteRpcInterface, operation, 'NoPlace', { hit: [...error.hit] }, options);
}
