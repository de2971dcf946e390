import type {
  FloorProps,
  Id64String,
  ObstacleProps,
  Position,
  RobotProps,
} from '../../src/common/robot-world.props.js';

/** The page's model of the warehouse: robots, obstacles, and the user's choice. */
export class Floor {
  size: FloorProps = { width: 400, depth: 250 };
  obstacles: readonly ObstacleProps[] = [];
  readonly robots = new Map<Id64String, RobotProps>();
  /** The next places of driving robots, by the robots' ids. */
  readonly routes = new Map<Id64String, readonly Position[]>();
  chosen: Id64String | undefined;
  /** The positions of the chosen robot since it was chosen. */
  readonly trail: Position[] = [];
  /** The goal for the chosen robot. */
  goal: Position | undefined;
  /** The obstacles that the chosen robot touches. */
  touched: ReadonlySet<Id64String> = new Set();
  readonly #listeners: (() => void)[] = [];

  /** Runs a listener after every change. */
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

  /** Sets the position of a robot, which the backend has reported. */
  move(id: Id64String, position: Position): void {
    const robot = this.robots.get(id);
    if (!robot) return;
    Object.assign(robot, position);
    this.changed();
  }

  /** The robot nearest to a place, without the chosen one; `undefined` if none is within a distance in metres. */
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

  /** The robot after or before the chosen one in the list. */
  neighbour(step: 1 | -1): RobotProps | undefined {
    const robots = [...this.robots.values()];
    const index = robots.findIndex(({ id }) => id === this.chosen);
    return robots.at(index < 0 ? 0 : (index + step) % robots.length);
  }
}

function clamp(value: number, most: number): number {
  return Math.round(Math.min(most, Math.max(0, value)) * 100) / 100;
}
