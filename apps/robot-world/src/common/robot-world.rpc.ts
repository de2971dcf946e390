import { RpcInterface, RpcOperation, rpcOperations } from '@linnet/common';
import * as v from 'valibot';
import type {
  FloorProps,
  Id64String,
  NewRobotProps,
  ObstacleProps,
  Position,
  Region,
  RobotProps,
  SurveyReport,
  WarehouseToken,
} from './robot-world.props.js';

/**
 * Queries about a warehouse, its robots and its obstacles. Every operation takes the warehouse as its first argument. The server
 * has one warehouse, so that the argument only routes the request.
 */
export abstract class RobotWorldReadRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'RobotWorldReadRpcInterface';
  public static interfaceVersion = '1.0.0';

  /**
   * Counts the robots of the warehouse.
   *
   * @param _token routes the request
   */
  public async countRobots(_token: WarehouseToken): Promise<number> {
    return this.forward(arguments);
  }

  /**
   * Counts how many of the elements are robots.
   *
   * @param _token routes the request
   * @param _elementIds ids of robots, of obstacles, or without an element; at most 10,000, repeated ones count once
   */
  public async countRobotsInArray(_token: WarehouseToken, _elementIds: Id64String[]): Promise<number> {
    return this.forward(arguments);
  }

  /**
   * Finds the robots whose centre lies in a part of the floor, in the order of their ids.
   *
   * @param _token routes the request
   * @param _region metres; edges count as inside
   */
  public async queryRobots(_token: WarehouseToken, _region: Region): Promise<RobotProps[]> {
    return this.forward(arguments);
  }

  /**
   * Finds the obstacles that lie at least partly in a part of the floor, in the order of their ids.
   *
   * @param _token routes the request
   * @param _region metres; edges count as inside
   */
  public async queryObstacles(_token: WarehouseToken, _region: Region): Promise<ObstacleProps[]> {
    return this.forward(arguments);
  }

  /**
   * Finds the obstacles that a robot touches, in the order of their ids.
   *
   * @param _token routes the request
   * @param _robotId the robot; the call fails with `errorNumbers.notFound` if the robot does not exist
   */
  public async queryObstaclesHitByRobot(_token: WarehouseToken, _robotId: Id64String): Promise<Id64String[]> {
    return this.forward(arguments);
  }

  /**
   * Returns the size of the floor. Caches may keep the answer, so that clients call it with GET.
   *
   * @param _token routes the request
   */
  @RpcOperation({ allowResponseCaching: true })
  public async describeFloor(_token: WarehouseToken): Promise<FloorProps> {
    return this.forward(arguments);
  }

  /**
   * Draws a part of the floor: one byte for each cell, one of `FloorCell`, row by row from the north-west.
   * There are `ceil(width / resolution)` cells in a row, and rows by the same rule.
   *
   * @param _token routes the request
   * @param _region metres
   * @param _resolution edge of a cell in metres; an error if it makes more than 4,000,000 cells
   */
  public async floorSnapshot(
    _token: WarehouseToken,
    _region: Region,
    _resolution: number,
  ): Promise<Uint8Array> {
    return this.forward(arguments);
  }

  /**
   * Measures all obstacles. A survey takes seconds. Until it is done the answer is *pending*, with the progress as message,
   * and clients poll.
   *
   * @param _token routes the request
   * @param _surveyId name for the survey, chosen by the caller: 1 to 64 letters, digits, `.`, `_` or `-`.
   * A second survey of the same name joins the first, or returns its report while the report is kept.
   */
  public async surveyObstacles(_token: WarehouseToken, _surveyId: string): Promise<SurveyReport> {
    return this.forward(arguments);
  }

  /**
   * Stops a survey. A client that stops polling does not stop it.
   *
   * @param _token routes the request
   * @param _surveyId its name; later polls for it fail
   * @returns whether it was running
   */
  public async cancelSurvey(_token: WarehouseToken, _surveyId: string): Promise<boolean> {
    return this.forward(arguments);
  }
}

/** The obstacles that a robot would touch; none if it would reach beyond the floor. The page loads this schema, so it is a small one. */
const noPlace = v.object({ hit: v.array(v.string()) });

/** Changes to a warehouse; exposed if the feature `robots.write` is on. */
export abstract class RobotWorldWriteRpcInterface extends RpcInterface {
  public static readonly interfaceName = 'RobotWorldWriteRpcInterface';
  public static interfaceVersion = '1.1.0';
  // The schemas of the arguments are on the implementation: only the server needs them.
  public static readonly operations = rpcOperations<RobotWorldWriteRpcInterface>()({
    addRobot: { errors: { NoPlace: noPlace } },
    moveRobot: { errors: { NoPlace: noPlace, RobotNotFound: null } },
  });

  /**
   * Puts a new robot on the floor, and returns its id.
   *
   * @param _token routes the request
   * @param _robot the robot; the call fails with `NoPlace` if it would reach beyond the floor or touch an obstacle
   */
  public async addRobot(_token: WarehouseToken, _robot: NewRobotProps): Promise<Id64String> {
    return this.forward(arguments);
  }

  /**
   * Moves a robot, and returns its new state. Obstacles on the way there do not matter.
   *
   * @param _token routes the request
   * @param _robotId the robot; the call fails with `RobotNotFound` if the robot does not exist
   * @param _to the new position of its centre, in metres; the call fails with `NoPlace` if the robot would reach beyond the floor or touch an obstacle there
   */
  public async moveRobot(_token: WarehouseToken, _robotId: Id64String, _to: Position): Promise<RobotProps> {
    return this.forward(arguments);
  }
}
