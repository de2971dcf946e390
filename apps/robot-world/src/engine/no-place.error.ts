import { NotPossibleError } from '../common/robot-world.errors.js';
import type { Id64String } from '../common/robot-world.props.js';

/** A robot cannot stand at the requested place. */
export class NoPlaceError extends NotPossibleError {
  /** @param hit the obstacles that it would touch; empty if it would leave the floor */
  constructor(
    message: string,
    readonly hit: readonly Id64String[] = [],
  ) {
    super(message);
  }
}
