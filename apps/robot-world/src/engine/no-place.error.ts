import { IModelError, IModelStatus } from '@linnet/common';
import type { Id64String } from '../common/robot-world.props.js';

/** A robot cannot stand where it was to be put. */
export class NoPlaceError extends IModelError {
  /** @param hit the obstacles that it would touch; none where it would leave the floor */
  constructor(
    message: string,
    readonly hit: readonly Id64String[] = [],
  ) {
    super(IModelStatus.ValidationFailed, message);
  }
}
