import { ITEM_BYTES } from '../../../base/limits.js';
import { afterEvents } from '../../../base/turn.slices.js';

/**
 * The work of items in one turn of the event loop: about a thousand small ones, or two milliseconds. The peer reads them while the
 * next ones are made, and other sessions have their turn.
 */
const TURN_WORK = 64 * 1024;
/** Bytes of an item that count as one. */
const BYTES_OF_WORK = 16;

/** Paces the items of all streams of a link. */
export class ItemPace {
  /** The work of items since the last wait for a turn. */
  #work = 0;
  #nextTurn: Promise<void> | undefined;

  /** An item was sent. */
  sent(bytes: number): void {
    this.#work += ITEM_BYTES + bytes / BYTES_OF_WORK;
  }

  /** Resolves in the next turn if this one has had its work. One promise for all streams. */
  wait(): Promise<void> | undefined {
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
