import type {
  FloorProps,
  Id64String,
  ObstacleProps,
  Position,
  RobotProps,
} from '../src/common/robot-world.props.js';

/** The page's model of the warehouse, and the part that is visible. */
export class Floor {
  size: FloorProps = { width: 400, depth: 250 };
  obstacles: readonly ObstacleProps[] = [];
  readonly robots = new Map<Id64String, RobotProps>();
  /** The places that are still ahead of robots on their way, by the robots' ids. */
  readonly routes = new Map<Id64String, readonly Position[]>();
  chosen: Id64String | undefined;
  /** Where the chosen robot is to go next. */
  goal: Position | undefined;
  /** The obstacles that the chosen robot touches. */
  touched: ReadonlySet<Id64String> = new Set();
  readonly #listeners: (() => void)[] = [];

  /** Told of every change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  get chosenRobot(): RobotProps | undefined {
    return this.chosen === undefined ? undefined : this.robots.get(this.chosen);
  }

  choose(id: Id64String | undefined): void {
    this.chosen = id;
    const robot = this.chosenRobot;
    this.goal = robot && { x: robot.x, y: robot.y };
    this.touched = new Set();
    this.changed();
  }

  aim({ x, y }: Position): void {
    const { width, depth } = this.size;
    this.goal = { x: clamp(x, width), y: clamp(y, depth) };
    this.changed();
  }

  /** The backend says where a robot is. */
  move(id: Id64String, position: Position): void {
    const robot = this.robots.get(id);
    if (!robot) return;
    Object.assign(robot, position);
    this.changed();
  }

  /** The robot nearest to a place, other than the chosen one, if one is as near as that, in metres. */
  robotAt(place: Position, within: number): RobotProps | undefined {
    let nearest: RobotProps | undefined;
    let distance = within;
    for (const robot of this.robots.values()) {
      const away = Math.hypot(robot.x - place.x, robot.y - place.y) - robot.radius;
      if (away > distance || robot.id === this.chosen) continue;
      nearest = robot;
      distance = away;
    }
    return nearest;
  }

  /** The robot that comes after the chosen one, or before it. */
  neighbour(step: 1 | -1): RobotProps | undefined {
    const robots = [...this.robots.values()];
    const index = robots.findIndex(({ id }) => id === this.chosen);
    return robots.at(index < 0 ? 0 : (index + step) % robots.length);
  }
}

function clamp(value: number, most: number): number {
  return Math.round(Math.min(most, Math.max(0, value)) * 100) / 100;
}
