import type { DurableRecord } from '../server/session.record.js';
import { encodeChange, readLog } from './session.log.js';
import { SessionReplica } from './session.replica.js';
import type { FoundLog, ReplicaPort } from './replica.port.js';
import type { SessionState } from './session.state.js';
import type { SessionTopics } from './session.topics.js';

/** A frame that another node has not read, and the topic that brought it. */
interface Missed {
  readonly topic: string;
  readonly frame: Uint8Array;
}

/** The logs of the backplane; see `BackplaneLogs`. */
export interface CopyPort extends Omit<ReplicaPort, 'read'> {
  read(session: string): Promise<{ readonly last: number; readonly frames: readonly Uint8Array[] }>;
  missed(node: string, topics: readonly string[], position: number): Promise<readonly Missed[]>;
  /** Whether an error means that something is not known any more. */
  isAbsent(error: unknown): boolean;
}

/** The copies of sessions at the backplane: those of this node, and those of nodes that have died. */
export class SessionCopies {
  /** The last frames of the logs of sessions that are about to begin here. */
  readonly #last = new Map<string, number>();

  /**
   * @param allTopics topics of every session
   * @param lifeMs how long a copy outlives its node, in milliseconds
   */
  constructor(
    private readonly port: CopyPort,
    private readonly topics: SessionTopics,
    private readonly allTopics: readonly string[],
    private readonly lifeMs: number,
  ) {}

  /** Keeps a copy of a session that begins here. */
  begin(record: DurableRecord): void {
    const { id } = record.session;
    const last = this.#last.get(id) ?? 0;
    this.#last.delete(id);
    const port: ReplicaPort = { ...this.port, read: (session) => this.read(session) };
    const deliver = record.dispatcher.receive.bind(record.dispatcher);
    void new SessionReplica(record, port, this.topics, last, this.lifeMs, deliver);
  }

  /** Reads the copy of a session. Rejects if it cannot be reached, or is damaged. */
  async read(session: string): Promise<FoundLog> {
    const { last, frames } = await this.port.read(session);
    return { last, state: readLog(frames, this.port.limits) };
  }

  /** A session is about to come from a node that gives it. Never rejects. */
  async prepare(session: string): Promise<void> {
    const { last } = await this.port.read(session).catch(() => ({ last: 0 }));
    this.#last.set(session, last);
  }

  /** Makes this node the owner of a copy. @returns whether no other node was faster */
  async claim(state: SessionState, last: number): Promise<boolean> {
    const frames = encodeChange({ isWhole: true, hasTopics: true, state });
    let after = last;
    try {
      for (const frame of frames)
        after = await this.port.append(state.id, frame, {
          after,
          replaces: frames.length === 1,
          lifeMs: this.lifeMs,
        });
    } catch (error) {
      if (this.port.isOvertaken(error)) return false;
      throw error;
    }
    this.#last.set(state.id, after);
    return true;
  }

  /** The frames that the last node of a session has not received. Rejects if they are not known any more. */
  missed({ node, topics, position }: SessionState): Promise<readonly Missed[]> {
    const names = topics.map(({ name }) => name);
    return this.port.missed(node, [...names, ...this.allTopics], position);
  }

  isAbsent(error: unknown): boolean {
    return this.port.isAbsent(error);
  }
}
