import { countBytes } from '../../../base/turn.slices.js';
import type { IpcLimits } from '../../../base/limits.js';
import { readFirst, readMessage } from './codec.js';
import type { DurableMessage } from './codec.js';
import type { FrameEncoding, ParsedFrame } from './text.encoding.js';
import { IpcInbox } from '../../message/inbox.js';
import type { IpcReading } from '../../message/inbox.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';

/** The owner of a receiver. */
export interface ReceiverEvents {
  /** A frame begins. @returns whether its messages are delivered */
  begun(first: number, bytes: number): boolean;
  /** The next message of a frame. @throws IpcProtocolError */
  take(message: DurableMessage): void;
  /** All messages of a frame were delivered. */
  done(): void;
  /** The work of this turn of the event loop is done. */
  sliced(): void;
  /** The peer broke the protocol. */
  failed(error: IpcProtocolError): void;
}

const none: readonly unknown[] = [];

/** Reads the frames that a durable link has received, and delivers their messages in order and in slices. */
export class DurableReceiver {
  readonly #inbox: IpcInbox<ParsedFrame | string | Uint8Array>;
  /** The frame that is being read, and the index of its next message. */
  #list = none;
  #next = 0;

  constructor(
    private readonly encoding: FrameEncoding,
    private readonly limits: IpcLimits,
    private readonly events: ReceiverEvents,
  ) {
    this.#inbox = new IpcInbox(
      limits,
      sizeOf,
      () => this.#step(),
      () => events.sliced(),
    );
  }

  /** Receives a frame, and owns its memory from then on. */
  add(frame: IpcFrame, reading: IpcReading | undefined): void {
    this.#guard(() =>
      // Text waits unparsed, because it is smaller so. Other frames have no known size before they are copied.
      this.#inbox.add(isText(frame) ? frame : this.encoding.parse(frame, this.limits), reading),
    );
  }

  /** Calls a function when nothing waits, which is mostly at once. */
  whenEmpty(work: () => void): void {
    this.#inbox.whenEmpty(work);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#list = none;
    this.#inbox.clear();
  }

  /** Delivers a message, or opens the next frame. @returns whether there is more to do */
  #step(): boolean {
    this.#guard(() => {
      if (this.#list === none && !this.#open()) return;
      if (this.#next < this.#list.length) this.events.take(readMessage(this.#list[this.#next++]));
      // The message may have ended the link.
      if (this.#list === none || this.#next < this.#list.length) return;
      this.#list = none;
      this.events.done();
    });
    return this.#list !== none || this.#inbox.isFilled;
  }

  /** Opens the next frame. @returns whether its messages are delivered @throws IpcProtocolError */
  #open(): boolean {
    const frame = this.#inbox.next();
    if (frame === undefined) return false;
    const { list, bytes } = isText(frame) ? this.encoding.parse(frame, this.limits) : frame;
    countBytes(bytes);
    if (!this.events.begun(readFirst(list), bytes)) return false;
    this.#list = list;
    this.#next = 1;
    return true;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.events.failed(error);
    }
  }
}

function isText(frame: unknown): frame is string | Uint8Array {
  return typeof frame === 'string' || frame instanceof Uint8Array;
}

function sizeOf(frame: ParsedFrame | string | Uint8Array): number {
  return typeof frame === 'string' ? frame.length : 'bytes' in frame ? frame.bytes : frame.byteLength;
}
