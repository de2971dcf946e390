import type { Logger } from '@nestjs/common';
import { isFault } from '@linnet/common/internal';
import type { CallReport } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import { mapNestException } from './exception.mapper.js';

/**
 * Logs what callers did not learn of, with the activity that it happened in. Never throws: the call has still to be
 * answered.
 */
export function logReport(logger: Logger, report: CallReport): void {
  const log = () => {
    if (report.kind === 'warning') logger.warn(report.message);
    else if (isUnexpected(report)) {
      logger.error(report.thrown);
      if (report.error.hint) logger.warn(report.error.hint);
    }
  };
  const inActivity = (work: () => void) =>
    report.activity ? ClientRequestContext.run(report.activity, work) : work();
  try {
    inActivity(log);
  } catch (error) {
    // A proxy, or an object without `toString`: a peer's error may be one, and whoever prints it fails.
    inActivity(() => logger.error(`What was thrown cannot be logged: ${reasonOf(error)}`));
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && typeof error.message === 'string' ? error.message : 'it cannot be read.';
}

/** What Nest has for answering is the caller's business, too. */
function isUnexpected(report: Extract<CallReport, { kind: 'error' }>): boolean {
  return isFault(report) && (report.error.internal || !mapNestException(report.thrown));
}
