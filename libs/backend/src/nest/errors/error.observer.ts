import type { Activity, CallReport } from '@linnet/common';
import { outcomeOf } from '@linnet/common/internal';
import { runWithin } from '../../call/request.context.js';
import { logReport } from './call.report.js';
import type { SafeLogger } from '../logging/safe.logger.js';

/** The facts that are known about an error besides it. */
export interface ErrorObservation {
  /** The call that failed: its operation, ids and user. `undefined` for a request that became no call. */
  readonly activity: Activity | undefined;
  /** The error is not for callers: they get `Internal error` and the activity id, or what a filter has answered. */
  readonly hidden: boolean;
}

/** An observer of errors. */
export interface ErrorObserver {
  /**
   * Receives every error of a call, whatever the caller gets and whichever filters have seen it, for reporting elsewhere.
   * Runs within the activity of the call. Control responses are not errors. An error of the observer itself is logged.
   */
  onError?: ((error: unknown, observation: ErrorObservation) => unknown) | undefined;
}

/** Shows an error to its observer, if there is one. Never throws. */
export function observeError(
  { onError }: ErrorObserver,
  logger: SafeLogger,
  error: unknown,
  observation: ErrorObservation,
): void {
  if (!onError) return;
  const failed = (failure: unknown) =>
    logReport(logger, {
      kind: 'warning',
      message: `onError failed: ${textOf(failure)}`,
      activity: observation.activity,
    });
  const observe = async () => {
    await onError(error, observation);
  };
  runWithin(observation.activity, observe).catch(failed);
}

/** Logs what is reported, and shows errors to the observer. */
export function reporterFor(logger: SafeLogger, observer: ErrorObserver): (report: CallReport) => void {
  return (report) => {
    logReport(logger, report);
    if (report.kind === 'error' && outcomeOf(report.thrown).kind === 'error')
      observeError(observer, logger, report.thrown, {
        activity: report.activity,
        hidden: report.error.internal,
      });
  };
}

function textOf(failure: unknown): string {
  try {
    return String(failure);
  } catch {
    return 'the thrown value cannot be printed.';
  }
}
