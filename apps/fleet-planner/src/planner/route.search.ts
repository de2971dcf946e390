import type { Position } from '../../../robot-world/src/common/robot-world.props.js';
import { FloorGrid } from './floor.grid.js';
import { searchGrid } from './grid.search.js';
import type { ObstacleMap } from './obstacle.map.js';

/** Metres that a robot keeps away from what it passes, so that it does not get stuck for a rounding error. */
const MARGIN = 0.05;

/**
 * Finds a short way for a robot: on a grid first, then tightened, until no corner can be left out.
 *
 * @param radius of the robot, in metres
 * @param start where it stands, free of obstacles
 * @param goal where it can stand
 * @param signal ends the search, which rejects with its reason
 * @returns from start to goal, both included; `undefined` if no way leads there
 */
export async function findRoute(
  map: ObstacleMap,
  radius: number,
  start: Position,
  goal: Position,
  signal?: AbortSignal,
): Promise<Position[] | undefined> {
  const clearance = radius + MARGIN;
  if (map.isFree(start, goal, clearance)) return [start, goal];
  const grid = new FloorGrid(map, clearance);
  // The ends may be nearer to something than the way between them.
  const nearest = (place: Position) =>
    grid.freeCellsNear(place).find((cell) => map.isFree(place, grid.middleOf(cell), radius));
  const [first, last] = [nearest(start), nearest(goal)];
  if (first === undefined || last === undefined) return undefined;
  const cells = await searchGrid(grid, first, last, signal);
  if (!cells) return undefined;
  const places = [start, ...cells.map((cell) => grid.middleOf(cell)), goal];
  const isFree = (from: Position, to: Position) => map.isFree(from, to, clearance);
  return shorten(tighten(places, isFree), isFree);
}

/** Leaves out every place up to the last that can be seen from the one before. */
function tighten(places: Position[], isFree: (from: Position, to: Position) => boolean): Position[] {
  const kept = [places[0]!];
  for (let next = 1; next < places.length - 1; next++)
    if (!isFree(kept.at(-1)!, places[next + 1]!)) kept.push(places[next]!);
  return [...kept, places.at(-1)!];
}

/** Leaves out places as long as there is one that can be left out. */
function shorten(places: Position[], isFree: (from: Position, to: Position) => boolean): Position[] {
  const spare = places.findIndex((_, at) => {
    const [before, after] = [places[at - 1], places[at + 1]];
    return before && after && isFree(before, after);
  });
  return spare < 0 ? places : shorten(places.toSpliced(spare, 1), isFree);
}
