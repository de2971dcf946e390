import { countBytes } from '../../../base/turn.slices.js';
import type { IpcLimits } from '../../../base/limits.js';
import { readFirst, readMessage } from './codec.js';
import type { DurableMessage } from './codec.js';
import type { FrameEncoding, ParsedFrame } from './text.encoding.js';
import { IpcInbox } from '../../message/inbox.js';
import type { IpcReading } from '../../message/inbox.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';

/** Takes what a durable link receives. */
export interface DurableReceiver {
  /** A frame begins. @returns whether its messages are to be delivered */
  begun(first: number, bytes: number): boolean;
  /** The next message of a frame. @throws IpcProtocolError */
  take(message: DurableMessage): void;
  /** All messages of a frame have been taken. */
  done(): void;
  /** So much for this turn of the event loop. */
  sliced(): void;
  /** The peer did what the protocol does not allow. */
  failed(error: IpcProtocolError): void;
}

const none: readonly unknown[] = [];

/** Frames that a durable link has received: gives their messages on in order, and in slices. */
export class DurableInbox {
  readonly #inbox: IpcInbox<ParsedFrame | string | Uint8Array>;
  /** The frame that is being worked off, and the index of its next message. */
  #list = none;
  #next = 0;

  constructor(
    private readonly form: FrameEncoding,
    private readonly limits: IpcLimits,
    private readonly receiver: DurableReceiver,
  ) {
    this.#inbox = new IpcInbox(
      limits,
      sizeOf,
      () => this.#step(),
      () => receiver.sliced(),
    );
  }

  /** Takes a frame, and its memory. */
  add(frame: IpcFrame, reading: IpcReading | undefined): void {
    this.#guard(() =>
      // Text waits as it is, as it is smaller than what it becomes; other frames have no size before they are copied.
      this.#inbox.add(isText(frame) ? frame : this.form.parse(frame, this.limits), reading),
    );
  }

  /** Calls a function when nothing waits: at once, mostly. */
  whenEmpty(work: () => void): void {
    this.#inbox.whenEmpty(work);
  }

  /** Forgets what waits. */
  clear(): void {
    this.#list = none;
    this.#inbox.clear();
  }

  /** Gives on a message, or takes the next frame. @returns whether there is more to do */
  #step(): boolean {
    this.#guard(() => {
      if (this.#list === none && !this.#open()) return;
      if (this.#next < this.#list.length) this.receiver.take(readMessage(this.#list[this.#next++]));
      // It may have been forgotten meanwhile.
      if (this.#list === none || this.#next < this.#list.length) return;
      this.#list = none;
      this.receiver.done();
    });
    return this.#list !== none || this.#inbox.isFilled;
  }

  /** Begins the next frame. @returns whether its messages are to be delivered. @throws IpcProtocolError */
  #open(): boolean {
    const frame = this.#inbox.next();
    if (frame === undefined) return false;
    const { list, bytes } = isText(frame) ? this.form.parse(frame, this.limits) : frame;
    countBytes(bytes);
    if (!this.receiver.begun(readFirst(list), bytes)) return false;
    this.#list = list;
    this.#next = 1;
    return true;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.receiver.failed(error);
    }
  }
}

function isText(frame: unknown): frame is string | Uint8Array {
  return typeof frame === 'string' || frame instanceof Uint8Array;
}

function sizeOf(frame: ParsedFrame | string | Uint8Array): number {
  return typeof frame === 'string' ? frame.length : 'bytes' in frame ? frame.bytes : frame.byteLength;
}
