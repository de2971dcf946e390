import { deferred } from '../../../base/deferred.js';
import type { Deferred } from '../../../base/deferred.js';
import type { BytePool } from '../../../bytes/byte.pool.js';
import { isCount } from '../../../value/value.codec.js';
import type { IpcLimits } from '../../../base/limits.js';
import { IpcControlType } from './codec.js';
import type { DurableMessage } from './codec.js';
import type { FrameEncoding } from './text.encoding.js';
import { ItemPace } from './item.pace.js';
import type { DurableLinkEvents, LinkGate, LinkState } from './link.gate.js';
import { DurableOutbox } from './outbox.js';
import type { KeptBytes } from '../../message/session.bytes.js';
import { DurableReceiver } from './receiver.js';
import { HIGH_WATER, sent, unwatched } from '../../message/link.js';
import type { IpcSessionLink, ItemLink } from '../../message/link.js';
import type { IpcTransport } from '../../message/transport.js';
import { IpcClosedError } from '../../channel/closure.js';
import type { IpcClosure } from '../../channel/closure.js';
import { IpcProtocolError } from '../../message/message.js';
import type { IpcFrame } from '../../message/message.js';
import { prepareCancel } from '../../message/outgoing.message.js';
import type { OutgoingMessage } from '../../message/outgoing.message.js';
import { DurableKeepalive } from './keepalive.js';

/** The link acknowledges after this many messages or bytes, or this much time. */
const ACKNOWLEDGE_MESSAGES = 64;
const ACKNOWLEDGE_BYTES = 256 * 1024;
const ACKNOWLEDGE_MS = 1_000;
/** Closes a connection whose session goes on over another one. */
export const INTERRUPTED = 4000;

/**
 * The messages of one session over one connection after another. The link keeps messages until the peer acknowledges
 * them, and sends them again over the next connection, so that every message arrives once and in order.
 */
export class DurableLink implements IpcSessionLink {
  #transport: IpcTransport | undefined;
  #closure: IpcClosure | undefined;
  readonly #outbox: DurableOutbox;
  /** How many messages were received, and how many of them are acknowledged. */
  #received = 0;
  #acknowledged = 0;
  #probed = false;
  readonly #receiver: DurableReceiver;
  /** Messages that had been received when the last slice ended. */
  #seen = 0;
  #receivedBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #whenReleased: Deferred | undefined;
  readonly #pace = new ItemPace();
  #gate: LinkGate | undefined;
  readonly #keepalive: DurableKeepalive;

  /**
   * @param heartbeatMs how long a peer may be silent before it is probed; it then has as long to answer. 0: never
   * @param kept counts the bytes that are kept
   * @param pool memory for messages with bytes, of this link alone
   */
  constructor(
    private readonly encoding: FrameEncoding,
    private readonly limits: IpcLimits,
    heartbeatMs: number,
    private readonly events: DurableLinkEvents,
    kept?: KeptBytes,
    pool?: BytePool,
  ) {
    this.#outbox = new DurableOutbox(encoding, kept, limits, pool);
    this.#receiver = new DurableReceiver(encoding, limits, {
      begun: (first, bytes) => this.#begun(first, bytes),
      take: (message) => this.#take(message),
      done: () => {
        if (this.#probed) this.acknowledge();
        this.#probed = false;
      },
      sliced: () => this.#sliced(),
      failed: ({ code, message }) => this.close(code, message),
    });
    this.#keepalive = new DurableKeepalive(heartbeatMs, {
      progress: () => ({ acknowledged: this.#outbox.released, isWaiting: this.#outbox.isWaiting }),
      probe: () => this.#outbox.control([IpcControlType.Probe]),
      giveUp: () => this.#giveUp('The peer gave no sign of life.'),
    });
  }

  get closure(): IpcClosure | undefined {
    return this.#closure;
  }

  get unsentBytes(): number {
    return this.#outbox.keptBytes;
  }

  /** The messages that another link needs to go on. The peer sends those again that the gate does not have yet. */
  get state(): LinkState {
    return { received: this.#acknowledgeable, ...this.#outbox.state };
  }

  /** Goes on with the messages of another link. Called before anything is sent. */
  restore(state: LinkState): void {
    this.#received = this.#seen = this.#acknowledged = state.received;
    this.#outbox.restore(state);
  }

  /** Keeps messages at another place as well. @returns a function that lets so many more of them pass to the peer */
  use(gate: LinkGate): (count: number) => void {
    this.#gate = this.#outbox.gate = gate;
    return (count) => this.#outbox.allow(count);
  }

  /** Resolves when the gate has everything; `undefined` without a gate. */
  whenWritten(): Promise<void> | undefined {
    return this.#gate?.whenWritten();
  }

  /** Forgets the messages that the gate does not know of: without a connection, the peer sends them again over the next one. */
  rewind(): void {
    if (!this.#transport) this.#received = this.#seen = this.#acknowledgeable;
  }

  /** How many messages were received in all. The peer does not send them again. */
  get received(): number {
    return this.#received;
  }

  /** Whether a peer can have received this many messages: no more than were sent, no fewer than it acknowledged. */
  canResume(received: number): boolean {
    return this.#outbox.canRelease(received);
  }

  /**
   * Goes on over a connection, and sends again the messages that the peer has not received.
   *
   * @param received how many messages the peer has received, as it claims
   * @throws IpcProtocolError if the number is impossible
   */
  attach(transport: IpcTransport, received: number): void {
    this.detach();
    this.#release(received);
    this.#transport = transport;
    this.#acknowledged = this.#received;
    this.#keepalive.start();
    this.#outbox.attach(transport);
  }

  /** The connection is broken. Messages are kept for the next one. */
  detach(): void {
    this.#transport = undefined;
    this.#outbox.detach();
    clearTimeout(this.#timer);
    this.#keepalive.stop();
    this.#timer = undefined;
    // The peer sends these messages again.
    this.#receiver.clear();
  }

  send(message: OutgoingMessage): Promise<void> {
    if (!this.#closure) this.#write(message);
    if (this.#closure) return unwatched(Promise.reject(new IpcClosedError(this.#closure)));
    if (this.#outbox.keptBytes > HIGH_WATER) return this.#untilReleased();
    return this.#gate?.whenWritten() ?? sent;
  }

  backpressure(): Promise<void> | undefined {
    // Half of the limit, because pushes need space as well.
    if (this.#closure || this.#outbox.keptBytes <= this.limits.bufferedBytes / 2) return undefined;
    return this.#untilReleased().catch(() => undefined);
  }

  readonly items: ItemLink = {
    send: (message) => {
      if (this.#closure) return 0;
      const bytes = this.#outbox.send(message);
      this.#pace.sent(bytes);
      return bytes;
    },
    backpressure: () =>
      this.#closure
        ? undefined
        : this.#pace.backpressure(this.#outbox.keptBytes, this.#transport, () => this.#untilReleased()),
  };

  cancel(request: number): void {
    void this.send(prepareCancel(request));
  }

  receive(frame: IpcFrame): void {
    if (!this.#closure) this.#receiver.add(frame, this.#transport);
  }

  close(code: number, reason: string): void {
    if (this.#closure) return;
    this.#outbox.flush();
    const transport = this.#transport;
    this.#end({ code, reason, initiator: 'local' });
    transport?.close(code, reason);
  }

  ended(closure: IpcClosure): void {
    this.#receiver.whenEmpty(() => this.#end(closure));
  }

  #end(closure: IpcClosure): void {
    if (this.#closure) return;
    this.#closure = closure;
    this.detach();
    this.#outbox.clear();
    this.#whenReleased?.reject(new IpcClosedError(closure));
    this.#gate?.ended();
    this.events.ended(closure);
  }

  /** Acknowledges all received messages. */
  acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#acknowledged = this.#acknowledgeable;
    this.#receivedBytes = 0;
    this.#outbox.control([IpcControlType.Acknowledge, this.#acknowledgeable]);
  }

  /** How many received messages can be acknowledged. */
  get #acknowledgeable(): number {
    return this.#gate?.received ?? this.#received;
  }

  #write(message: OutgoingMessage): void {
    const { bufferedBytes } = this.limits;
    // Checked before, and without the largest message: one may be larger than the limit, and takes the peer some time.
    if (this.#outbox.keptBytes > bufferedBytes && this.#outbox.bytesBesideLargest > bufferedBytes)
      this.close(1013, `More than ${bufferedBytes} bytes wait.`);
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
    if (message.kind === 'control') {
      this.#handleControl(message.type, message.values);
      return;
    }
    this.#received++;
    if (this.#gate) this.#gate.arrived(message.message);
    else this.events.receive(message.message);
  }

  #sliced(): void {
    if (this.#closure || !this.#transport) return;
    this.#keepalive.heard(this.#received > this.#seen);
    this.#seen = this.#received;
    this.acknowledgeSoon();
  }

  #handleControl(type: number, [received]: readonly unknown[]): void {
    if (type === IpcControlType.Acknowledge) this.#release(received);
    // One acknowledgement answers all probes of a frame.
    else if (type === IpcControlType.Probe) this.#probed = true;
  }

  /** The peer has received this many messages. They are not kept any more. */
  #release(received: unknown): void {
    if (!isCount(received) || !this.canResume(received))
      throw new IpcProtocolError(1002, 'An acknowledgement of messages that were not sent.');
    this.#outbox.release(received);
    this.#gate?.released();
    if (this.#outbox.keptBytes > HIGH_WATER / 2) return;
    this.#whenReleased?.resolve();
    this.#whenReleased = undefined;
  }

  /** Acknowledges received messages: at once if there are many, otherwise soon. */
  acknowledgeSoon(): void {
    if (this.#closure || !this.#transport || this.#acknowledgeable === this.#acknowledged) return;
    const isMuch =
      this.#acknowledgeable - this.#acknowledged >= ACKNOWLEDGE_MESSAGES ||
      this.#receivedBytes >= ACKNOWLEDGE_BYTES;
    if (isMuch) this.acknowledge();
    else this.#timer ??= setTimeout(() => this.acknowledge(), ACKNOWLEDGE_MS);
  }

  #giveUp(reason: string): void {
    const transport = this.#transport;
    this.detach();
    transport?.close(INTERRUPTED, reason);
    this.events.interrupted({ code: INTERRUPTED, reason, initiator: 'local' });
  }

  /** One promise for all senders, because there may be very many. */
  #untilReleased(): Promise<void> {
    return (this.#whenReleased ??= deferred()).promise;
  }
}
