import type { IpcFrame } from '../message/message.js';
import type { DurableRecord } from '../server/session.record.js';
import type { ReplicaPort } from './replica.port.js';
import type { SessionState } from './session.state.js';

/** The parts of a state that only the copy of a session knows. */
interface ReplicaParts extends Pick<SessionState, 'received' | 'calls' | 'topics' | 'positions'> {
  /** The messages to the frontend that are new; `undefined` for all that it has not acknowledged. */
  readonly sent: readonly IpcFrame[] | undefined;
}

/** The state of a session, as its copy is to have it. @throws as the application, which names the user */
export function stateOf(
  { session, link, proof, epoch }: DurableRecord,
  port: ReplicaPort,
  { sent, ...parts }: ReplicaParts,
): SessionState {
  const { kept, released } = link.state;
  return {
    ...proof.state,
    ...parts,
    id: session.id,
    node: port.id,
    epoch,
    user: port.keyOf(session.user),
    released,
    kept: sent ?? kept,
    // They are received by the node that ends, which may have begun them.
    waiting: [],
    position: port.position(),
    earlier: [],
  };
}
