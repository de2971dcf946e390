import { RpcInterface } from '@linnet/common';
import type { IModelRpcProps } from '@linnet/common';
import type { Id64String, Position } from '../../../robot-world/src/common/robot-world.props.js';

/** A way for a robot: from one place to the next in straight lines. */
export interface RouteProps {
  /** In metres; the first is where the robot stands, the last is where it is to go. */
  places: Position[];
  /** The length of the whole way, in metres. */
  length: number;
}

/** Plans routes for the robots of a warehouse. It calls Robot World to find out where robots and obstacles stand. */
export abstract class FleetPlannerRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'FleetPlannerRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Finds a short way around all obstacles. Other robots do not count as obstacles, because they move on.
   *
   * @param _token routes the request, and the requests to Robot World
   * @param _robotId the robot; the call fails with `IModelStatus.NotFound` if the robot does not exist
   * @param _goal the position of its centre, in metres. The call fails with `IModelStatus.ValidationFailed` if the robot
   * cannot stand there or cannot leave its place, and with `IModelStatus.NotFound` if no way leads there.
   */
  public async planRoute(_token: IModelRpcProps, _robotId: Id64String, _goal: Position): Promise<RouteProps> {
    return this.forward(arguments);
  }
}
