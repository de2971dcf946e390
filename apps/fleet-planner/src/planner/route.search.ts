import type { Position } from '../../../robot-world/src/common/robot-world.props.js';
import { FloorGrid } from './floor.grid.js';
import { searchGrid } from './grid.search.js';
import type { ObstacleMap } from './obstacle.map.js';

/** The distance that a robot keeps from obstacles, in metres, so that a rounding error does not stop it. */
const MARGIN = 0.05;

/**
 * Finds a short route for a robot: first on a grid, then shortened until no place can be left out.
 *
 * @param radius of the robot, in metres
 * @param start its position, which touches no obstacle
 * @param goal a place at which it can stand
 * @param signal ends the search, which rejects with its reason
 * @returns from start to goal, both included; `undefined` if none exists
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
  // Start and goal may be nearer to obstacles than the route between them.
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

/** Leaves out all places between a place and the last one that a straight line reaches from it. */
function tighten(places: Position[], isFree: (from: Position, to: Position) => boolean): Position[] {
  const kept = [places[0]!];
  for (let next = 1; next < places.length - 1; next++)
    if (!isFree(kept.at(-1)!, places[next + 1]!)) kept.push(places[next]!);
  return [...kept, places.at(-1)!];
}

/** Repeats this until no place can be left out. */
function shorten(places: Position[], isFree: (from: Position, to: Position) => boolean): Position[] {
  const spare = places.findIndex((_, at) => {
    const [before, after] = [places[at - 1], places[at + 1]];
    return before && after && isFree(before, after);
  });
  return spare < 0 ? places : shorten(places.toSpliced(spare, 1), isFree);
}
