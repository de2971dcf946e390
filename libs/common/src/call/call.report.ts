import type { WireError } from '../wire/error.members.js';
import type { Activity } from './call.activity.js';

/** What a server tells its log: a failure, whole, beside what the caller saw of it; or a warning. */
export type CallReport =
  | {
      kind: 'error';
      thrown: unknown;
      error: WireError;
      /** The call that it happened in, if there was one. */
      activity: Activity | undefined;
    }
  | { kind: 'warning'; message: string; activity: Activity | undefined };
