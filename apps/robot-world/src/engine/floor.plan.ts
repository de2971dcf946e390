import { InvalidPlanError } from '../common/robot-world.errors.js';
import { obstacleKinds } from '../common/robot-world.props.js';
import { floor } from './warehouse.layout.js';
import type { NewObstacleProps } from './warehouse.layout.js';

/** Characters of a line. Without a limit, a file without line ends would be kept in memory completely. */
const LONGEST_LINE = 1000;

/** Bytes that are parsed at once, because pages send pieces of megabytes. */
const MOST_BYTES = 64 * 1024;

/** A part of a plan: its obstacles, and the bytes of the plan up to its end. */
export interface PlanPart {
  readonly obstacles: readonly NewObstacleProps[];
  readonly bytes: number;
}

/**
 * Reads a floor plan while it arrives. `FloorIpc.importPlan` describes the format. Only one piece, and the incomplete line at its
 * end, are in memory.
 *
 * @param most the most obstacles of one part
 * @throws InvalidPlanError if a line is wrong
 */
export async function* readPlan(pieces: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<PlanPart> {
  const decoder = new TextDecoder();
  let [rest, number, bytes] = ['', 0, 0];
  let obstacles: NewObstacleProps[] = [];
  const read = (line: string) => {
    const obstacle = parseLine(line, ++number);
    if (obstacle) obstacles.push(obstacle);
  };
  for await (const piece of smallPieces(pieces)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop()!;
    checkLength(rest, number + 1);
    for (const line of lines) {
      read(line);
      if (obstacles.length < most) continue;
      yield { obstacles, bytes };
      obstacles = [];
    }
    bytes += piece.byteLength;
    yield { obstacles, bytes };
    obstacles = [];
  }
  read(rest + decoder.decode());
  yield { obstacles, bytes };
}

async function* smallPieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw new InvalidPlanError('A floor plan must arrive as bytes.');
    for (let at = 0; at < piece.byteLength; at += MOST_BYTES) yield piece.subarray(at, at + MOST_BYTES);
  }
}

/** @returns `undefined` if the line has no obstacle */
function parseLine(line: string, number: number): NewObstacleProps | undefined {
  checkLength(line, number);
  const [kind, ...fields] = line.trim().split(/\s+/, 5);
  if (!kind || kind.startsWith('#')) return undefined;
  if (!isKind(kind)) throw wrong(number, `"${kind}" is not one of ${obstacleKinds.join(', ')}`);
  const [minX = NaN, minY = NaN, maxX = NaN, maxY = NaN] = fields.map(Number);
  if (!(minX < maxX && minY < maxY))
    throw wrong(number, 'it needs minX, minY, maxX and maxY in metres, minimum before maximum');
  if (minX < 0 || minY < 0 || maxX > floor.width || maxY > floor.depth)
    throw wrong(number, `the obstacle reaches beyond the floor of ${floor.width} m × ${floor.depth} m`);
  return { kind, minX, minY, maxX, maxY };
}

function isKind(kind: string): kind is NewObstacleProps['kind'] {
  return (obstacleKinds as readonly string[]).includes(kind);
}

function checkLength({ length }: string, number: number): void {
  if (length > LONGEST_LINE) throw wrong(number, `it is longer than ${LONGEST_LINE} characters`);
}

function wrong(number: number, reason: string): InvalidPlanError {
  return new InvalidPlanError(`Line ${number} of the floor plan is wrong: ${reason}.`);
}
