import { deferred } from '../../base/deferred.js';
import type { Deferred } from '../../base/deferred.js';
import { unref } from '../../base/timer.js';
import { sent } from '../message/link.js';
import type { IpcFrame, IpcMessage } from '../message/message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import type { DurableRecord } from '../server/session.record.js';
import { INTERRUPTED } from '../wire/durable/link.js';
import type { LinkGate } from '../wire/durable/link.gate.js';
import { LogGrowth } from './log.growth.js';
import type { ReplicaPort } from './replica.port.js';
import { HeldMessages } from './held.messages.js';
import { encodeChange } from './session.log.js';
import { stateOf } from './replica.state.js';
import type { Position } from './session.state.js';
import type { SessionTopics } from './session.topics.js';
import { TrackedCalls } from './tracked.calls.js';

/** After this time without a confirmation messages go on all the same, in milliseconds: sessions outlive their backplane. */
const PATIENCE_MS = 1_000;
/** The pause before the log is tried again, in milliseconds. */
const AGAIN_MS = 500;
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
  readonly #held: HeldMessages;
  readonly #calls = new TrackedCalls();
  readonly #positions = new Map<string, Position>();
  #isWhole = true;
  #hasTopics = true;
  readonly #growth = new LogGrowth();
  #written = '';
  #isDirty = true;
  #isWriting = false;
  #isPaused = false;
  /** Whether the session goes on without the log. */
  isWithoutLog = false;
  #isOver = false;
  /** Whether the backplane may have forgotten who has the session. */
  #isDoubtful = false;
  /** A node that wrote to the log although this one has the session. It is told after the next write. */
  #loser: string | undefined;
  /** Resolves with the write that runs, and with the one after it. */
  #thisWrite: Deferred | undefined;
  #nextWrite: Deferred | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #refresh: ReturnType<typeof setInterval>;

  /**
   * @param last the number of the last frame of the log
   * @param lifeMs how long the log outlives its node, in milliseconds
   * @param deliver receives the messages of the frontend
   * @param over called when the session is over
   */
  constructor(
    private readonly record: DurableRecord,
    private readonly port: ReplicaPort,
    private readonly topics: SessionTopics,
    private last: number,
    private readonly lifeMs: number,
    deliver: (message: IpcMessage) => void,
    private readonly over: () => void,
  ) {
    const { link, session } = record;
    session.isReplicated = true;
    this.#held = new HeldMessages(link.received, {
      allow: (count) => allow(count),
      // Without the copy the frontend must not send to another node what runs here.
      receive: () => (this.isWithoutLog ? link.acknowledge() : link.acknowledgeSoon()),
      deliver: (message) => (this.#isOver ? undefined : deliver(message)),
      reading: () => (record.state.kind === 'connected' ? record.state.transport : undefined),
    });
    const allow = link.use(this);
    session.topicsChanged = () => {
      this.#hasTopics = true;
      this.#schedule();
    };
    session.delivered = ({ topics: names, from, seq }) => {
      for (const topic of names) this.#positions.set(`${from} ${topic}`, { topic, from, seq });
    };
    this.#refresh = unref(setInterval(() => this.#writeAgain(), REFRESH_MS));
    this.#schedule();
  }

  get received(): number {
    return this.#held.received;
  }

  sent(content: IpcFrame, message: OutgoingMessage): void {
    this.#calls.sent(message);
    this.#held.push(content);
    this.#schedule();
    this.#passWithoutLog();
  }

  arrived(message: IpcMessage): void {
    this.#calls.arrived(message);
    this.#held.arrived(message);
    this.#schedule();
    this.#passWithoutLog();
  }

  released(): void {
    if (this.#timer || this.#isOver) return;
    this.#timer = unref(setTimeout(() => this.#schedule(), RELEASE_MS));
  }

  whenWritten(): Promise<void> {
    this.#passWithoutLog();
    if (this.#isOver || this.isWithoutLog) return sent;
    // The log knows the secrets before a server hello has them.
    if (this.#isDirty || this.record.proof.mark !== this.#written) {
      this.#schedule();
      return (this.#nextWrite ??= deferred()).promise;
    }
    return this.#thisWrite?.promise ?? sent;
  }

  ended(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#refresh);
    this.#nextWrite?.resolve();
    this.over();
    if (!this.#isWriting) this.#remove();
  }

  /** The backplane may have forgotten frames of the log: finds out whether this node still has the session. */
  confirm(): void {
    this.#isDoubtful = true;
    this.#writeAgain();
  }

  #writeAgain(): void {
    this.#isWhole = true;
    this.#schedule();
  }

  /** Writes with everything else of this turn. */
  #schedule(): void {
    this.#isDirty = true;
    if (this.#isWriting || this.#isPaused || this.#isOver) return;
    this.#isWriting = true;
    queueMicrotask(() => void this.#write());
  }

  /** Writes until nothing is new. Never rejects. */
  async #write(): Promise<void> {
    let pauseMs = 0;
    while (pauseMs === 0 && this.#isDirty && !this.#isOver) {
      this.#thisWrite = this.#nextWrite ?? deferred();
      this.#nextWrite = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      pauseMs = await this.#writeOnce();
    }
    this.#thisWrite?.resolve();
    this.#thisWrite = undefined;
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
    const isWhole = this.#isWhole || this.#growth.isFull;
    const hasTopics = isWhole || this.#hasTopics;
    const { session } = this.record;
    const written = this.record.proof.mark;
    const late = setTimeout(() => this.#goOnWithoutLog(), PATIENCE_MS);
    try {
      // It names the user by a function of the application, which may throw.
      const topics = hasTopics ? this.topics.topicsOf(session) : [];
      const positions = hasTopics ? this.topics.positionsOf(session) : [...this.#positions.values()];
      const state = stateOf(this.record, this.port, {
        received: this.#held.mark.received,
        sent: isWhole ? undefined : this.#held.sent,
        calls: this.#calls.open,
        topics,
        positions,
      });
      // The state may have joined items to a message.
      const { mark } = this.#held;
      this.#isDirty = this.#isWhole = this.#hasTopics = false;
      this.#positions.clear();
      const frames = encodeChange({ isWhole, hasTopics, state });
      for (const frame of frames) {
        const options = { after: this.last, replaces: isWhole && frames.length === 1, lifeMs: this.lifeMs };
        this.last = await this.port.append(state.id, frame, options);
        this.#growth.added(frame);
      }
      this.#growth.complete(isWhole, frames);
      // The log lacks what went on without it.
      if (this.isWithoutLog) this.#isWhole = this.#isDirty = true;
      this.isWithoutLog = false;
      this.#written = written;
      if (this.#isDoubtful) this.port.confirmed(state.id);
      if (this.#loser !== undefined) this.port.overtook(this.#loser, state.id);
      this.#isDoubtful = false;
      this.#loser = undefined;
      this.#held.pass(mark);
      this.#thisWrite?.resolve();
      return 0;
    } catch (error) {
      this.#isWhole = this.#isDirty = true;
      if (this.port.isOvertaken(error)) return await this.#overtaken();
      this.#goOnWithoutLog();
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
      if (isOwn) {
        this.last = last;
        this.#rewind();
        if (state && state.node !== this.port.id) this.#loser = state.node;
      } else this.#fence();
      // Senders wait for the next write as well.
      const now = this.#thisWrite;
      void (this.#nextWrite ??= deferred()).promise.then(() => now?.resolve());
      return 0;
    } catch {
      this.#goOnWithoutLog();
      return AGAIN_MS;
    }
  }

  /**
   * Drops what is held, because another node may have run it. The frontend sends it again when it reconnects, because it was not
   * acknowledged. While it is connected here, no other node has the session.
   */
  #rewind(): void {
    if (this.#isConnectedHere) return;
    this.record.leave('The frontend is to connect again.');
    for (const message of this.#held.drop()) this.#calls.dropped(message);
    this.record.link.rewind();
  }

  /** Ends the session here, because another node has it. The frontend sends to that node what has arrived meanwhile. */
  #fence(): void {
    const { session, link } = this.record;
    session.hasMoved = true;
    link.close(INTERRUPTED, 'Another node has taken the session.');
  }

  /** Sessions go on while the backplane is away. */
  #goOnWithoutLog(): void {
    this.isWithoutLog = this.#isWhole = true;
    this.#thisWrite?.resolve();
    this.#nextWrite?.resolve();
    this.#nextWrite = undefined;
    this.#passWithoutLog();
  }

  /**
   * While the log is missing, messages pass only if the frontend is connected here. Otherwise another node may have the session, and
   * deliver them too.
   */
  #passWithoutLog(): void {
    if (this.isWithoutLog && this.#isConnectedHere) this.#held.pass(this.#held.mark);
  }

  /** Whether the frontend is connected to this node itself. A relay may bring what was sent before another node took the session. */
  get #isConnectedHere(): boolean {
    const { state } = this.record;
    return state.kind === 'connected' && !state.transport.isRelayed;
  }

  #remove(): void {
    const { id, hasMoved } = this.record.session;
    if (hasMoved) return;
    const options = { after: this.last, replaces: true, lifeMs: this.lifeMs };
    this.port.append(id, new Uint8Array(0), options).catch(() => undefined);
  }
}
