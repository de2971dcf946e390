import type { FloorProps, NewRobotProps, ObstacleProps } from '../common/robot-world.props.js';
import { seededRandom } from './random.js';

/** An obstacle without an id. */
export type NewObstacleProps = Omit<ObstacleProps, 'id'>;

export const floor: Readonly<FloorProps> = { width: 400, depth: 250 };

// All in metres. Shelves stand in double rows, back to back, with an aisle between one double row and the next.
const margin = 5;
const shelf = { width: 2.8, depth: 1.2 };
const aisle = 3;
const pitch = 2 * shelf.depth + aisle;
const crossAisle = { every: 50, width: 4 };

const between = (random: number, from: number, to: number) => from + random * (to - from);

/**
 * Furnishes a warehouse: rows of shelves with gaps, a pillar in some of the gaps, pallets in the aisles, and robots, some of
 * which touch an obstacle. The same seed gives the same warehouse.
 */
export function layOutWarehouse(seed: number): { obstacles: NewObstacleProps[]; robots: NewRobotProps[] } {
  const random = seededRandom(seed);
  const obstacles: NewObstacleProps[] = [];
  for (const y of doubleRows()) {
    for (const minY of [y, y + shelf.depth]) obstacles.push(...shelfRow(minY, random));
  }
  const aisles = doubleRows().map((y) => y + 2 * shelf.depth);
  const inAisle = () => aisles[Math.floor(random() * aisles.length)]!;
  for (let i = 0; i < 600; i++) {
    const minX = between(random(), margin, floor.width - margin);
    const minY = inAisle() + between(random(), 0, aisle - 0.8);
    obstacles.push({ kind: 'pallet', minX, minY, maxX: minX + 1.2, maxY: minY + 0.8 });
  }
  const robots = Array.from({ length: 500 }, (_, index) => ({
    name: `Robot ${index + 1}`,
    x: between(random(), margin, floor.width - margin),
    y: inAisle() + between(random(), 0.35, aisle - 0.35),
    radius: 0.5,
  }));
  return { obstacles, robots };
}

/** The southern edges of the double rows, from south to north. An aisle follows each of them. */
function doubleRows(): number[] {
  const count = Math.floor((floor.depth - 2 * margin) / pitch);
  return Array.from({ length: count }, (_, row) => margin + row * pitch);
}

function* shelfRow(minY: number, random: () => number): Generator<NewObstacleProps> {
  for (let minX = margin; minX + shelf.width <= floor.width - margin; minX += shelf.width) {
    if ((minX - margin) % crossAisle.every < crossAisle.width) continue;
    const chance = random();
    if (chance > 0.03) {
      yield { kind: 'shelf', minX, minY, maxX: minX + shelf.width, maxY: minY + shelf.depth };
    } else if (chance < 0.01) {
      const x = minX + shelf.width / 2;
      yield { kind: 'pillar', minX: x - 0.4, minY: minY + 0.2, maxX: x + 0.4, maxY: minY + 1 };
    }
  }
}
