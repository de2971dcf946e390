import { reportUnhandled } from '../base/text.js';
import type { WireError } from '../error/error.members.js';
import type { Activity } from './activity.js';
import { TransientError } from '../error/imodel.error.js';

/** An entry for the server's log: a warning, or a failure with everything that the caller did not see. */
export type CallReport =
  | {
      kind: 'error';
      thrown: unknown;
      error: WireError;
      /** The call in which it happened; `undefined` outside of calls. */
      activity: Activity | undefined;
    }
  | { kind: 'warning'; message: string; activity: Activity | undefined };

/** Whether an error may be a fault of this server. Errors with a number or an id are meant for the caller. */
export function isFault({ error, thrown }: Extract<CallReport, { kind: 'error' }>): boolean {
  if (error.internal) return true;
  if (thrown instanceof TransientError) return false;
  return !(thrown instanceof Error && ('errorNumber' in thrown || 'iTwinErrorId' in thrown));
}

/** Writes warnings and possible faults of this server to the console. Never throws. */
export function reportToConsole(report: CallReport): void {
  const { rpcMethod, activityId } = report.activity ?? { rpcMethod: 'a request', activityId: '' };
  // A client can claim a name of kilobytes, or one that looks like several log lines.
  const about = `RPC ${JSON.stringify(rpcMethod.slice(0, 200))}, ActivityId ${JSON.stringify(activityId.slice(0, 200))}:`;
  try {
    if (report.kind === 'warning') console.warn(about, report.message);
    else if (isFault(report)) {
      console.error(about, report.thrown);
      if (report.error.hint) console.warn(about, report.error.hint);
    }
  } catch {
    // A thrown value may be a proxy, or an object without a text.
    console.error(about, 'The thrown value cannot be printed.');
  }
}

/**
 * Ignores a failing log, so that it does not change the outcome of a call.
 *
 * @param server names the server in the message about the failure
 */
export function reporter(report: (report: CallReport) => void, server: string): (report: CallReport) => void {
  return (each) => {
    try {
      report(each);
    } catch (error) {
      reportToConsole(each);
      reportUnhandled(`The report of ${server} has failed:`, error);
    }
  };
}
