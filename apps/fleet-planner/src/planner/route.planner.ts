import { Injectable, Logger } from '@nestjs/common';
import {
  ClientRequestContext,
  IModelError,
  IModelStatus,
  InjectRpcClient,
  ServerError,
  TransientError,
} from '@linnet/backend';
import type { IModelRpcProps, RpcProxy } from '@linnet/backend';
import type { Id64String, Position, RobotProps } from '../../../robot-world/src/common/robot-world.props.js';
import { RobotWorldReadRpcInterface } from '../../../robot-world/src/common/robot-world.rpc.js';
import type { RouteProps } from '../common/fleet-planner.rpc.js';
import { lengthOf } from './distance.js';
import { ObstacleMap } from './obstacle.map.js';
import { findRoute } from './route.search.js';

/** Plans routes over the floor as Robot World knows it at that moment. */
@Injectable()
export class RoutePlanner {
  readonly #logger = new Logger(RoutePlanner.name);

  constructor(
    @InjectRpcClient(RobotWorldReadRpcInterface)
    private readonly world: RpcProxy<RobotWorldReadRpcInterface>,
  ) {}

  /**
   * @param goal metres
   * @throws IModelError if the robot does not exist, cannot be there, or no way leads there; TransientError if Robot World
   * does not answer
   */
  async plan(token: IModelRpcProps, robotId: Id64String, goal: Position): Promise<RouteProps> {
    const { robot, touched, map } = await this.#look(token, robotId).catch(unreachable);
    if (!robot) throw new IModelError(IModelStatus.NotFound, `Robot ${robotId} is not on the floor.`);
    if (touched.length > 0)
      throw new IModelError(
        IModelStatus.ValidationFailed,
        `${robot.name} touches obstacle ${touched[0]}, and cannot leave its place.`,
      );
    return this.#plan(robot, goal, map);
  }

  async #look(token: IModelRpcProps, robotId: Id64String) {
    const floor = await this.world.describeFloor(token);
    const region = { minX: 0, minY: 0, maxX: floor.width, maxY: floor.depth };
    const [touched, robots, obstacles] = await Promise.all([
      this.world.queryObstaclesHitByRobot(token, robotId),
      this.world.queryRobots(token, region),
      this.world.queryObstacles(token, region),
    ]);
    const robot = robots.find(({ id }) => id === robotId);
    return { robot, touched, map: new ObstacleMap(floor, obstacles) };
  }

  async #plan(robot: RobotProps, goal: Position, map: ObstacleMap): Promise<RouteProps> {
    const { name, x, y, radius } = robot;
    if (!map.isFree(goal, goal, radius))
      throw new IModelError(IModelStatus.ValidationFailed, `${name} cannot stand at ${textOf(goal)}.`);
    const begin = performance.now();
    const { signal } = ClientRequestContext.current;
    const places = await findRoute(map, radius, { x, y }, goal, signal);
    const elapsed = Math.round(performance.now() - begin);
    if (!places) {
      this.#logger.log(`No way leads ${name} to ${textOf(goal)}: searched for ${elapsed} ms`);
      throw new IModelError(
        IModelStatus.NotFound,
        `No way leads ${name} from ${textOf(robot)} to ${textOf(goal)}.`,
      );
    }
    const length = lengthOf(places);
    this.#logger.log(
      `A way of ${length.toFixed(2)} m leads ${name} to ${textOf(goal)}: found in ${elapsed} ms`,
    );
    return { places, length };
  }
}

/** Nothing has happened yet, so that callers may try again. */
function unreachable(error: unknown): never {
  if (error instanceof ServerError) throw new TransientError('Robot World cannot be reached.');
  throw error;
}

function textOf({ x, y }: Position): string {
  return `(${x.toFixed(2)} m, ${y.toFixed(2)} m)`;
}
