import { RpcInterface } from '@linnet/common';
import type {
  Id64String,
  Position,
  WarehouseToken,
} from '../../../robot-world/src/common/robot-world.props.js';

/** A route for a robot: straight lines from place to place. */
export interface RouteProps {
  /** The places, in metres: first the position of the robot, last the goal. */
  places: Position[];
  /** The length of the route, in metres. */
  length: number;
}

/** Plans routes for the robots of a warehouse. It calls Robot World for the positions of robots and obstacles. */
export abstract class FleetPlannerRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'FleetPlannerRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Finds a short route around all obstacles. Other robots do not count as obstacles, because they move on.
   *
   * @param _token routes the request, and the requests to Robot World
   * @param _robotId the robot; the call fails with `errorNumbers.notFound` if the robot does not exist
   * @param _goal the position of its centre, in metres. The call fails with `errorNumbers.notPossible` if the robot
   * cannot stand there or cannot leave its place, and with `errorNumbers.notFound` if a route does not exist.
   */
  public async planRoute(_token: WarehouseToken, _robotId: Id64String, _goal: Position): Promise<RouteProps> {
    return this.forward(arguments);
  }
}
