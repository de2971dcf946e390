import type { Position } from '../../../robot-world/src/common/robot-world.props.js';
import type { ObstacleMap } from './obstacle.map.js';

/** The edge of a cell, in metres. A gap that is wider than a robot by less than this may be missed. */
const CELL = 0.25;
/** Half of the longest step: from the centre of a cell to the centre of a diagonal neighbour. */
const HALF_STEP = (CELL * Math.SQRT2) / 2;

/** The floor as cells: a cell is free if the centre of a robot can be at the centre of the cell. */
export class FloorGrid {
  readonly columns: number;
  readonly rows: number;
  /** Whether each cell is taken, row by row from the south-west. */
  readonly taken: Uint8Array;

  /**
   * @param clearance in metres. A robot that moves straight from one free cell to a neighbour, diagonals included, is nowhere
   * nearer to an obstacle
   */
  constructor(
    private readonly map: ObstacleMap,
    clearance: number,
  ) {
    const { width, depth } = map.floor;
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(depth / CELL);
    this.taken = new Uint8Array(this.columns * this.rows);
    this.#takeEdges(clearance);
    this.#takeObstacles(clearance);
  }

  /** The cell of a place. */
  cellAt({ x, y }: Position): number {
    return this.#row(y) * this.columns + this.#column(x);
  }

  /** The centre of a cell. */
  middleOf(cell: number): Position {
    return { x: ((cell % this.columns) + 0.5) * CELL, y: (Math.floor(cell / this.columns) + 0.5) * CELL };
  }

  /** The free cells around a place, the nearest first. */
  freeCellsNear(place: Position): number[] {
    const cells: [square: number, cell: number][] = [];
    for (let row = this.#row(place.y - 3 * CELL); row <= this.#row(place.y + 3 * CELL); row++)
      for (
        let column = this.#column(place.x - 3 * CELL);
        column <= this.#column(place.x + 3 * CELL);
        column++
      ) {
        const cell = row * this.columns + column;
        const { x, y } = this.middleOf(cell);
        if (!this.taken[cell]) cells.push([(x - place.x) ** 2 + (y - place.y) ** 2, cell]);
      }
    return cells.toSorted(([a], [b]) => a - b).map(([, cell]) => cell);
  }

  #takeEdges(clearance: number): void {
    const { width, depth } = this.map.floor;
    for (let row = 0; row < this.rows; row++) {
      const y = (row + 0.5) * CELL;
      if (y < clearance || y > depth - clearance) this.#take(row, -Infinity, Infinity);
      this.#take(row, -Infinity, clearance);
      this.#take(row, width - clearance, Infinity);
    }
  }

  #takeObstacles(clearance: number): void {
    // Halfway between two cell centres, a corner of an obstacle may be nearer (Pythagoras).
    const square = clearance ** 2 + HALF_STEP ** 2;
    const reach = Math.sqrt(square);
    for (const { minX, minY, maxX, maxY } of this.map.obstacles)
      for (let row = this.#row(minY - reach); row <= this.#row(maxY + reach); row++) {
        const y = (row + 0.5) * CELL;
        const rest = square - Math.max(minY - y, 0, y - maxY) ** 2;
        if (rest >= 0) this.#take(row, minX - Math.sqrt(rest), maxX + Math.sqrt(rest));
      }
  }

  /** Marks the cells of a row whose centres lie between two places, both included. */
  #take(row: number, minX: number, maxX: number): void {
    const first = Math.max(0, Math.ceil(minX / CELL - 0.5));
    const last = Math.min(this.columns - 1, Math.floor(maxX / CELL - 0.5));
    const start = row * this.columns;
    if (first <= last) this.taken.fill(1, start + first, start + last + 1);
  }

  #column(x: number): number {
    return Math.min(this.columns - 1, Math.max(0, Math.floor(x / CELL)));
  }

  #row(y: number): number {
    return Math.min(this.rows - 1, Math.max(0, Math.floor(y / CELL)));
  }
}
