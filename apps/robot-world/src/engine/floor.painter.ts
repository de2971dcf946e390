import { NotPossibleError } from '../common/robot-world.errors.js';
import type { Region } from '../common/robot-world.props.js';

/** The largest number of cells in a snapshot: 4 MB, more than a screen shows. */
const MAX_CELLS = 4_000_000;

type Box = [minX: number, minY: number, maxX: number, maxY: number];

/** Paints boxes onto a grid of cells over a part of the floor. */
export class FloorPainter {
  readonly #columns: number;
  readonly #rows: number;
  readonly cells: Uint8Array;

  /**
   * @param region metres
   * @param resolution edge of a cell, in metres
   * @throws NotPossibleError if the region has too many cells
   */
  constructor(
    private readonly region: Region,
    private readonly resolution: number,
  ) {
    this.#columns = Math.ceil((region.maxX - region.minX) / resolution);
    this.#rows = Math.ceil((region.maxY - region.minY) / resolution);
    if (this.#columns * this.#rows > MAX_CELLS)
      throw new NotPossibleError(
        `A snapshot of ${this.#columns} × ${this.#rows} cells is too large: choose a coarser resolution or a smaller region.`,
      );
    this.cells = new Uint8Array(this.#columns * this.#rows);
  }

  /** Sets the value of every cell that a box touches, so that coarse snapshots show thin obstacles as well. */
  paint([minX, minY, maxX, maxY]: Box, value: number): void {
    const { region, resolution } = this;
    const first = Math.max(0, Math.floor((minX - region.minX) / resolution));
    const last = Math.min(this.#columns, Math.ceil((maxX - region.minX) / resolution));
    // The first row is the northern one.
    const top = Math.max(0, Math.floor((region.maxY - maxY) / resolution));
    const bottom = Math.min(this.#rows, Math.ceil((region.maxY - minY) / resolution));
    for (let row = top; row < bottom; row++)
      this.cells.fill(value, row * this.#columns + first, row * this.#columns + Math.max(first, last));
  }
}
