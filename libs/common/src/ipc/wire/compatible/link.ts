import { Fifo } from '../../../base/fifo.js';
import { countBytes } from '../../../base/turn.slices.js';
import type { IpcLimits } from '../../../base/limits.js';
import { textFrame } from './codec.js';
import { IpcClosedError, IpcProtocolError } from '../../message/message.js';
import type { IpcClosure, IpcFrame, IpcMessage } from '../../message/message.js';
import { IpcInbox } from '../../message/inbox.js';
import { HIGH_WATER, sent, unwatched } from '../../message/link.js';
import type { IpcSessionLink, IpcTransport } from '../../message/link.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { CompatibleReceiver } from './receiver.js';

/** One connection's messages, both ways: numbers what is sent, puts together and in order what is received. */
export class CompatibleLink implements IpcSessionLink {
  #closure: IpcClosure | undefined;
  readonly #receiver: CompatibleReceiver;
  readonly #inbox: IpcInbox<string | Uint8Array>;
  /** Messages whose turn it is by their numbers. */
  readonly #ready = new Fifo<IpcMessage>();
  #sequence = 0;
  #counted = 0;
  /** What all wait for who send while the peer takes its time. */
  #drained: Promise<void> | undefined;
  #giveUp: (error: IpcClosedError) => void = () => undefined;

  /**
   * @param deliver is given every message of the peer, in the order of sending
   * @param onEnd is told once that the link is over, whoever ended it
   * @param kept is told how many bytes wait above {@link HIGH_WATER}; those below are part of what a connection costs
   */
  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    private readonly deliver: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
    private readonly kept?: KeptBytes,
  ) {
    this.#receiver = new CompatibleReceiver(
      limits,
      (message) => this.#ready.push(message),
      (error) => this.#violated(error),
    );
    this.#inbox = new IpcInbox(limits, sizeOf, () => this.#step());
  }

  /** How the link ended; `undefined` while it lives. */
  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /**
   * Sends a message.
   *
   * @returns resolves at once, or when the peer has taken what is on its way; rejects when the link is over
   * @throws NumberedError for a value that cannot be sent
   */
  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    this.#count(this.transport.bufferedBytes);
    // It may have been too much for all.
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    this.#drained ??= unwatched(this.#drain());
    return this.#drained;
  }

  /** Where too much is on its way: resolves when the peer has taken it, or the link is over. */
  room(): Promise<void> | undefined {
    if (this.#closure || this.transport.bufferedBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.transport.drained();
  }

  cancel(): void {
    // The compatible wire has no word for it.
  }

  receive(frame: IpcFrame): void {
    if (this.#closure) return;
    try {
      if (typeof frame !== 'string' && !(frame instanceof Uint8Array))
        throw new IpcProtocolError(1002, 'A frame is neither text nor bytes.');
      this.#inbox.add(frame, this.transport);
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.#violated(error);
    }
  }

  /** Delivers a message, or takes the next frame. @returns whether there is more to do */
  #step(): boolean {
    if (this.#ready.size === 0) {
      const frame = this.#inbox.next();
      if (frame === undefined) return false;
      countBytes(sizeOf(frame));
      try {
        this.#receiver.take(frame);
      } catch (error) {
        if (!(error instanceof IpcProtocolError)) throw error;
        this.#violated(error);
      }
    }
    const message = this.#ready.shift();
    if (message && !this.#closure) this.deliver(message);
    return !this.#closure && (this.#ready.size > 0 || this.#inbox.isFilled);
  }

  /** Ends the link from this side. */
  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.#end({ code, reason });
    this.transport.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    this.#inbox.whenEmpty(() => this.#end(closure));
  }

  #end(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.#receiver.close();
    this.#ready.clear();
    this.#inbox.clear();
    this.#count(0);
    this.#giveUp(new IpcClosedError(closure));
    this.onEnd(closure);
  }

  /** Not only until the connection is gone: a peer that takes nothing may keep it open for long. */
  #drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      void this.transport.drained().then(() => {
        this.#drained = undefined;
        const { bufferedBytes } = this.transport;
        if (!this.#closure) this.#count(bufferedBytes > HIGH_WATER ? bufferedBytes : 0);
        resolve();
      });
    });
  }

  #count(bytes: number): void {
    const by = bytes - this.#counted;
    this.#counted = bytes;
    this.kept?.add(by);
  }

  #violated({ code, message }: IpcProtocolError): void {
    this.close(code, message);
  }

  #write(message: OutgoingMessage): void {
    const { bufferedBytes } = this.limits;
    // Asked before: one message may be larger than all that may wait, and its peer has had no time to take it.
    if (this.transport.bufferedBytes > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes wait.`);
    else {
      // Before it has a number: the value's own code, a getter for instance, may send something, too.
      const { parts } = message.data.encode();
      if (this.#closure) return;
      this.transport.write(textFrame(message, this.#sequence++));
      // Copies: whoever sent an array may go on writing to it while the connection has not taken it.
      for (const part of parts) this.transport.write(part.slice());
    }
  }
}

function sizeOf(frame: string | Uint8Array): number {
  return frame.length;
}
