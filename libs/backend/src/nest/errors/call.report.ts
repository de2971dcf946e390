import { isFault } from '@linnet/common/internal';
import type { CallReport } from '@linnet/common';
import { runWithin } from '../../call/request.context.js';
import { mapNestException } from './exception.mapper.js';
import type { SafeLogger } from '../logging/safe.logger.js';

/**
 * Logs what callers did not learn of, with the activity that it happened in. Never throws: the call has still to be
 * answered.
 */
export function logReport(logger: SafeLogger, report: CallReport): void {
  const log = () => {
    if (report.kind === 'warning') logger.warn(report.message);
    else if (isUnexpected(report)) {
      logger.error(report.thrown);
      if (report.error.hint) logger.warn(report.error.hint);
    }
  };
  runWithin(report.activity, log);
}

/** Whether an error is a fault of the server. Nest's exceptions are answers for the caller. */
function isUnexpected(report: Extract<CallReport, { kind: 'error' }>): boolean {
  try {
    return isFault(report) && (report.error.internal || !mapNestException(report.thrown));
  } catch {
    // Not even its class can be asked for.
    return true;
  }
}
