import type { Id64String } from '../common/robot-world.props.js';

/**
 * Robots and obstacles share one space of ids, so that an id tells which of them it names: robots lie below
 * this number, obstacles from it on.
 */
export const FIRST_OBSTACLE = 0x10_0000;

export function toId64(id: number): Id64String {
  return `0x${id.toString(16)}`;
}

/** The number of a well-formed id. Beyond 2^53 it is rounded, and names nothing here anyway. */
export function fromId64(id: Id64String): number {
  return Number(id);
}
