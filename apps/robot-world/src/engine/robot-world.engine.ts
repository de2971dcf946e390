import { Injectable, Logger } from '@nestjs/common';
import { NotFoundError } from '../common/robot-world.errors.js';
import { FloorCell } from '../common/robot-world.props.js';
import type {
  FloorProps,
  Id64String,
  NewRobotProps,
  ObstacleKind,
  ObstacleProps,
  Position,
  Region,
  RobotProps,
} from '../common/robot-world.props.js';
import { fromId64, toId64 } from './element.id.js';
import { FloorPainter } from './floor.painter.js';
import { NoPlaceError } from './no-place.error.js';
import { WarehouseDatabase } from './warehouse.database.js';
import { floor } from './warehouse.layout.js';
import type { NewObstacleProps } from './warehouse.layout.js';
import * as sql from './warehouse.schema.js';

type RobotRow = [id: number, name: string, x: number, y: number, radius: number];
type ObstacleRow = [id: number, kind: ObstacleKind, minX: number, minY: number, maxX: number, maxY: number];
type BoxRow = [minX: number, minY: number, maxX: number, maxY: number];

/** Receives each move of a robot, with the position after and before the move. */
export type MoveListener = (robotId: Id64String, position: Position, before: Position) => void;

/** The warehouse with its robots and obstacles. It does not depend on RPC. */
@Injectable()
export class RobotWorldEngine {
  readonly #logger = new Logger(RobotWorldEngine.name);
  readonly #moveListeners = new Set<MoveListener>();

  constructor(private readonly database: WarehouseDatabase) {}

  get floor(): FloorProps {
    return floor;
  }

  countRobots(): number {
    return this.database.column(sql.countRobots)[0]!;
  }

  /** @param elementIds any ids; repeated ones count once */
  countRobotsInArray(elementIds: readonly Id64String[]): number {
    return this.database.column(sql.countRobotsAmong, JSON.stringify(elementIds.map(fromId64)))[0]!;
  }

  /** @throws NotFoundError if the robot does not exist */
  robot(robotId: Id64String): RobotProps {
    const [row] = this.database.rows<RobotRow>(sql.robotById, fromId64(robotId));
    if (!row) throw new NotFoundError(`Robot ${robotId} does not exist.`);
    return toRobot(row);
  }

  /** All robots. */
  robots(): RobotProps[] {
    return this.queryRobots({ minX: 0, minY: 0, maxX: floor.width, maxY: floor.depth });
  }

  /** Robots whose centre lies in the region, edges included. */
  queryRobots({ minX, minY, maxX, maxY }: Region): RobotProps[] {
    return this.database.rows<RobotRow>(sql.robotsInRegion, minX, minY, maxX, maxY).map(toRobot);
  }

  /** Obstacles that reach into the region, edges included. */
  queryObstacles({ minX, minY, maxX, maxY }: Region): ObstacleProps[] {
    return this.database.rows<ObstacleRow>(sql.obstaclesInRegion, minX, minY, maxX, maxY).map(toObstacle);
  }

  countObstacles(): number {
    return this.database.column(sql.countObstacles)[0]!;
  }

  /** @returns the ids of the new obstacles; robots that stand where one is now cannot move */
  addObstacles(obstacles: readonly NewObstacleProps[]): Id64String[] {
    return this.database.transaction(() =>
      obstacles.map(({ kind, minX, maxX, minY, maxY }) =>
        toId64(this.database.run(sql.addObstacle, kind, minX, maxX, minY, maxY)),
      ),
    );
  }

  removeObstacles(obstacleIds: readonly Id64String[]): void {
    this.database.transaction(() => {
      for (const id of obstacleIds.map(fromId64))
        for (const statement of sql.removeObstacle) this.database.run(statement, id);
    });
  }

  /** @throws NotFoundError if the robot does not exist */
  queryObstaclesHitByRobot(robotId: Id64String): Id64String[] {
    const obstacles = this.#obstaclesTouching(this.robot(robotId));
    this.#logger.log(`Robot ${robotId} touches ${obstacles.length} obstacles`);
    return obstacles;
  }

  /**
   * @param resolution edge of a cell, in metres
   * @returns one `FloorCell` per byte, row by row from the north-west
   * @throws NotPossibleError if the region has too many cells
   */
  floorSnapshot(region: Region, resolution: number): Uint8Array {
    const painter = new FloorPainter(region, resolution);
    const { minX, minY, maxX, maxY } = region;
    for (const box of this.database.rows<BoxRow>(sql.obstacleBoxes, minX, minY, maxX, maxY))
      painter.paint(box, FloorCell.obstacle);
    for (const box of this.database.rows<BoxRow>(sql.robotBoxes, minX, minY, maxX, maxY))
      painter.paint(box, FloorCell.robot);
    return painter.cells;
  }

  /** @throws NoPlaceError if it reaches beyond the floor or would touch an obstacle */
  addRobot(robot: NewRobotProps): Id64String {
    this.#checkPlace(robot);
    const { name, x, y, radius } = robot;
    const id = toId64(this.database.run(sql.insertRobot, name, x, y, radius));
    this.#logger.log(`Robot ${id} "${name}" starts at ${place(robot)}`);
    return id;
  }

  /** @throws NotFoundError if the robot does not exist; NoPlaceError if it cannot stand there */
  moveRobot(robotId: Id64String, to: Position): RobotProps {
    const moved = this.stepRobot(robotId, to);
    this.#logger.log(`Robot ${robotId} is now at ${place(moved)}`);
    return moved;
  }

  /** The same as {@link moveRobot} without a log line: a drive has many steps per second. */
  stepRobot(robotId: Id64String, { x, y }: Position): RobotProps {
    const robot = this.robot(robotId);
    const moved = { ...robot, x, y };
    this.#checkPlace(moved);
    this.database.run(sql.moveRobot, fromId64(robotId), x, y);
    this.reportMove(robotId, { x, y }, { x: robot.x, y: robot.y });
    return moved;
  }

  /** Calls the listeners for a move that has been made. */
  reportMove(robotId: Id64String, position: Position, before: Position): void {
    for (const listener of this.#moveListeners) listener(robotId, position, before);
  }

  /** A drive begins to move a robot. It takes the place of the one before, on whichever node that is. */
  beginDrive(robotId: Id64String, drive: string): void {
    this.database.run(sql.beginDrive, fromId64(robotId), drive);
  }

  /** Whether a drive still moves a robot: no other one has begun, and nobody has stopped it. */
  isDrivenBy(robotId: Id64String, drive: string): boolean {
    return this.database.column<string>(sql.driveOf, fromId64(robotId))[0] === drive;
  }

  /** Whichever drive moves a robot ends. */
  endDrive(robotId: Id64String): void {
    this.database.run(sql.endDrive, fromId64(robotId));
  }

  /**
   * Listens to every move of a robot.
   *
   * @param listener runs within the move, so it must not throw
   * @returns a function that removes the listener
   */
  onMoved(listener: MoveListener): () => void {
    this.#moveListeners.add(listener);
    return () => void this.#moveListeners.delete(listener);
  }

  #obstaclesTouching({ x, y, radius }: NewRobotProps): Id64String[] {
    return this.database.column(sql.obstaclesTouchingDisc, x, y, radius).map(toId64);
  }

  #checkPlace(robot: NewRobotProps): void {
    const { name, x, y, radius } = robot;
    const { width, depth } = floor;
    if (x < radius || y < radius || x > width - radius || y > depth - radius)
      throw new NoPlaceError(
        `${name} would leave the floor at ${place(robot)}: the floor is ${width} m × ${depth} m.`,
      );
    const hit = this.#obstaclesTouching(robot);
    if (hit.length > 0)
      throw new NoPlaceError(`${name} would touch obstacle ${hit[0]} at ${place(robot)}.`, hit);
  }
}

function toRobot([id, name, x, y, radius]: RobotRow): RobotProps {
  return { id: toId64(id), name, x, y, radius };
}

function toObstacle([id, kind, minX, minY, maxX, maxY]: ObstacleRow): ObstacleProps {
  return { id: toId64(id), kind, minX, minY, maxX, maxY };
}

function place({ x, y }: Position): string {
  return `(${x.toFixed(2)} m, ${y.toFixed(2)} m)`;
}
