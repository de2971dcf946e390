import { describe, expect, it } from '@jest/globals';
import { layOutWarehouse } from '../../../robot-world/src/engine/warehouse.layout.js';
import { seededRandom } from '../../../robot-world/src/engine/random.js';
import type { Position, Region } from '../../../robot-world/src/common/robot-world.props.js';
import { lengthOf, squareToBox } from './distance.js';
import { ObstacleMap } from './obstacle.map.js';
import { findRoute } from './route.search.js';

const floor = { width: 40, depth: 30 };
const radius = 0.5;

function box(minX: number, minY: number, maxX: number, maxY: number): Region {
  return { minX, minY, maxX, maxY };
}

/** The nearest that a robot on its way comes to anything, judged every few centimetres. */
function nearestOn(places: readonly Position[], { floor, obstacles }: ObstacleMap): number {
  let nearest = Infinity;
  for (const [index, to] of places.entries()) {
    const from = places[index - 1] ?? to;
    const near = obstacles.filter(
      ({ minX, minY, maxX, maxY }) =>
        minX < Math.max(from.x, to.x) + 2 &&
        maxX > Math.min(from.x, to.x) - 2 &&
        minY < Math.max(from.y, to.y) + 2 &&
        maxY > Math.min(from.y, to.y) - 2,
    );
    const steps = Math.ceil(lengthOf([from, to]) / 0.03) || 1;
    for (let step = 0; step <= steps; step++) {
      const part = step / steps;
      const at = { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
      nearest = Math.min(nearest, at.x, at.y, floor.width - at.x, floor.depth - at.y);
      for (const obstacle of near) nearest = Math.min(nearest, Math.sqrt(squareToBox(at, obstacle)));
    }
  }
  return nearest;
}

describe('a route of a robot', () => {
  it('is a straight line if nothing is in the way', async () => {
    const map = new ObstacleMap(floor, [box(10, 10, 12, 12)]);
    const ends: Position[] = [
      { x: 1, y: 1 },
      { x: 39, y: 9 },
    ];
    expect(await findRoute(map, radius, ends[0]!, ends[1]!)).toEqual(ends);
    expect(await findRoute(map, radius, ends[0]!, ends[0]!)).toEqual([ends[0], ends[0]]);
  });

  it.each([
    ['a wall', [box(20, 0, 21, 20)], { x: 10, y: 5 }, { x: 31, y: 5 }],
    ['a wall, seen from aside', [box(20, 0, 21, 20)], { x: 18, y: 3 }, { x: 38, y: 14 }],
    ['a block', [box(10, 5, 30, 15)], { x: 20, y: 3 }, { x: 20, y: 17 }],
  ])('is about as short as possible around %s', async (_name, obstacles, start, goal) => {
    const map = new ObstacleMap(floor, obstacles);
    const places = (await findRoute(map, radius, start, goal))!;
    expect([places[0], places.at(-1)]).toEqual([start, goal]);
    expect(nearestOn(places, map)).toBeGreaterThan(radius);
    // The way around the corners themselves. A robot is wider than a point, so its way is not shorter.
    const [obstacle] = obstacles as [Region];
    const corners = (['minX', 'maxX'] as const).flatMap((x) =>
      (['minY', 'maxY'] as const).map((y) => ({ x: obstacle[x], y: obstacle[y] })),
    );
    const passable = corners.filter(({ y }) => y > 0);
    const sees = (from: Position, to: Position) =>
      new ObstacleMap(floor, shrunk(obstacles)).isFree(from, to, 0);
    const ways = passable.flatMap((first) => passable.map((second) => [start, first, second, goal]));
    const possible = ways.filter((way) => way.slice(1).every((to, index) => sees(way[index]!, to)));
    const shortest = Math.min(...possible.map(lengthOf));
    expect(lengthOf(places)).toBeGreaterThan(shortest);
    expect(lengthOf(places)).toBeLessThan(shortest * 1.05 + 2 * radius);
  });

  it('leads through a gap that is wider than the robot, and through no narrower one', async () => {
    const through = (gap: number) =>
      findRoute(
        new ObstacleMap(floor, [box(20, 0, 21, 15), box(20, 15 + gap, 21, 30)]),
        radius,
        { x: 10, y: 5 },
        { x: 31, y: 5 },
      );
    expect(await through(1.4)).toBeDefined();
    expect(await through(0.99)).toBeUndefined();
  });

  it('can begin and end close to obstacles', async () => {
    const map = new ObstacleMap(floor, [box(5, 5, 10, 10), box(12, 0, 13, 20)]);
    const start = { x: 7, y: 4.49 };
    const goal = { x: 13.51, y: 7 };
    const places = (await findRoute(map, radius, start, goal))!;
    expect([places[0], places.at(-1)]).toEqual([start, goal]);
    expect(nearestOn(places, map)).toBeGreaterThan(radius);
  });

  it('does not exist if walls enclose the goal', async () => {
    const cell = [box(10, 10, 20, 11), box(10, 19, 20, 20), box(10, 10, 11, 20), box(19, 10, 20, 20)];
    const map = new ObstacleMap(floor, cell);
    expect(await findRoute(map, radius, { x: 5, y: 5 }, { x: 15, y: 15 })).toBeUndefined();
    expect(await findRoute(map, radius, { x: 15, y: 15 }, { x: 5, y: 5 })).toBeUndefined();
  });

  it('is not searched any more after the signal is aborted', async () => {
    const cell = [box(10, 10, 20, 11), box(10, 19, 20, 20), box(10, 10, 11, 20), box(19, 10, 20, 20)];
    const map = new ObstacleMap({ width: 200, depth: 200 }, cell);
    const search = findRoute(
      map,
      radius,
      { x: 5, y: 5 },
      { x: 15, y: 15 },
      AbortSignal.abort(new Error('gone')),
    );
    await expect(search).rejects.toThrow('gone');
  });
});

describe('routes through the warehouse', () => {
  const { obstacles, robots } = layOutWarehouse(2021);
  const map = new ObstacleMap({ width: 400, depth: 250 }, obstacles);
  const able = robots.filter((robot) => map.isFree(robot, robot, robot.radius));

  it('lead through no obstacle, and make no long detour', async () => {
    const random = seededRandom(7);
    const any = () => able[Math.floor(random() * able.length)]!;
    let found = 0;
    for (let i = 0; i < 6; i++) {
      const [robot, other] = [any(), any()];
      const { x, y } = other;
      const places = await findRoute(map, robot.radius, { x: robot.x, y: robot.y }, { x, y });
      if (!places) continue;
      found++;
      expect(nearestOn(places, map)).toBeGreaterThan(robot.radius);
      // Cross aisles are 50 m apart, so that the way to one and back is no more.
      expect(lengthOf(places)).toBeLessThan(Math.abs(robot.x - x) + Math.abs(robot.y - y) + 110);
    }
    expect(found).toBeGreaterThan(3);
    // Millions of distances, on however busy a machine.
  }, 120_000);
});

/** A hair smaller: corners are then free to be passed. */
function shrunk(obstacles: readonly Region[]): Region[] {
  const hair = 1e-6;
  return obstacles.map(({ minX, minY, maxX, maxY }) =>
    box(minX + hair, minY + hair, maxX - hair, maxY - hair),
  );
}
