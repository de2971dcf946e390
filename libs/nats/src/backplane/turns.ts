/** Runs functions for one thing one after the other, because they take effect in the order of their calls. */
export class Turns {
  /** The last function for each thing. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs a function when those that were called for the same thing before it have settled. */
  take<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(thing) ?? Promise.resolve()).then(work, work);
    this.#last.set(thing, turn);
    const over = () => {
      if (this.#last.get(thing) === turn) this.#last.delete(thing);
    };
    turn.then(over, over);
    return turn;
  }

  /** Waits for the functions that were called. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
