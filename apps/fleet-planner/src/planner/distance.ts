import type { Position, Region } from '../../../robot-world/src/common/robot-world.props.js';

/** The square of the distance from a place to the nearest point of a box; 0 inside of it. */
export function squareToBox({ x, y }: Position, box: Region): number {
  const dx = Math.max(box.minX - x, 0, x - box.maxX);
  const dy = Math.max(box.minY - y, 0, y - box.maxY);
  return dx * dx + dy * dy;
}

/** The square of the shortest distance between a straight line and a box; 0 where it runs into it. */
export function squareFromLine(from: Position, to: Position, box: Region): number {
  if (runsInto(from, to, box)) return 0;
  // They do not meet, so the nearest points are an end of the line, or a corner of the box.
  let nearest = Math.min(squareToBox(from, box), squareToBox(to, box));
  for (const x of [box.minX, box.maxX])
    for (const y of [box.minY, box.maxY]) nearest = Math.min(nearest, squareToLine({ x, y }, from, to));
  return nearest;
}

export function lengthOf(places: readonly Position[]): number {
  return places.reduce((sum, { x, y }, index) => {
    const before = places[index - 1];
    return before ? sum + Math.hypot(x - before.x, y - before.y) : 0;
  }, 0);
}

function squareToLine({ x, y }: Position, from: Position, to: Position): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : ((x - from.x) * dx + (y - from.y) * dy) / square;
  const part = Math.min(1, Math.max(0, along));
  return (from.x + part * dx - x) ** 2 + (from.y + part * dy - y) ** 2;
}

/** Clips the line at each pair of the box's edges, and sees whether anything is left. */
function runsInto(from: Position, to: Position, box: Region): boolean {
  let [enters, leaves] = [0, 1];
  for (const [start, end, min, max] of [
    [from.x, to.x, box.minX, box.maxX],
    [from.y, to.y, box.minY, box.maxY],
  ] as const) {
    const way = end - start;
    if (way === 0) {
      if (start < min || start > max) return false;
      continue;
    }
    const [first, second] = [(min - start) / way, (max - start) / way];
    enters = Math.max(enters, Math.min(first, second));
    leaves = Math.min(leaves, Math.max(first, second));
  }
  return enters <= leaves;
}
