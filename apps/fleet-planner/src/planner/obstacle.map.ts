import type { FloorProps, Position, Region } from '../../../robot-world/src/common/robot-world.props.js';
import { squareFromLine } from './distance.js';

/** The edge of a tile, in metres: about the length of a shelf, so that a tile has few obstacles. */
const TILE = 4;

/** A floor and its obstacles. It answers which straight lines are free. */
export class ObstacleMap {
  readonly #tiles = new Map<number, Region[]>();
  readonly #rowLength: number;

  constructor(
    readonly floor: FloorProps,
    readonly obstacles: readonly Region[],
  ) {
    this.#rowLength = Math.ceil(floor.width / TILE) + 1;
    for (const obstacle of obstacles)
      for (const tile of this.#tilesOf(obstacle)) {
        const known = this.#tiles.get(tile);
        if (known) known.push(obstacle);
        else this.#tiles.set(tile, [obstacle]);
      }
  }

  /**
   * Whether a disc can go from one place to another in a straight line without leaving the floor or touching an
   * obstacle. With the same place twice: whether it can stand there.
   *
   * @param radius of the disc, in metres
   */
  isFree(from: Position, to: Position, radius: number): boolean {
    const way = {
      minX: Math.min(from.x, to.x) - radius,
      maxX: Math.max(from.x, to.x) + radius,
      minY: Math.min(from.y, to.y) - radius,
      maxY: Math.max(from.y, to.y) + radius,
    };
    if (way.minX < 0 || way.minY < 0 || way.maxX > this.floor.width || way.maxY > this.floor.depth)
      return false;
    for (const tile of this.#tilesOf(way))
      for (const obstacle of this.#tiles.get(tile) ?? [])
        if (squareFromLine(from, to, obstacle) <= radius * radius) return false;
    return true;
  }

  *#tilesOf({ minX, minY, maxX, maxY }: Region): Generator<number> {
    const { width, depth } = this.floor;
    const index = (at: number, end: number) => Math.floor(Math.min(Math.max(at, 0), end) / TILE);
    for (let row = index(minY, depth); row <= index(maxY, depth); row++)
      for (let column = index(minX, width); column <= index(maxX, width); column++)
        yield row * this.#rowLength + column;
  }
}
