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
  /** The copy of a session cannot be read. */
  damaged(error: unknown): void;
}

/** The copies of sessions at the backplane: those of this node, and those of nodes that have died. */
export class SessionCopies {
  /** The last frames of the logs of sessions that are about to begin here. */
  readonly #last = new Map<string, number>();
  readonly #replicas = new Map<string, SessionReplica>();

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
    const over = () => {
      if (this.#replicas.get(id) === replica) this.#replicas.delete(id);
    };
    const replica = new SessionReplica(record, port, this.topics, last, this.lifeMs, deliver, over);
    this.#replicas.set(id, replica);
  }

  /** The backplane may have forgotten who has sessions: each node writes its copies, and the higher epoch stays. */
  confirm(): void {
    for (const each of this.#replicas.values()) each.confirm();
  }

  /** Whether a session of this node goes on without its copy, so that another node may have taken it. */
  isUnsure(session: string): boolean {
    return this.#replicas.get(session)?.isWithoutLog ?? false;
  }

  /** Another node has a session, as it says. */
  overtaken(session: string): void {
    this.#replicas.get(session)?.confirm();
  }

  /** Reads the copy of a session. A damaged one is as good as none: it stays as it is. Rejects if it cannot be reached. */
  async read(session: string): Promise<FoundLog> {
    const { last, frames } = await this.port.read(session);
    try {
      return { last, state: readLog(frames, this.port.limits) };
    } catch (error) {
      this.port.damaged(error);
      return { last, state: undefined };
    }
  }

  /** A session is about to come from a node that gives it. Never rejects. */
  async prepare(session: string): Promise<void> {
    const { last } = await this.port.read(session).catch(() => ({ last: 0 }));
    this.#last.set(session, last);
  }

  /**
   * Makes this node the owner of a copy.
   *
   * @param before the node that has written it. It may live
   * @returns whether no other node was faster
   */
  async claim(state: SessionState, last: number, before: string): Promise<boolean> {
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
    if (before !== this.port.id) this.port.overtook(before, state.id);
    return true;
  }

  /** The frames that the last nodes of a session have not received. Rejects if they are not known any more. */
  async missed({ node, position, earlier, topics }: SessionState): Promise<readonly Missed[]> {
    const names = [...topics.map(({ name }) => name), ...this.allTopics];
    const places = [...earlier, { node, position }];
    const missed = places.map((place) => this.port.missed(place.node, names, place.position));
    return (await Promise.all(missed)).flat();
  }

  /** A state of another node, as this one claims it. */
  stateToClaim(state: SessionState): SessionState {
    const { node, position, earlier } = state;
    return {
      ...state,
      node: this.port.id,
      epoch: state.epoch + 1,
      position: this.port.position(),
      // The log lacks what they have not received, until the session is written here.
      earlier: [...earlier, { node, position }],
    };
  }

  isAbsent(error: unknown): boolean {
    return this.port.isAbsent(error);
  }
}
