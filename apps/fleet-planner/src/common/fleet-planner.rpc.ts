import { RpcInterface } from '@linnet/common';
import type { IModelRpcProps } from '@linnet/common';
import type { Id64String, Position } from '../../../robot-world/src/common/robot-world.props.js';

/** A way for a robot: from one place to the next in straight lines. */
export interface RouteProps {
  /** In metres; the first is where the robot stands, the last is where it is to go. */
  places: Position[];
  /** Of the whole way, in metres. */
  length: number;
}

/** Plans for the robots of a warehouse. What stands there it asks Robot World. */
export abstract class FleetPlannerRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'FleetPlannerRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Finds a short way around all obstacles. Other robots are no obstacles: they will be elsewhere by then.
   *
   * @param _token routes the request, and the requests to Robot World
   * @param _robotId it is an error (`IModelStatus.NotFound`) if there is none of this id
   * @param _goal where its centre shall be, in metres. It is an error (`IModelStatus.ValidationFailed`) if the robot
   * cannot stand there, or cannot leave its place; and one (`IModelStatus.NotFound`) if no way leads there
   */
  public async planRoute(_token: IModelRpcProps, _robotId: Id64String, _goal: Position): Promise<RouteProps> {
    return this.forward(arguments);
  }
}
