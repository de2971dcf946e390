import { observer } from '../../base/observer.js';
import type { CallWatch } from '../../base/observer.js';
import { CONTROL_VERSION } from '../definition/endpoint.js';
import type { RpcClientStep } from './client.options.js';
import type { RpcClientTarget, RpcClientTransport } from './transport.js';

/** Follows a call for an observer; `undefined` without one. */
export function watchCall(
  { definition, operation }: RpcClientTarget,
  { address, isSession = false }: RpcClientTransport,
  activityId: string,
): CallWatch | undefined {
  return observer?.call?.({
    side: 'client',
    kind: 'rpc',
    transport: isSession ? 'ipc' : 'http',
    // The name of the control interface has all interfaces of the client in it.
    name:
      definition.interfaceVersion === CONTROL_VERSION
        ? operation
        : `${definition.interfaceName}/${operation}`,
    activityId,
    address,
  });
}

/** Reports a step of a call. */
export function reportStep(watch: CallWatch, step: RpcClientStep): void {
  if (step.kind === 'retry') watch.step({ kind: 'retry', reason: step.reason });
  else if (step.kind === 'pending') watch.step({ kind: 'pending' });
  else if (step.kind === 'response')
    watch.end(step.outcome === 'error' ? { kind: 'error', error: step.error } : { kind: 'result' });
}
