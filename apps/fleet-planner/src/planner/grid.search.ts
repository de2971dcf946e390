import { setImmediate as nextTurn } from 'node:timers/promises';
import { CellQueue } from './cell.queue.js';
import type { FloorGrid } from './floor.grid.js';

/** The number of cells between pauses, about 10 ms. In a pause the server handles other calls. */
const TURN = 20_000;

/**
 * Finds the shortest route from cell to cell, diagonals included (A*).
 *
 * @param signal ends the search, which rejects with its reason
 * @returns the cells from start to goal, both included; `undefined` if none exists
 */
export async function searchGrid(
  grid: FloorGrid,
  start: number,
  goal: number,
  signal?: AbortSignal,
): Promise<number[] | undefined> {
  const { columns, taken } = grid;
  const steps = stepsIn(grid);
  const lengths = new Float64Array(taken.length).fill(Infinity);
  const before = new Int32Array(taken.length);
  const done = new Uint8Array(taken.length);
  const queue = new CellQueue();
  lengths[start] = 0;
  queue.push(start, 0);
  for (let count = 1; ; count++) {
    const cell = queue.pop();
    if (cell === undefined) return undefined;
    if (cell === goal) return wayBack(before, start, goal);
    if (done[cell]) continue;
    done[cell] = 1;
    for (const [step, length] of steps) {
      const next = cell + step;
      // The outermost cells are always taken, so that no step leaves the grid.
      if (taken[next] || lengths[cell]! + length >= lengths[next]!) continue;
      lengths[next] = lengths[cell]! + length;
      before[next] = cell;
      queue.push(next, lengths[next] + leastLength(next, goal, columns));
    }
    if (count % TURN === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
  }
}

/** The steps to the eight neighbours, with their lengths in cells. */
function stepsIn({ columns }: FloorGrid): [step: number, length: number][] {
  return [-1, 0, 1].flatMap((row) =>
    [-1, 0, 1]
      .filter((column) => row !== 0 || column !== 0)
      .map((column): [number, number] => [row * columns + column, Math.hypot(row, column)]),
  );
}

/** The length of the route between two cells without obstacles. */
function leastLength(from: number, to: number, columns: number): number {
  const across = Math.abs((from % columns) - (to % columns));
  const up = Math.abs(Math.floor(from / columns) - Math.floor(to / columns));
  return Math.max(across, up) + (Math.SQRT2 - 1) * Math.min(across, up);
}

function wayBack(before: Int32Array, start: number, goal: number): number[] {
  const cells = [goal];
  for (let cell = goal; cell !== start;) cells.push((cell = before[cell]!));
  return cells.toReversed();
}
