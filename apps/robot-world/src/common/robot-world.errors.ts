import { NumberedError } from '@linnet/common';

/** The numbers of the errors of Robot World and Fleet Planner, by which a client tells them apart. */
export const errorNumbers = {
  notFound: 1001,
  notPossible: 1002,
  cancelled: 1003,
  invalidPlan: 1004,
} as const;

/** A robot, or a route to a goal, does not exist. */
export class NotFoundError extends NumberedError {
  constructor(message: string) {
    super(errorNumbers.notFound, 'NotFoundError', message);
  }
}

/** The warehouse does not allow what a call requests. */
export class NotPossibleError extends NumberedError {
  constructor(message: string) {
    super(errorNumbers.notPossible, 'NotPossibleError', message);
  }
}

/** The requested work was cancelled before. */
export class CancelledError extends NumberedError {
  constructor(message: string) {
    super(errorNumbers.cancelled, 'CancelledError', message);
  }
}

/** A floor plan has an error. */
export class InvalidPlanError extends NumberedError {
  constructor(message: string) {
    super(errorNumbers.invalidPlan, 'InvalidPlanError', message);
  }
}
