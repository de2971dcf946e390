import type { Logger } from '@nestjs/common';
import { TransientError } from '@linnet/common';
import type { CallReport } from '@linnet/common';
import { ClientRequestContext } from '../context/request.context.js';
import { mapNestException } from './exception.mapper.js';

/** Logs what callers did not learn of, with the activity that it happened in. */
export function logReport(logger: Logger, report: CallReport): void {
  const log = () => {
    if (report.kind === 'warning') logger.warn(report.message);
    else if (isUnexpected(report)) logger.error(report.thrown);
  };
  if (report.activity) ClientRequestContext.run(report.activity, log);
  else log();
}

/** Errors that speak for themselves are the caller's business; all others may be faults of this server. */
function isUnexpected({ error, thrown }: Extract<CallReport, { kind: 'error' }>): boolean {
  if (error.internal) return true;
  if (mapNestException(thrown) || thrown instanceof TransientError) return false;
  return !(thrown instanceof Error && ('errorNumber' in thrown || 'iTwinErrorId' in thrown));
}
