import { Fifo } from '../../../base/fifo.js';
import { countBytes } from '../../../base/turn.slices.js';
import type { IpcLimits } from '../../../base/limits.js';
import { textFrame } from './codec.js';
import { IpcClosedError } from '../../channel/closure.js';
import type { IpcClosure } from '../../channel/closure.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame, IpcMessage } from '../../message/message.js';
import { IpcInbox } from '../../message/inbox.js';
import { HIGH_WATER, sent, unwatched } from '../../message/link.js';
import type { IpcLinkEvents, IpcSessionLink } from '../../message/link.js';
import type { IpcTransport } from '../../message/transport.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { CompatibleReceiver } from './receiver.js';

/** The messages of one connection: numbers those that are sent, assembles and orders those that are received. */
export class CompatibleLink implements IpcSessionLink {
  #closure: IpcClosure | undefined;
  readonly #receiver: CompatibleReceiver;
  readonly #inbox: IpcInbox<string | Uint8Array>;
  /** Messages that are next by their numbers. */
  readonly #ready = new Fifo<IpcMessage>();
  #sequence = 0;
  #counted = 0;
  /** Bytes of the largest message that may be among those that wait. */
  #largest = 0;
  /** All senders wait for it while the peer is slow. */
  #drained: Promise<void> | undefined;
  #giveUp: (error: IpcClosedError) => void = () => undefined;

  /**
   * @param kept counts the bytes that wait above {@link HIGH_WATER}; those below are part of the cost of a connection
   */
  constructor(
    private readonly transport: IpcTransport,
    private readonly limits: IpcLimits,
    private readonly events: IpcLinkEvents,
    private readonly kept?: KeptBytes,
  ) {
    this.#receiver = new CompatibleReceiver(
      limits,
      (message) => this.#ready.push(message),
      (error) => this.#violated(error),
    );
    this.#inbox = new IpcInbox(limits, sizeOf, () => this.#step());
  }

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  get unsentBytes(): number {
    return this.transport.bufferedBytes;
  }

  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.transport.bufferedBytes <= HIGH_WATER) return sent;
    this.#count(this.transport.bufferedBytes);
    // The count may have ended this link, or another one.
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    this.#drained ??= unwatched(this.#drain());
    return this.#drained;
  }

  backpressure(): Promise<void> | undefined {
    if (this.#closure || this.transport.bufferedBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.transport.drained();
  }

  cancel(): void {
    // The compatible wire has no message for it.
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

  /** Delivers a message, or reads the next frame. @returns whether there is more to do */
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
    if (message && !this.#closure) this.events.receive(message);
    return !this.#closure && (this.#ready.size > 0 || this.#inbox.isFilled);
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.#end({ code, reason, initiator: 'local' });
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
    this.events.ended(closure);
  }

  /** Rejects when the link ends: a peer that takes nothing may keep the connection open for long. */
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
    const { bufferedBytes, messageBytes, textLength } = this.limits;
    const before = this.transport.bufferedBytes;
    if (before <= HIGH_WATER) this.#largest = 0;
    // Checked before, and without the largest message: one may be larger than the limit, and takes the peer some time.
    if (before - this.#largest > bufferedBytes) this.close(1013, `More than ${bufferedBytes} bytes wait.`);
    else {
      // Encoded before it has a number: code of the value, for instance a getter, may send a message, too.
      const { parts } = message.data.encode();
      if (this.#closure) return;
      const text = textFrame(message, this.#sequence);
      let bytes = text.length;
      for (const { byteLength } of parts) bytes += byteLength;
      // The peer would end the session. Text of up to twice its limit is refused alone, by the peer.
      const most = parts.length > 0 ? messageBytes : 2 * Math.min(textLength, messageBytes);
      if (bytes > most) message.data.tooLarge(most);
      this.#sequence++;
      this.transport.write(text);
      // Copies: the sender may write to an array while the connection has not taken it.
      for (const part of parts) this.transport.write(part.slice());
      if (bytes > HIGH_WATER) this.#largest = Math.max(this.#largest, this.transport.bufferedBytes - before);
    }
  }
}

function sizeOf(frame: string | Uint8Array): number {
  return frame.length;
}
