import { ITEM_BYTES, MESSAGE_ITEMS } from '../../base/limits.js';
import { countBytes } from '../../base/turn.slices.js';
import { TransientError } from '../../error/imodel.error.js';
import { sendMembers } from '../../error/sendable.members.js';
import type { ErrorExposure } from '../../error/error.members.js';
import type { ItemQueue } from '../../stream/item.queue.js';
import { endingWith, leaveItems } from '../../stream/reading.js';
import type { StreamItems } from '../../stream/stream.js';
import { IpcMessageType, IpcProtocolError } from '../message/message.js';
import type { ItemMessage, StreamEndMessage, TakenMessage } from '../message/message.js';
import type { IpcServerLink } from '../message/link.js';
import { prepareItem, prepareStreamEnd, prepareTaken } from '../message/outgoing.message.js';
import type { OutgoingMessage } from '../message/outgoing.message.js';
import { IncomingStream } from './incoming.stream.js';
import { OutgoingStream } from './outgoing.stream.js';
import type { StreamFailure } from './outgoing.stream.js';

/** The streams of a session at one end. */
export interface StreamSide {
  /** Sends the messages of streams. Without `items` no stream begins. */
  readonly link: Pick<IpcServerLink, 'items'> & { send(message: OutgoingMessage): unknown };
  /** Most bytes of one stream that may wait to be read. An honest sender stops far below. */
  readonly mostWaiting: number;
  /** Counts bytes of items that wait. @returns whether there is space for them */
  take(bytes: number): boolean;
  /** Frees bytes. */
  free(bytes: number): void;
  /** Makes an error of the members that the other end has sent. */
  rebuild(members: unknown): unknown;
}

/** Names the call in errors of items, and shows what their errors may have. */
export interface OutgoingNames {
  readonly name: string | undefined;
  readonly exposure?: ErrorExposure | undefined;
}

const NO_SPACE = 'There is no space for further items of this stream.';

/** The streams of one call at one end of its session. */
export class CallStreams {
  readonly #incoming = new Map<number, IncomingStream>();
  readonly #outgoing = new Map<number, OutgoingStream>();
  #isOver = false;

  constructor(
    private readonly side: StreamSide,
    private readonly request: number,
  ) {}

  /** How many streams arrive and are sent. */
  get size(): number {
    return this.#incoming.size + this.#outgoing.size;
  }

  /** Receives a stream. @returns its items, which can be read once */
  open(slot: number): ItemQueue {
    const { side, request } = this;
    const stream = new IncomingStream({
      taken: (items) => {
        // The reader of a result leaves by cancelling the call.
        if (items !== undefined || slot > 0) void side.link.send(prepareTaken(request, slot, items));
      },
      take: (bytes) => side.take(bytes),
      free: (bytes) => side.free(bytes),
    });
    this.#incoming.set(slot, stream);
    return stream.items;
  }

  /**
   * Receives the result of the call.
   *
   * @param over called when its reader has got the last item or an error, or has left
   * @param left called before, if its reader leaves
   */
  openResult(over: () => void, left: () => void): StreamItems {
    const items = endingWith<unknown, unknown>(this.open(0), over);
    return {
      next: items.next,
      return() {
        left();
        return items.return();
      },
    };
  }

  /** The items of an argument that was opened. */
  argument(slot: number): ItemQueue | undefined {
    return this.#incoming.get(slot)?.items;
  }

  /** Whether a reader waits for an item of the other end. */
  get isStarved(): boolean {
    return [...this.#incoming.values()].some(({ items }) => items.isAwaited);
  }

  /**
   * Sends a stream. If the call is over, the producer is stopped.
   *
   * @param membersOf returns the members of the error that the other end gets
   * @param ended called once if the stream was not stopped before
   */
  send(
    slot: number,
    items: StreamItems,
    { name, exposure }: OutgoingNames,
    membersOf: (failure: StreamFailure) => unknown,
    ended: () => void = () => undefined,
  ): void {
    if (this.#isOver) {
      leaveItems(items);
      return;
    }
    const { request } = this;
    const { link } = this.side;
    const stream = new OutgoingStream(items, {
      backpressure: () => link.items?.backpressure(),
      item: (value) => link.items?.send(prepareItem(request, slot, value, name, exposure)) ?? 0,
      ended: (failure) => {
        this.#outgoing.delete(slot);
        this.#sendEnd(slot, failure && membersOf(failure), exposure);
        ended();
      },
    });
    this.#outgoing.set(slot, stream);
    stream.pull();
  }

  /** Receives a message about one of the streams. @throws IpcProtocolError if the other end sends more than it may */
  receive(message: ItemMessage | StreamEndMessage | TakenMessage): void {
    if (message.type === IpcMessageType.Taken) this.#taken(message);
    else this.#arrived(message);
  }

  /** The call is over: producers stop, and nothing more is read. */
  close(): void {
    this.#stopProducers();
    for (const stream of this.#incoming.values()) stream.close();
    this.#incoming.clear();
  }

  /** The session is over: producers stop, and readers get an error. */
  fail(error: unknown): void {
    this.#stopProducers();
    for (const stream of this.#incoming.values()) stream.abandon(error);
    this.#incoming.clear();
  }

  #stopProducers(): void {
    this.#isOver = true;
    for (const stream of this.#outgoing.values()) stream.stop();
    this.#outgoing.clear();
  }

  /** Ends a stream at this end, and stops its producer. */
  #refuse(stream: IncomingStream, slot: number, error: Error): void {
    stream.fail(error);
    void this.side.link.send(prepareTaken(this.request, slot, undefined));
  }

  #sendEnd(slot: number, error: unknown, exposure: ErrorExposure | undefined): void {
    const { link } = this.side;
    sendMembers(error, (members) => void link.send(prepareStreamEnd(this.request, slot, members, exposure)));
  }

  #taken({ slot, items }: TakenMessage): void {
    const stream = this.#outgoing.get(slot);
    if (!stream) return;
    if (items === undefined) {
      this.#outgoing.delete(slot);
      stream.stop();
    } else if (!stream.taken(items))
      throw new IpcProtocolError(1002, 'More items were taken than were sent.');
  }

  #arrived({ type, slot, data, refusal }: ItemMessage | StreamEndMessage): void {
    if (data.length > MESSAGE_ITEMS)
      throw new IpcProtocolError(1008, `A message of more than ${MESSAGE_ITEMS} items of a stream.`);
    // A message of many items is as much work as one of many bytes.
    countBytes(data.length * ITEM_BYTES);
    const stream = this.#incoming.get(slot);
    // The reader may have left before the sender learned of it.
    if (!stream) return;
    if (type === IpcMessageType.Item && !refusal) {
      for (const item of data) {
        // Its reader may leave at any item.
        if (stream.isOver) return;
        if (!stream.receive(item, this.side.mostWaiting))
          this.#refuse(stream, slot, new TransientError(NO_SPACE));
      }
      return;
    }
    if (refusal) this.#refuse(stream, slot, refusal);
    else if (data.length > 0) stream.fail(this.side.rebuild(data[0]));
    else stream.end();
  }
}
