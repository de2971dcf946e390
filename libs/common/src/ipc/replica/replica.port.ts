import type { IpcLimits } from '../../base/limits.js';
import type { SessionState } from './session.state.js';

/** The log of a session, as far as it is read. */
export interface FoundLog {
  /** The number of its last frame. */
  readonly last: number;
  /** The state; `undefined` without a log, or if it is damaged. */
  readonly state: SessionState | undefined;
}

/** The logs of the backplane. */
export interface ReplicaPort {
  /** The id of this node. */
  readonly id: string;
  readonly limits: IpcLimits;
  /** The place of this node in the frames of its topics. */
  position(): number;
  /** Adds a frame; see `BackplaneLogs.append`. */
  append(
    session: string,
    frame: Uint8Array,
    options: { readonly after: number; readonly replaces: boolean; readonly lifeMs: number },
  ): Promise<number>;
  /** Reads a log. Rejects if it cannot be reached. */
  read(session: string): Promise<FoundLog>;
  /** The log has confirmed that this node has a session: the backplane may have forgotten it. */
  confirmed(session: string): void;
  /** Tells a node that this one has a session: its last write may have been confirmed by a backplane that had forgotten it. */
  overtook(node: string, session: string): void;
  /** Whether an error means that another node has added to the log. */
  isOvertaken(error: unknown): boolean;
  /** Names a user; `null` without one. */
  keyOf(user: unknown): string | null;
}
