import { deferred } from '../../../base/deferred.js';
import type { Deferred } from '../../../base/deferred.js';
import { isCount } from '../../../value/value.codec.js';
import type { IpcLimits } from '../../../base/limits.js';
import { IpcControlType } from './codec.js';
import type { DurableMessage } from './codec.js';
import type { FrameEncoding } from './text.encoding.js';
import { DurableOutbox } from './outbox.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import { DurableInbox } from './inbox.js';
import { HIGH_WATER, sent, unwatched } from '../../message/link.js';
import type { IpcSessionLink, IpcTransport } from '../../message/link.js';
import { IpcClosedError, IpcProtocolError } from '../../message/message.js';
import type { IpcClosure, IpcFrame, IpcMessage } from '../../message/message.js';
import { prepareCancel } from '../../message/outgoing.message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { DurableKeepalive } from './keepalive.js';

/** After so many messages or bytes, or so much time, the peer is told what has arrived. */
const ACKNOWLEDGE_MESSAGES = 64;
const ACKNOWLEDGE_BYTES = 256 * 1024;
const ACKNOWLEDGE_MS = 1_000;
/** The code by which a connection is given up whose session is to go on over another. */
export const INTERRUPTED = 4000;

/** What a durable link tells. */
export interface DurableLinkEvents {
  /** Every message of the peer, once, in the order of sending. */
  receive(message: IpcMessage): void;
  /** Once: the session is over, whoever ended it. */
  ended(closure: IpcClosure): void;
  /** This end has given up the connection; the session may go on over another. */
  interrupted?(closure: IpcClosure): void;
}

/**
 * One session's messages over one connection after another: what the peer has not acknowledged is kept, and sent
 * again over the next connection, so that every message arrives once and in order.
 */
export class DurableLink implements IpcSessionLink {
  #transport: IpcTransport | undefined;
  #closure: IpcClosure | undefined;
  readonly #outbox: DurableOutbox;
  /** How many messages have been received, and how many of these the peer was told of. */
  #received = 0;
  #told = 0;
  #probed = false;
  readonly #inbox: DurableInbox;
  /** Messages that had been received when the last slice ended. */
  #seen = 0;
  #receivedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #whenReleased: Deferred | undefined;
  readonly #watch: DurableKeepalive;

  /**
   * @param heartbeatMs how long a peer may be silent before it is probed; it then has as long to answer. 0: it is not
   * @param kept is told how many bytes are kept
   */
  constructor(
    private readonly form: FrameEncoding,
    private readonly limits: IpcLimits,
    heartbeatMs: number,
    private readonly events: DurableLinkEvents,
    kept?: KeptBytes,
  ) {
    this.#outbox = new DurableOutbox(form, kept);
    this.#inbox = new DurableInbox(form, limits, {
      begun: (first, bytes) => this.#begun(first, bytes),
      take: (message) => this.#take(message),
      done: () => {
        if (this.#probed) this.acknowledge();
        this.#probed = false;
      },
      sliced: () => this.#sliced(),
      failed: ({ code, message }) => this.close(code, message),
    });
    this.#watch = new DurableKeepalive(heartbeatMs, {
      progress: () => ({ acknowledged: this.#outbox.released, isWaiting: this.#outbox.isWaiting }),
      probe: () => this.#outbox.control([IpcControlType.Probe]),
      giveUp: () => this.#giveUp('The peer gave no sign of life.'),
    });
  }

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  /** How many messages have been received in all: what the peer need not send again. */
  get received(): number {
    return this.#received;
  }

  /** Whether a peer can have received so many messages: as many as were sent, and all that it has acknowledged. */
  canResume(received: number): boolean {
    return this.#outbox.canRelease(received);
  }

  /**
   * Goes on over a connection: sends again what the peer has not received.
   *
   * @param received how many messages the peer says it has
   * @throws IpcProtocolError for a number that cannot be
   */
  attach(transport: IpcTransport, received: number): void {
    this.detach();
    this.#release(received);
    this.#transport = transport;
    this.#told = this.#received;
    this.#watch.start();
    this.#outbox.attach(transport);
  }

  /** The connection is broken; what is sent from now on is kept for the next. */
  detach(): void {
    this.#transport = undefined;
    this.#outbox.detach();
    clearTimeout(this.#timer);
    this.#watch.stop();
    this.#timer = undefined;
    // The peer sends again what has not been received.
    this.#inbox.clear();
  }

  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    return this.#outbox.keptBytes <= HIGH_WATER ? sent : this.#untilReleased();
  }

  room(): Promise<void> | undefined {
    // Half of what may wait, as pushes that are made meanwhile need room as well.
    if (this.#closure || this.#outbox.keptBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.#untilReleased().catch(() => undefined);
  }

  cancel(request: number): void {
    void this.send(prepareCancel(request));
  }

  receive(frame: IpcFrame): void {
    if (!this.#closure) this.#inbox.add(frame, this.#transport);
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.#outbox.flush();
    const transport = this.#transport;
    this.#end({ code, reason });
    transport?.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    this.#inbox.whenEmpty(() => this.#end(closure));
  }

  #end(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.detach();
    this.#outbox.clear();
    this.#whenReleased?.reject(new IpcClosedError(closure));
    this.events.ended(closure);
  }

  /** Tells the peer what has been received. */
  acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = this.#received;
    this.#receivedBytes = 0;
    this.#outbox.control([IpcControlType.Acknowledge, this.#received]);
  }

  #write(message: OutgoingMessage): void {
    const { bufferedBytes } = this.limits;
    // Asked before: one message may be larger than all that may wait, and its peer has had no time to take it.
    if (this.#outbox.keptBytes > bufferedBytes) this.close(1013, `More than ${bufferedBytes} bytes wait.`);
    else this.#outbox.send(message);
  }

  #begun(first: number, bytes: number): boolean {
    if (first !== this.#received) {
      this.#giveUp(`Message ${first} came where ${this.#received} was expected.`);
      return false;
    }
    this.#receivedBytes += bytes;
    return true;
  }

  #take(message: DurableMessage): void {
    if (message.kind === 'control') this.#obey(message.type, message.values);
    else this.events.receive({ ...message.message, sequence: this.#received++ });
  }

  #sliced(): void {
    if (this.#closure || !this.#transport) return;
    this.#watch.heard(this.#received > this.#seen);
    this.#seen = this.#received;
    this.#mayAcknowledge();
  }

  #obey(type: number, [received]: readonly unknown[]): void {
    if (type === IpcControlType.Acknowledge) this.#release(received);
    // One answer will do, however often it asks.
    else if (type === IpcControlType.Probe) this.#probed = true;
    // Those of the beginning of a connection mean nothing later; unknown ones are ignored.
  }

  /** The peer has so many messages: they need not be kept. */
  #release(received: unknown): void {
    if (!isCount(received) || !this.canResume(received))
      throw new IpcProtocolError(1002, 'An acknowledgement of messages that were not sent.');
    this.#outbox.release(received);
    if (this.#outbox.keptBytes > HIGH_WATER / 2) return;
    this.#whenReleased?.resolve();
    this.#whenReleased = undefined;
  }

  #mayAcknowledge(): void {
    if (this.#closure || !this.#transport || this.#received === this.#told) return;
    const isMuch =
      this.#received - this.#told >= ACKNOWLEDGE_MESSAGES || this.#receivedBytes >= ACKNOWLEDGE_BYTES;
    if (isMuch) this.acknowledge();
    else this.#timer ??= setTimeout(() => this.acknowledge(), ACKNOWLEDGE_MS);
  }

  #giveUp(reason: string): void {
    const transport = this.#transport;
    this.detach();
    transport?.close(INTERRUPTED, reason);
    this.events.interrupted?.({ code: INTERRUPTED, reason });
  }

  /** The same for all who wait: there may be very many. */
  #untilReleased(): Promise<void> {
    return (this.#whenReleased ??= deferred()).promise;
  }
}
