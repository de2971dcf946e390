import type { IpcLimits } from '../wire/wire.limits.js';
import { textFrame } from './ipc.codec.js';
import type { PreparedMessage } from './ipc.codec.js';
import { IpcClosedError, IpcProtocolError } from './ipc.message.js';
import type { IpcClosure, IpcMessage } from './ipc.message.js';
import { IpcReceiver } from './ipc.receiver.js';

/** What a session needs of the connection under it. */
export interface IpcTransport {
  /** Sends a text frame and the binary frames behind it, in the order of the calls. Takes the parts' memory. */
  write(text: string, parts: readonly Uint8Array[]): void;
  /** Bytes that were written, and not yet taken by the peer. */
  readonly bufferedBytes: number;
  /** Resolves when the peer has taken what was written, or the connection has ended. Never rejects. */
  drained(): Promise<void>;
  /** Ends the connection, after what was written. Repeated calls do nothing. */
  close(code: number, reason: string): void;
}

/** Above this many buffered bytes whoever sends is asked to wait. */
const HIGH_WATER = 1024 * 1024;

const sent = Promise.resolve();

/** One connection's messages, both ways: numbers what is sent, puts together and in order what is received. */
export class IpcLink {
  #closure: IpcClosure | undefined;
  readonly #receiver: IpcReceiver;
  #sequence = 0;
  /** What all wait for who send while the peer takes its time. */
  #drained: Promise<void> | undefined;
  #giveUp: (error: IpcClosedError) => void = () => undefined;

  /**
   * @param receive is given every message of the peer, in the order of sending
   * @param onEnd is told once that the link is over, whoever ended it
   */
  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    receive: (message: IpcMessage) => void,
    private readonly onEnd: (closure: IpcClosure) => void,
  ) {
    this.#receiver = new IpcReceiver(limits, receive, (error) => this.#violated(error));
  }

  /** How the link ended; `undefined` while it lives. */
  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /**
   * Sends a message that is no answer.
   *
   * @returns resolves at once, or when the peer has taken what is on its way; rejects when the link is over
   */
  push(message: PreparedMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    this.#drained ??= unwatched(this.#drain());
    return this.#drained;
  }

  /** Where too much is on its way: resolves when the peer has taken it, or the link is over. */
  room(): Promise<void> | undefined {
    if (this.#closure || this.transport.bufferedBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.transport.drained();
  }

  /** Sends an answer. On a link that is over there is nobody to have it. */
  respond(message: PreparedMessage): void {
    if (!this.#closure) this.#write(message);
  }

  /** Takes a text frame of the peer's. Never throws. */
  receiveText(frame: string): void {
    this.#receive(() => this.#receiver.text(frame));
  }

  /** Takes a binary frame of the peer's, and its memory. Never throws. */
  receiveBinary(part: Uint8Array): void {
    this.#receive(() => this.#receiver.binary(part));
  }

  /** Ends the link from this side. */
  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.ended({ code, reason });
    this.transport.close(code, reason);
  }

  /** The connection has ended. */
  ended(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.#receiver.close();
    this.#giveUp(new IpcClosedError(closure));
    this.onEnd(closure);
  }

  /** Not only until the connection is gone: a peer that takes nothing may keep it open for long. */
  #drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      void this.transport.drained().then(() => {
        this.#drained = undefined;
        resolve();
      });
    });
  }

  #receive(take: () => void): void {
    if (this.#closure) return;
    try {
      take();
    } catch (error) {
      if (!(error instanceof IpcProtocolError)) throw error;
      this.#violated(error);
    }
  }

  #violated({ code, message }: IpcProtocolError): void {
    this.close(code, message);
  }

  #write(message: PreparedMessage): void {
    const { bufferedBytes } = this.limits;
    // Asked before: one message may be larger than all that may wait, and its peer has had no time to take it.
    if (this.transport.bufferedBytes > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes were not taken.`);
    else this.transport.write(textFrame(message, this.#sequence++), message.parts);
  }
}

/** Most senders do not wait, and a session may end at any time: that is no fault of theirs. */
function unwatched(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
