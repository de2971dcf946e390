import { Injectable, Logger } from '@nestjs/common';
import { InjectRpcClient, ServerError, TransientError } from '@linnet/backend';
import type { RpcProxy } from '@linnet/backend';
import { NotFoundError, NotPossibleError } from '../../../robot-world/src/common/robot-world.errors.js';
import type {
  Id64String,
  Position,
  RobotProps,
  WarehouseToken,
} from '../../../robot-world/src/common/robot-world.props.js';
import { RobotWorldReadRpcInterface } from '../../../robot-world/src/common/robot-world.rpc.js';
import type { RouteProps } from '../common/fleet-planner.rpc.js';
import { lengthOf } from './distance.js';
import { SearchPort } from './search.port.js';
import type { RouteQuery } from './search.port.js';

/** Plans routes on the current floor of Robot World. */
@Injectable()
export class RoutePlanner {
  readonly #logger = new Logger(RoutePlanner.name);

  constructor(
    @InjectRpcClient(RobotWorldReadRpcInterface)
    private readonly world: RpcProxy<RobotWorldReadRpcInterface>,
    private readonly search: SearchPort,
  ) {}

  /**
   * @param goal in metres
   * @throws NotFoundError if the robot or a route does not exist; NotPossibleError if the robot cannot stand at the goal or leave
   * its place; TransientError if Robot World does not answer
   */
  async plan(token: WarehouseToken, robotId: Id64String, goal: Position): Promise<RouteProps> {
    const { robot, touched, floor, obstacles } = await this.#look(token, robotId).catch(unreachable);
    if (!robot) throw new NotFoundError(`Robot ${robotId} is not on the floor.`);
    if (touched.length > 0)
      throw new NotPossibleError(`${robot.name} touches obstacle ${touched[0]}, and cannot leave its place.`);
    const { x, y, radius } = robot;
    return this.#plan(robot, { floor, obstacles, radius, start: { x, y }, goal });
  }

  async #look(token: WarehouseToken, robotId: Id64String) {
    const floor = await this.world.describeFloor(token);
    const region = { minX: 0, minY: 0, maxX: floor.width, maxY: floor.depth };
    const [touched, robots, obstacles] = await Promise.all([
      this.world.queryObstaclesHitByRobot(token, robotId),
      this.world.queryRobots(token, region),
      this.world.queryObstacles(token, region),
    ]);
    const robot = robots.find(({ id }) => id === robotId);
    return { robot, touched, floor, obstacles };
  }

  async #plan(robot: RobotProps, query: RouteQuery): Promise<RouteProps> {
    const { name } = robot;
    const { goal } = query;
    const begin = performance.now();
    const places = await this.search.find(query);
    if (places === 'goal is taken') throw new NotPossibleError(`${name} cannot stand at ${textOf(goal)}.`);
    const elapsed = Math.round(performance.now() - begin);
    if (places === 'no route') {
      this.#logger.log(`Found no route for ${name} to ${textOf(goal)} in ${elapsed} ms`);
      throw new NotFoundError(`There is no route for ${name} from ${textOf(robot)} to ${textOf(goal)}.`);
    }
    const length = lengthOf(places);
    this.#logger.log(
      `Found a route of ${length.toFixed(2)} m for ${name} to ${textOf(goal)} in ${elapsed} ms`,
    );
    return { places, length };
  }
}

/** The error for a caller. If Robot World cannot be reached, nothing has happened, and the caller can repeat the call. */
function unreachable(error: unknown): never {
  if (error instanceof ServerError) throw new TransientError('Robot World cannot be reached.');
  throw error;
}

function textOf({ x, y }: Position): string {
  return `(${x.toFixed(2)} m, ${y.toFixed(2)} m)`;
}
