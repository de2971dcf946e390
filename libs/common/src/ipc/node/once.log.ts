import { newId } from '../../base/random.id.js';
import { unref } from '../../base/timer.js';
import { utf8 } from '../../bytes/bytes.js';
import type { OnceClaim, OnceState, OnceStore } from '../../call/once.store.js';
import { BackplaneError } from './backplane.js';
import type { BackplaneFailure, BackplaneLogs, BackplaneNode, IpcBackplane } from './backplane.js';

/** The first byte of a record. Records that begin otherwise cannot be read. */
const RUNS = 1;
const HAS_ANSWER = 2;
/** How long a record that could not be written waits for the next attempt, in milliseconds. */
const AGAIN_MS = 500;
/** Characters of the id of a node. */
const MAX_NAME = 1024;
const encoder = new TextEncoder();
const deleted = new Uint8Array(0);
/** The end of a call whose answer the backplane cannot hold. */
const withoutAnswer = Uint8Array.of(HAS_ANSWER);

/** A node of a backplane, and its id there. */
export interface NamedNode {
  readonly id: string;
  readonly node: BackplaneNode;
}

/**
 * Remembers calls at a backplane, in a log for each: the node that runs the call, and then its answer. The log accepts a frame only
 * behind the last one that its writer knows, so that two nodes never both run a call.
 */
export class OnceLog implements OnceStore {
  readonly #logs: Pick<BackplaneLogs, 'append' | 'read'>;
  /** Records that wait until the backplane has them. */
  readonly #pending = new Set<Promise<void>>();
  #isClosed = false;

  /**
   * @param leave whether the node is of this store alone, and leaves with it
   * @throws Error if the backplane has no logs
   */
  constructor(
    private readonly own: NamedNode,
    private readonly leave: boolean,
  ) {
    const { records: logs = own.node.logs } = own.node;
    if (!logs) throw new Error('This backplane has no logs: it cannot remember calls that run once.');
    this.#logs = logs;
  }

  async claim(key: string, lifeMs: number): Promise<OnceClaim | undefined> {
    const log = new CallLog(this.#logs, `once ${key}`, lifeMs, frameOf(RUNS, encoder.encode(this.#mark())));
    try {
      if (!(await log.claim())) return undefined;
    } catch (error) {
      // The backplane may have the claim all the same.
      this.#keep(log, deleted);
      throw error;
    }
    log.refresh();
    return {
      settle: (answer) => this.#keep(log, frameOf(HAS_ANSWER, answer)),
      release: () => this.#keep(log, deleted),
    };
  }

  async look(key: string): Promise<OnceState> {
    const state = await this.#read(key);
    if (typeof state !== 'object') return state;
    if (state instanceof Uint8Array) return state;
    if (state.node === this.own.id || (await this.own.node.lives(state.node))) return 'running';
    // It may have answered before it died.
    const last = await this.#read(key);
    return typeof last !== 'object' || last instanceof Uint8Array ? last : 'lost';
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#pending);
    if (this.leave) await this.own.node.leave();
  }

  /** Unique, so that a claim whose answer was lost is recognized as the same one. */
  #mark(): string {
    return `${newId()} ${this.own.id}`;
  }

  async #read(key: string): Promise<OnceState | { readonly node: string }> {
    const { frames } = await this.#logs.read(`once ${key}`);
    const frame = frames.at(-1);
    if (!frame || frame.byteLength === 0) return 'free';
    const content = frame.subarray(1);
    if (frame[0] === HAS_ANSWER) return content.slice();
    const [, node] = frame[0] === RUNS ? utf8.decode(content.subarray(0, MAX_NAME)).split(' ') : [];
    return node ? { node } : 'lost';
  }

  /** Writes the last record of a call. Tries again as long as the call would be remembered. */
  #keep(log: CallLog, frame: Uint8Array): void {
    const work = log.end(frame, () => this.#isClosed).finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }
}

/** Joins a backplane to remember calls, without sessions. @throws Error if the backplane has no logs */
export function joinOnce(backplane: IpcBackplane): OnceLog {
  const id = newId();
  const node = backplane.join(id, { frame: () => undefined, restored: () => undefined });
  return new OnceLog({ id, node }, true);
}

/** The log of one call, as the node that runs the call writes it. */
class CallLog {
  /** The number of the last frame. */
  #last = 0;
  /**
   * Until then the log is known to end with that frame. A write that is not confirmed may have added another one, and a log whose time
   * is over begins again with the same numbers.
   */
  #sureUntil = 0;
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(
    private readonly logs: Pick<BackplaneLogs, 'append' | 'read'>,
    private readonly key: string,
    private readonly lifeMs: number,
    private readonly claimed: Uint8Array,
  ) {}

  /** @returns whether this node has the call */
  async claim(): Promise<boolean> {
    try {
      await this.#append(0, this.claimed);
      return true;
    } catch (error) {
      if (failureOf(error) !== 'overtaken') throw error;
    }
    const { last, frames } = await this.logs.read(this.key);
    // A log that is over, but whose number is not forgotten.
    if (last === 0 || (frames.at(-1)?.byteLength ?? 0) > 0) return false;
    try {
      await this.#append(last, this.claimed);
      return true;
    } catch (error) {
      if (failureOf(error) === 'overtaken') return false;
      throw error;
    }
  }

  /** Renews the claim of a call that runs for long. */
  refresh(): void {
    const renew = async () => {
      try {
        if (!(await this.#write(this.claimed))) return;
      } catch {
        // It is renewed again while there is time.
      }
      this.refresh();
    };
    this.#refresh = unref(setTimeout(() => void (this.#refreshing = renew()), this.lifeMs / 3));
  }

  /** Never rejects. @param isClosed whether nobody waits any longer */
  async end(frame: Uint8Array, isClosed: () => boolean): Promise<void> {
    clearTimeout(this.#refresh);
    await this.#refreshing;
    clearTimeout(this.#refresh);
    const until = performance.now() + this.lifeMs;
    for (let end = frame; ;) {
      try {
        await this.#write(end);
        return;
      } catch (error) {
        if (failureOf(error) === 'full' && end.byteLength > withoutAnswer.byteLength) {
          end = withoutAnswer;
          continue;
        }
        if (isClosed() || performance.now() > until) return;
        await new Promise((resolve) => unref(setTimeout(resolve, AGAIN_MS)));
      }
    }
  }

  /** Writes a frame behind the claim. @returns whether there was something to write: another node may have the call by now */
  async #write(frame: Uint8Array): Promise<boolean> {
    for (let isAgain = false; ; isAgain = true) {
      if (performance.now() >= this.#sureUntil && !(await this.#find(frame))) return false;
      try {
        await this.#append(this.#last, frame);
        return true;
      } catch (error) {
        // An earlier write may have arrived late.
        if (isAgain || failureOf(error) !== 'overtaken') throw error;
      }
    }
  }

  /** Looks for the last frame of the log. @returns whether `frame` may follow it */
  async #find(frame: Uint8Array): Promise<boolean> {
    const { last, frames } = await this.logs.read(this.key);
    this.#last = last;
    const found = frames.at(-1) ?? deleted;
    // A log that the backplane has forgotten. Nobody else has claimed the call, so that it still belongs to this node.
    if (found.byteLength === 0) return frame.byteLength > 0;
    return found.byteLength === this.claimed.byteLength && found.every((byte, i) => byte === this.claimed[i]);
  }

  async #append(after: number, frame: Uint8Array): Promise<void> {
    const sureUntil = performance.now() + this.lifeMs;
    this.#sureUntil = 0;
    this.#last = await this.logs.append(this.key, frame, { after, replaces: true, lifeMs: this.lifeMs });
    this.#sureUntil = sureUntil;
  }
}

function failureOf(error: unknown): BackplaneFailure | undefined {
  return error instanceof BackplaneError ? error.failure : undefined;
}

function frameOf(kind: number, content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + content.byteLength);
  frame[0] = kind;
  frame.set(content, 1);
  return frame;
}
