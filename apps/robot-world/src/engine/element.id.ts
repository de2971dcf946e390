import type { Id64String } from '../common/robot-world.props.js';

/**
 * Robots and obstacles share one space of ids, so that an id shows its kind: ids of robots are below this
 * number, ids of obstacles are not.
 */
export const FIRST_OBSTACLE = 0x10_0000;

export function toId64(id: number): Id64String {
  return `0x${id.toString(16)}`;
}

/** The number of a well-formed id. Numbers above 2^53 are rounded; no element has one. */
export function fromId64(id: Id64String): number {
  return Number(id);
}
