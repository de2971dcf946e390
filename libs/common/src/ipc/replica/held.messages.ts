import { sizeOf } from '../../value/value.size.js';
import type { IpcReading } from '../message/inbox.js';
import type { IpcFrame, IpcMessage } from '../message/message.js';

/** Above this many bytes of messages of the frontend, nothing more is read from it until they have passed. */
const HELD_BYTES = 1024 * 1024;

/** How many messages there were by some moment, in each direction. */
export interface HeldMark {
  /** Messages of the frontend. */
  readonly received: number;
  /** Messages to the frontend. */
  readonly sent: number;
}

/** Receives the messages that pass. */
export interface HeldEvents {
  /** So many further messages may go to the frontend. */
  allow(count: number): void;
  /** Messages of the frontend are about to be delivered: it need not send them again. */
  receive(): void;
  deliver(message: IpcMessage): void;
  /** The connection of the frontend, where it can wait. */
  reading(): IpcReading | undefined;
}

/** The messages of a session that its copy does not have yet, in both directions. */
export class HeldMessages {
  readonly #sent: IpcFrame[] = [];
  readonly #arrived: IpcMessage[] = [];
  #passed = 0;
  #arrivedBytes = 0;
  #paused: IpcReading | undefined;

  /** @param received how many messages of the frontend have passed */
  constructor(
    public received: number,
    private readonly events: HeldEvents,
  ) {}

  /** All messages by now. */
  get mark(): HeldMark {
    return { received: this.received + this.#arrived.length, sent: this.#passed + this.#sent.length };
  }

  /** Messages to the frontend that have not passed. */
  get sent(): readonly IpcFrame[] {
    return this.#sent;
  }

  push(content: IpcFrame): void {
    this.#sent.push(content);
  }

  arrived(message: IpcMessage): void {
    this.#arrived.push(message);
    this.#arrivedBytes += sizeOf(message);
    if (this.#arrivedBytes > HELD_BYTES) this.#pause();
  }

  /** Forgets the messages of the frontend. @returns them */
  drop(): IpcMessage[] {
    this.#resume();
    return this.#arrived.splice(0);
  }

  /** Lets everything up to a mark pass. */
  pass({ received, sent }: HeldMark): void {
    const allowed = this.#sent.splice(0, Math.max(0, sent - this.#passed)).length;
    this.#passed += allowed;
    this.events.allow(allowed);
    const messages = this.#arrived.splice(0, Math.max(0, received - this.received));
    this.received += messages.length;
    if (this.#arrived.length === 0) this.#resume();
    if (messages.length > 0) this.events.receive();
    for (const message of messages) this.events.deliver(message);
  }

  #pause(): void {
    const reading = this.events.reading();
    // Another connection has taken its place.
    if (reading === this.#paused || !reading?.pause) return;
    this.#paused = reading;
    reading.pause();
  }

  #resume(): void {
    this.#arrivedBytes = 0;
    this.#paused?.resume?.();
    this.#paused = undefined;
  }
}
