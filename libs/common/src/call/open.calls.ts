/** The open calls of a service, so that its owner can wait for them before it closes. */
export class OpenCalls<T> {
  readonly #open = new Set<T>();
  readonly #whenNone = new Set<() => void>();

  get size(): number {
    return this.#open.size;
  }

  add(call: T): void {
    this.#open.add(call);
  }

  /** Whether a call is open. */
  has(call: T): boolean {
    return this.#open.has(call);
  }

  /** Removes a call that has ended. @returns whether it was open */
  delete(call: T): boolean {
    if (!this.#open.delete(call)) return false;
    if (this.#open.size === 0) for (const resolve of this.#whenNone) resolve();
    return true;
  }

  /** Waits until nothing is open, at most for the given time. @returns the calls that are still open */
  async left(timeoutMs: number): Promise<T[]> {
    if (this.#open.size === 0) return [];
    await new Promise<void>((resolve) => {
      const over = () => {
        clearTimeout(timer);
        this.#whenNone.delete(over);
        resolve();
      };
      const timer = setTimeout(over, timeoutMs);
      this.#whenNone.add(over);
    });
    return [...this.#open];
  }
}
