import type { CallWatch, ObservedCall } from '../../base/observer.js';
import { observedItems } from '../../stream/observed.items.js';
import type { RpcCall, RpcOutcome } from './call.js';

/** A call as an observer sees it. */
export function subjectOf({ target, activity, transport }: RpcCall): ObservedCall {
  return {
    side: 'server',
    kind: 'rpc',
    transport: transport.kind,
    // The declared names: a request may have another spelling.
    name: target.method,
    activityId: activity.activityId,
    sessionId: transport.kind === 'ipc' ? transport.session.id : undefined,
    trace: activity.trace,
    request: transport.kind === 'http' ? transport.request : undefined,
  };
}

/** Reports the end of a call, that of a stream when its last item is read. @returns the outcome to answer with */
export function observedOutcome(outcome: RpcOutcome, watch: CallWatch): RpcOutcome {
  switch (outcome.kind) {
    case 'stream':
      return { kind: 'stream', items: observedItems(outcome.items, watch) };
    case 'error':
      watch.end({ kind: 'error', error: outcome.error });
      break;
    case 'answered':
      watch.end({ kind: 'result' });
      break;
    default:
      watch.end({ kind: outcome.kind });
  }
  return outcome;
}
