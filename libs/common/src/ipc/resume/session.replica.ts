import { deferred } from '../../base/deferred.js';
import type { Deferred } from '../../base/deferred.js';
import { unref } from '../../base/timer.js';
import { sent } from '../message/link.js';
import type { IpcFrame, IpcMessage } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import type { DurableRecord } from '../server/session.record.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { LinkGate } from '../wire/durable/link.gate.js';
import type { ReplicaPort } from './replica.port.js';
import { encodeChange } from './session.log.js';
import type { Position, SessionState } from './session.state.js';
import type { SessionTopics } from './session.topics.js';
import { TrackedCalls } from './tracked.calls.js';

/** After this time without a confirmation messages go on all the same, in milliseconds: sessions outlive their backplane. */
const PATIENCE_MS = 1_000;
/** The pause before the log is tried again, in milliseconds. */
const AGAIN_MS = 500;
/**
 * A whole state takes the place of so many changes, or of so many bytes; of more behind a state that is larger, so that the cost of a
 * session grows with what it sends, and not with what its frontend leaves unread.
 */
const MOST_CHANGES = 32;
const MOST_BYTES = 256 * 1024;
/** A log of more changes takes long to read. */
const MOST_GROWTH = 32;
/** How soon the log learns of messages that the frontend has acknowledged, in milliseconds, if nothing else is new. */
const RELEASE_MS = 1_000;
/** How often the state of a silent session is written again, in milliseconds. */
const REFRESH_MS = 60_000;

/**
 * The copy of a session at the backplane. A message of the backend goes to the frontend, and one of the frontend to its handler, when
 * the copy has it: so another node goes on exactly where this one ends. The copy is a log to which only its owner can add; the node
 * that takes a session over adds to it, and the one before learns from its next write that it is not the owner any more.
 */
export class SessionReplica implements LinkGate {
  received: number;
  readonly #allow: (count: number) => void;
  readonly #calls = new TrackedCalls();
  readonly #positions = new Map<string, Position>();
  /** Messages that the log does not have yet. */
  readonly #sent: IpcFrame[] = [];
  readonly #arrived: IpcMessage[] = [];
  #isWhole = true;
  #hasTopics = true;
  #changes = 0;
  #bytes = 0;
  /** Bytes of the last whole state. */
  #wholeBytes = 0;
  #written = '';
  #isDirty = true;
  #isWriting = false;
  #isPaused = false;
  #isAway = false;
  #isOver = false;
  /** Resolves with the write that runs, and with the one after it. */
  #now: Deferred | undefined;
  #next: Deferred | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #refresh: ReturnType<typeof setInterval>;

  /**
   * @param last the number of the last frame of the log
   * @param lifeMs how long the log outlives its node, in milliseconds
   * @param deliver receives the messages of the frontend
   */
  constructor(
    private readonly record: DurableRecord,
    private readonly port: ReplicaPort,
    private readonly topics: SessionTopics,
    private last: number,
    private readonly lifeMs: number,
    private readonly deliver: (message: IpcMessage) => void,
  ) {
    const { link, session } = record;
    this.received = link.received;
    this.#allow = link.use(this);
    session.topicsChanged = () => {
      this.#hasTopics = true;
      this.#schedule();
    };
    session.delivered = ({ topics: names, from, seq }) => {
      for (const topic of names) this.#positions.set(`${from} ${topic}`, { topic, from, seq });
    };
    const refresh = () => {
      this.#isWhole = true;
      this.#schedule();
    };
    this.#refresh = unref(setInterval(refresh, REFRESH_MS));
    this.#schedule();
  }

  sent(content: IpcFrame, message: OutgoingMessage): void {
    this.#calls.sent(message);
    this.#sent.push(content);
    this.#schedule();
    if (this.#isAway) this.#pass(0, this.#sent.length);
  }

  arrived(message: IpcMessage): void {
    this.#calls.arrived(message);
    this.#arrived.push(message);
    this.#schedule();
    if (this.#isAway) this.#pass(this.#arrived.length, 0);
  }

  released(): void {
    if (this.#timer || this.#isOver) return;
    this.#timer = unref(setTimeout(() => this.#schedule(), RELEASE_MS));
  }

  settled(): Promise<void> {
    if (this.#isOver || this.#isAway) return sent;
    if (this.#isDirty || this.#proof() !== this.#written) {
      this.#schedule();
      return (this.#next ??= deferred()).promise;
    }
    return this.#now?.promise ?? sent;
  }

  ended(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#refresh);
    this.#next?.resolve();
    if (!this.#isWriting) this.#remove();
  }

  /** The log knows the secrets before a server hello has them. */
  #proof(): string {
    const { secrets, attempt } = this.record.proof.state;
    return `${secrets.join()} ${attempt}`;
  }

  #schedule(): void {
    this.#isDirty = true;
    if (this.#isWriting || this.#isPaused || this.#isOver) return;
    this.#isWriting = true;
    // With everything else of this turn.
    queueMicrotask(() => void this.#write());
  }

  /** Writes until nothing is new. Never rejects. */
  async #write(): Promise<void> {
    let pauseMs = 0;
    while (this.#isDirty && !this.#isOver) {
      this.#now = this.#next ?? deferred();
      this.#next = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      pauseMs = await this.#writeOnce();
      if (pauseMs > 0) break;
    }
    this.#now?.resolve();
    this.#now = undefined;
    this.#isWriting = false;
    if (this.#isOver) this.#remove();
    else if (pauseMs > 0) this.#pause(pauseMs);
  }

  #pause(pauseMs: number): void {
    this.#isPaused = true;
    const resume = () => {
      this.#isPaused = false;
      this.#schedule();
    };
    unref(setTimeout(resume, pauseMs));
  }

  /** @returns how long to wait before the next write, in milliseconds */
  async #writeOnce(): Promise<number> {
    const growth = Math.max(1, this.#wholeBytes / MOST_BYTES);
    const isFull =
      this.#changes >= MOST_CHANGES * Math.min(MOST_GROWTH, growth) || this.#bytes > MOST_BYTES * growth;
    const isWhole = this.#isWhole || isFull;
    const hasTopics = isWhole || this.#hasTopics;
    const written = this.#proof();
    let isPassed = false;
    const pass = (go: () => void) => {
      if (!isPassed) go();
      isPassed = true;
    };
    const late = setTimeout(() => pass(() => this.#goAway()), PATIENCE_MS);
    try {
      // It names the user by a function of the application, which may throw.
      const state = this.#state(isWhole, hasTopics);
      // The state may have joined items to a message.
      const counts = [this.#arrived.length, this.#sent.length] as const;
      this.#isDirty = this.#isWhole = this.#hasTopics = false;
      this.#positions.clear();
      const frames = encodeChange({ isWhole, hasTopics, state });
      for (const frame of frames) {
        const options = { after: this.last, replaces: isWhole && frames.length === 1, lifeMs: this.lifeMs };
        this.last = await this.port.append(state.id, frame, options);
        this.#bytes += frame.byteLength;
      }
      if (isWhole) {
        this.#wholeBytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
        this.#changes = this.#bytes = 0;
      } else this.#changes++;
      if (this.#isAway) {
        // The log lacks what went on without it.
        this.#isAway = false;
        this.#isWhole = this.#isDirty = true;
      }
      this.#written = written;
      pass(() => this.#pass(...counts));
      this.#now?.resolve();
      return 0;
    } catch (error) {
      this.#isWhole = this.#isDirty = true;
      if (this.port.isOvertaken(error)) return await this.#overtaken();
      pass(() => this.#goAway());
      return AGAIN_MS;
    } finally {
      clearTimeout(late);
    }
  }

  /** Another node has added to the log, or the backplane has forgotten a frame. The higher epoch has the session. */
  async #overtaken(): Promise<number> {
    try {
      const { last, state } = await this.port.read(this.record.session.id);
      const { epoch } = this.record;
      const isOwn = !state || state.epoch < epoch || (state.epoch === epoch && state.node === this.port.id);
      if (isOwn) this.last = last;
      else this.#fence();
      // Senders wait for the next write as well.
      const now = this.#now;
      void (this.#next ??= deferred()).promise.then(() => now?.resolve());
      return 0;
    } catch {
      this.#goAway();
      return AGAIN_MS;
    }
  }

  /** Ends the session here, because another node has it. The frontend sends to that node what has arrived meanwhile. */
  #fence(): void {
    const { session, link } = this.record;
    session.hasMoved = true;
    link.close(INTERRUPTED, 'Another node has taken the session.');
  }

  #state(isWhole: boolean, hasTopics: boolean): SessionState {
    const { record, port } = this;
    const { session, link, proof, epoch } = record;
    const { kept, released } = link.state;
    const topics = hasTopics ? this.topics.topicsOf(session) : [];
    return {
      ...proof.state,
      id: session.id,
      node: port.id,
      epoch,
      user: port.keyOf(session.user),
      received: this.received + this.#arrived.length,
      released,
      kept: isWhole ? kept : [...this.#sent],
      calls: this.#calls.open,
      topics,
      positions: hasTopics ? this.topics.positionsOf(topics) : [...this.#positions.values()],
      position: port.position(),
    };
  }

  /** The log has so many messages more, or is away. */
  #pass(arrived: number, sentMessages: number): void {
    this.#sent.splice(0, sentMessages);
    this.#allow(sentMessages);
    const messages = this.#arrived.splice(0, arrived);
    this.received += messages.length;
    for (const message of messages) if (!this.#isOver) this.deliver(message);
    if (messages.length > 0) this.record.link.mayAcknowledge();
  }

  /** Sessions go on while the backplane is away. */
  #goAway(): void {
    this.#isAway = this.#isWhole = true;
    this.#now?.resolve();
    this.#next?.resolve();
    this.#next = undefined;
    this.#pass(this.#arrived.length, this.#sent.length);
  }

  #remove(): void {
    const { id, hasMoved } = this.record.session;
    if (hasMoved) return;
    const options = { after: this.last, replaces: true, lifeMs: this.lifeMs };
    this.port.append(id, new Uint8Array(0), options).catch(() => undefined);
  }
}
