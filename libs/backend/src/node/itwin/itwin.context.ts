import type { Activity } from '@linnet/common';
import { activityFields, aroundActivities } from '../../call/request.context.js';

/** `RpcActivity` of `@itwin/core-common`. */
export interface ItwinActivity {
  /** Names the client request and all that follows from it. */
  readonly activityId: string;
  /** The session of the client application. */
  readonly sessionId: string;
  /** The name of the client application. */
  readonly applicationId: string;
  /** Its version. */
  readonly applicationVersion: string;
  /** The credentials of the call, empty behind its answer. */
  readonly accessToken: string;
  /** The operation that is called. */
  readonly rpcMethod?: string;
}

/** The used part of `RpcTrace` of `@itwin/core-backend`. */
export interface ItwinRpcTrace {
  /** Runs work as part of an activity. */
  run<T>(activity: ItwinActivity, work: () => Promise<T>): Promise<T>;
}

/** The used part of `Logger` of `@itwin/core-bentley` for the fields of its lines. */
export interface ItwinLogger {
  /** Functions whose fields are on every line, by name. */
  readonly staticMetaData: {
    get(key: string): unknown;
    set(key: string, value: () => object): unknown;
    delete(key: string): boolean;
  };
}

/** The parts of iTwin.js that are in the process; those that are left out are not. */
export interface ItwinParts {
  /** From `@itwin/core-backend`. */
  readonly RpcTrace?: ItwinRpcTrace | undefined;
  /** From `@itwin/core-bentley`. */
  readonly Logger?: ItwinLogger | undefined;
}

/**
 * Has the parts of iTwin.js in this process see each call that Linnet serves, over RPC and IPC:
 * `RpcTrace.currentActivity` is the activity of the call, and the lines of `Logger` bear its ids.
 *
 * ```ts
 * import { RpcTrace } from '@itwin/core-backend';
 * import { Logger } from '@itwin/core-bentley';
 * useItwin({ RpcTrace, Logger });
 * ```
 *
 * @returns a function that ends it
 */
export function useItwin({ RpcTrace, Logger }: ItwinParts): () => void {
  const ends = [RpcTrace && aroundActivities(tracing(RpcTrace)), Logger && addActivityFields(Logger)];
  return () => {
    for (const end of ends) end?.();
  };
}

/** The key that core-backend uses. Replacing its value is safe: inside `RpcTrace` both have the same fields. */
const RPC_FIELDS = 'rpc';

function addActivityFields({ staticMetaData }: ItwinLogger): () => void {
  const before = staticMetaData.get(RPC_FIELDS) as (() => object) | undefined;
  staticMetaData.set(RPC_FIELDS, activityFields);
  return () => {
    if (staticMetaData.get(RPC_FIELDS) !== activityFields) return;
    if (before) staticMetaData.set(RPC_FIELDS, before);
    else staticMetaData.delete(RPC_FIELDS);
  };
}

/** `RpcTrace.run` returns a promise, and starts the work at once; what the work itself returns is what counts here. */
function tracing(trace: ItwinRpcTrace): <T>(activity: Activity, work: () => T) => T {
  return <T>(activity: Activity, work: () => T): T => {
    let outcome: { readonly value: T } | { readonly thrown: unknown } | undefined;
    let isLate = false;
    const start = async () => {
      if (isLate) return;
      try {
        outcome = { value: work() };
      } catch (thrown) {
        outcome = { thrown };
      }
    };
    trace.run(itwinActivity(activity), start).catch(() => undefined);
    isLate = true;
    // A trace that starts work later is not from core-backend: the call must not wait for it, nor run twice.
    if (!outcome) return work();
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  };
}

/** As core-backend's own code reads it; it may be held for longer than the call, whose credentials end with it. */
function itwinActivity(activity: Activity): ItwinActivity {
  const { activityId, sessionId, applicationId, applicationVersion, rpcMethod } = activity;
  return {
    activityId,
    sessionId,
    applicationId,
    applicationVersion,
    rpcMethod,
    get accessToken() {
      return activity.present.accessToken;
    },
  };
}
