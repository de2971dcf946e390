import { ITEM_BYTES } from '../../../base/limits.js';
import { afterEvents } from '../../../base/turn.slices.js';
import { HIGH_WATER } from '../../message/link.js';
import type { IpcTransport } from '../../message/transport.js';

/**
 * The work of items in one turn of the event loop: about a thousand small ones, or two milliseconds. The peer reads them while the
 * next ones are made, and other sessions have their turn.
 */
const TURN_WORK = 64 * 1024;
/** Bytes of an item that count as one. */
const BYTES_OF_WORK = 16;

/** Items wait while the connection has not taken this many bytes. */
const MOST_UNSENT = 128 * 1024;

/** Paces the items of all streams of a link. */
export class ItemPace {
  /** The work of items since the last wait for a turn. */
  #work = 0;
  #nextTurn: Promise<void> | undefined;

  /** An item was sent. */
  sent(bytes: number): void {
    this.#work += ITEM_BYTES + bytes / BYTES_OF_WORK;
  }

  /**
   * Items wait where calls would not, so that a call never waits behind many items.
   *
   * @param keptBytes bytes of messages that are kept
   * @param released waits until they are fewer
   */
  backpressure(
    keptBytes: number,
    transport: IpcTransport | undefined,
    released: () => Promise<void>,
  ): Promise<void> | undefined {
    if (keptBytes > HIGH_WATER) return released().catch(() => undefined);
    return transport && transport.bufferedBytes > MOST_UNSENT ? transport.drained() : this.#wait();
  }

  /** Resolves in the next turn if this one has had its work. One promise for all streams. */
  #wait(): Promise<void> | undefined {
    if (this.#work <= TURN_WORK) return undefined;
    return (this.#nextTurn ??= new Promise((resolve) => {
      afterEvents(() => {
        this.#work = 0;
        this.#nextTurn = undefined;
        resolve();
      });
    }));
  }
}
